//! One filled view per page: what an operator's templates are tried with at start, and what a
//! preview of them shows.

use crate::ui::views::{
    AccountView, AccountsView, BackLink, ClientView, ConsentView, DemoCustomer, DemoView,
    DetailView, DeveloperDetail, ErrorKind, ErrorView, FactView, FormView, LineView, LoginView,
    LogoutView, MoneyView, Purpose, Shell, SignedOutView,
};

/// The frame of a sandbox.
#[must_use]
pub fn shell() -> Shell {
    Shell {
        bank_name: "Bank of Examples".into(),
        sandbox: true,
        reference: "7H2K-9QXD".into(),
        locale: "en".into(),
        ..Shell::default()
    }
}

/// A form of an authorization in progress.
#[must_use]
pub fn form(action: &str) -> FormView {
    FormView {
        action: action.into(),
        interaction: "i8Jt0fS2vVqzQ4lqUlnIYw".into(),
        csrf: "3q2vu1w0WkXQm0cT9nF5lJ0dQ1u4vR7s".into(),
        minutes: Some(60),
    }
}

/// An app about which everything is known.
#[must_use]
pub fn client() -> ClientView {
    ClientView {
        name: "Budget Buddy".into(),
        legal_name: Some("Budget Buddy SAS".into()),
        regulator: Some("ACPR (France)".into()),
        authorisation: Some("PSDFR-ACPR-12345".into()),
        roles: vec!["PSP_AI".into(), "PSP_PI".into()],
        certificate_issuer: Some("Example QTSP".into()),
        website: Some("budgetbuddy.example".into()),
        known_since_s: Some(1_764_028_800),
        ..ClientView::default()
    }
}

/// The login page, asked for the first time.
#[must_use]
pub fn login() -> LoginView {
    let demo = [("ada", "two accounts"), ("bob", "a joint account"), ("chloe", "no account")];
    LoginView {
        form: form("/login"),
        client: client(),
        purpose: Purpose::Accounts,
        login: String::new(),
        error: None,
        demo: Some(DemoView {
            customers: demo
                .map(|(login, about)| DemoCustomer { login: login.into(), about: about.into() })
                .into(),
            password: "demo".into(),
        }),
    }
}

/// The consent page with three accounts.
#[must_use]
pub fn consent() -> ConsentView {
    let accounts = [
        ("acc-1", "Current account", "0189", 120_410),
        ("acc-2", "Savings", "4471", 800_000),
        ("acc-3", "Joint account with C. Babbage", "7720", -35_000),
    ];
    let list = accounts.map(|(id, name, digits, minor)| AccountView {
        id: id.into(),
        name: name.into(),
        last_digits: Some(digits.into()),
        balance: Some(MoneyView { minor, currency: "EUR".into() }),
        selected: false,
    });
    ConsentView {
        form: form("/consent"),
        client: client(),
        signed_in_as: "Ada Lovelace".into(),
        switch_action: Some("/login/switch".into()),
        ends_at_s: Some(1_810_771_200),
        scopes: vec!["openid".into(), "accounts".into(), "transactions".into()],
        details: vec![],
        payments: 0,
        accounts: AccountsView::Choose { list: list.into() },
        no_account_chosen: false,
        manage_url: None,
    }
}

/// The question whether to sign out, asked by an app that wants the browser back.
#[must_use]
pub fn logout() -> LogoutView {
    LogoutView {
        form: FormView { interaction: String::new(), minutes: None, ..form("/logout/confirm") },
        client: Some(client()),
        signed_in_as: "Ada Lovelace".into(),
        request: "client_id=budgetbuddy&state=af0ifjsldkj".into(),
    }
}

/// The page after it, with a way back.
#[must_use]
pub fn signed_out() -> SignedOutView {
    let url = "https://budgetbuddy.example/signed-out?state=af0ifjsldkj".into();
    SignedOutView { stayed: false, back: Some(BackLink { url, client: client() }) }
}

/// The consent page of one payment.
#[must_use]
pub fn payment() -> ConsentView {
    let line = |label, fact| LineView { label, facts: vec![fact] };
    let text = |text: &str| FactView::Text { text: text.into() };
    let amount = FactView::Amount { amount: "123.50".into(), currency: "EUR".into() };
    let lines = vec![
        line("details-amount", amount),
        line("details-creditor", text("Merchant A")),
        line("details-creditor-account", text("DE02100100109307118603")),
        line("details-on", FactView::Date { at_s: 1_810_771_200 }),
    ];
    ConsentView {
        scopes: vec!["openid".into()],
        accounts: AccountsView::NotNeeded,
        details: vec![DetailView { title: "details-payment", lines }],
        payments: 1,
        ..consent()
    }
}

/// The error page of a redirect URI that is not registered.
#[must_use]
pub fn error() -> ErrorView {
    ErrorView {
        kind: ErrorKind::AddressUnknown,
        nothing_shared: true,
        wait_s: None,
        back: None,
        developer: Some(DeveloperDetail {
            error: "invalid_request".into(),
            code: "E1042".into(),
            name: "redirect_uri_mismatch".into(),
            sent: Some("http://localhost:3000/callback/".into()),
            registered: vec!["http://localhost:3000/callback".into()],
            difference: Some("trailing /".into()),
            fix: Some(
                "counterfoil client edit finapp --add-redirect-uri http://localhost:3000/callback/"
                    .into(),
            ),
        }),
    }
}

/// The error page of a declined or late answer, with a way back.
#[must_use]
pub fn expired() -> ErrorView {
    ErrorView {
        kind: ErrorKind::LinkExpired,
        nothing_shared: true,
        wait_s: Some(60),
        back: Some(BackLink {
            url: "https://budgetbuddy.example/cb?error=access_denied".into(),
            client: client(),
        }),
        developer: None,
    }
}
