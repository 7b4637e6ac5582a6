//! Text of unknown origin (attacks.md section 5 G).

use super::*;
use crate::ui::views::{
    DemoCustomer, DemoView, DetailView, DeveloperDetail, FactView, LineView, MoneyView,
};

const MARKUP: &str =
    "</bdi></title><script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;{{ 1337*3 }}";
const STEERING: &str =
    "\u{202e}\u{2066}\u{200f}a\u{0}\u{7}\u{1b}\u{2028}\u{feff}\u{e0041}\u{e000}0\u{e001}";

fn client(text: &str) -> ClientView {
    let some = || Some(text.to_owned());
    ClientView {
        name: text.into(),
        legal_name: some(),
        regulator: some(),
        authorisation: some(),
        roles: vec![text.into()],
        certificate_issuer: some(),
        website: some(),
        known_since_s: Some(u64::MAX),
        logo_path: Some(format!("/{text}")),
        policy_url: Some(format!("https://{text}")),
        terms_url: Some(format!("https://{text}")),
    }
}

fn developer(text: &str) -> DeveloperDetail {
    let some = || Some(text.to_owned());
    DeveloperDetail {
        error: text.into(),
        code: text.into(),
        name: text.into(),
        sent: some(),
        registered: vec![text.into()],
        difference: some(),
        fix: some(),
    }
}

/// All pages with one text in every place.
fn filled_with(text: &str) -> [String; 5] {
    let (pages, some) = (pages(), || Some(text.to_owned()));
    let shell = Shell {
        bank_name: text.into(),
        logo_path: Some(format!("/{text}")),
        sandbox: true,
        reference: text.into(),
        locale: text.into(),
        help_url: Some(format!("/{text}")),
        privacy_url: Some(format!("https://{text}")),
        language_base: Some(format!("/{text}")),
    };
    let mut form = samples::form(text);
    (form.interaction, form.csrf) = (text.into(), text.into());
    let customers = vec![DemoCustomer { login: text.into(), about: text.into() }];
    let login = LoginView {
        form: form.clone(),
        client: client(text),
        purpose: Purpose::Accounts,
        login: text.into(),
        error: Some(LoginError::Wrong { attempts_left: Some(u32::MAX) }),
        demo: Some(DemoView { customers, password: text.into() }),
    };
    let amount = FactView::Amount { amount: text.into(), currency: text.into() };
    let facts = vec![FactView::Text { text: text.into() }, amount];
    let lines = vec![LineView { label: "details-creditor", facts }];
    let mut consent = ConsentView {
        form: form.clone(),
        client: client(text),
        signed_in_as: text.into(),
        switch_action: some(),
        scopes: vec![text.into()],
        details: vec![DetailView { title: "details-payment", lines }],
        payments: 1,
        manage_url: Some(format!("/{text}")),
        ..samples::consent()
    };
    if let AccountsView::Choose { list } = &mut consent.accounts {
        for account in list {
            (account.id, account.name, account.last_digits) = (text.into(), text.into(), some());
            account.balance = Some(MoneyView { minor: i64::MIN, currency: text.into() });
        }
    }
    let back = BackLink { url: format!("https://{text}"), client: client(text) };
    let error = ErrorView {
        back: Some(back),
        developer: Some(developer(text)),
        wait_s: Some(u64::MAX),
        ..samples::error()
    };
    let logout = LogoutView {
        form,
        client: Some(client(text)),
        signed_in_as: text.into(),
        request: text.into(),
    };
    let back = BackLink { url: format!("https://{text}"), client: client(text) };
    let signed_out = SignedOutView { stayed: false, back: Some(back) };
    let html = [
        pages.login(&shell, &login),
        pages.consent(&shell, &consent),
        pages.error(&shell, &error),
        pages.logout(&shell, &logout),
        pages.signed_out(&shell, &signed_out),
    ];
    assert_eq!(pages.take_failure(), None);
    html
}

#[test]
fn markup_stays_text_everywhere() {
    for html in filled_with(MARKUP) {
        for never in ["<script", "<img src=x", "\"'>", "4011", "&amp;amp;amp;"] {
            assert!(!html.contains(never), "{never}: {html}");
        }
        assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert_nested(&html);
    }
}

#[test]
fn nothing_can_steer_the_text_around_it() {
    for html in filled_with(STEERING) {
        let bad = html.chars().find(|c| {
            (c.is_control() && *c != '\n')
                || "\u{202e}\u{2066}\u{200f}\u{2028}\u{feff}\u{e0041}".contains(*c)
        });
        assert_eq!(bad, None, "{html}");
        assert_nested(&html);
    }
}

#[test]
fn long_names_fit() {
    for letter in ["W", "é", "👩‍🚀", "ا"] {
        let long = letter.repeat(300);
        let view = ConsentView {
            client: ClientView {
                name: long.clone(),
                legal_name: Some(long.clone()),
                ..samples::client()
            },
            signed_in_as: long.clone(),
            ..samples::consent()
        };
        let html = pages().consent(&Shell { bank_name: long, ..samples::shell() }, &view);
        assert!(html.len() < 10_000, "{letter}: {} bytes", html.len());
        assert_nested(&html);
    }
}

#[test]
fn a_name_of_nothing_is_called_the_app() {
    let name: String = "\u{202e}\u{200b} \n".into();
    let nobody = ClientView { name: name.clone(), legal_name: Some(name), ..ClientView::default() };
    let view = ConsentView { client: nobody, ..samples::consent() };
    let html = pages().consent(&samples::shell(), &view);
    assert!(html.contains("<bdi>the app</bdi> asked to see"), "{html}");
}

#[test]
fn names_are_cleaned_and_cut() {
    let name = |text: &str, length| markup::name(text, length);
    assert_eq!(name("  a \t\n b\u{202e}c ", 10), "a bc");
    assert_eq!(name("abcdef", 6), "abcdef");
    assert_eq!(name("abcdefg", 6), "abcde…");
    assert_eq!(name("", 6), "");
    assert_eq!(name("👩‍👩‍👧", 10), "👩‍👩‍👧");
    assert_eq!(name(&format!("a{}b", "\u{301}".repeat(1000)), 10), "a\u{301}\u{301}\u{301}b");
}

#[test]
fn a_name_in_a_title_is_isolated_where_it_runs_the_other_way() {
    let titled = |name: &str| {
        let client = ClientView { name: name.into(), ..ClientView::default() };
        pages().consent(&samples::shell(), &ConsentView { client, ..samples::consent() })
    };
    assert!(titled("بنك").contains("<title>Choose the accounts \u{2068}بنك\u{2069} can see"));
    assert!(titled("Bank").contains("<title>Choose the accounts Bank can see"));
}
