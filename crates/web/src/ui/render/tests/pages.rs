//! What login and consent say.

use super::*;

#[test]
fn the_login_page_says_who_asks_and_what_went_wrong() {
    let (pages, shell) = (pages(), samples::shell());
    let mut view = samples::login();
    let first = pages.login(&shell, &view);
    assert!(first.contains("<bdi>Budget Buddy SAS</bdi> asks to see account information."));
    assert!(first.contains("Cancel and go back to <bdi>Budget Buddy</bdi>"));
    assert!(first.contains("<code>chloe</code>") && first.contains("password <code>demo</code>"));
    assert!(!pages.login(&Shell { sandbox: false, ..shell.clone() }, &view).contains("chloe"));
    view.login = "ada \"<".into();
    view.error = Some(LoginError::Wrong { attempts_left: Some(4) });
    let again = pages.login(&shell, &view);
    assert!(again.contains("User name or password are wrong. 4 attempts left.</p>"));
    assert!(again.contains("<title>Error: Sign in – Bank of Examples</title>"));
    assert!(again.contains("value=\"ada &quot;&lt;\""));
    view.error = Some(LoginError::Wrong { attempts_left: Some(1) });
    assert!(pages.login(&shell, &view).contains("1 attempt left."));
    view.error = Some(LoginError::Throttled { wait_s: 300 });
    assert!(pages.login(&shell, &view).contains("Wait 5 minutes, then try again."));
}

#[test]
fn the_consent_page_says_who_what_and_until_when() {
    let (pages, shell) = (pages(), samples::shell());
    let html = pages.consent(&shell, &samples::consent());
    for part in [
        "Choose the accounts <bdi>Budget Buddy</bdi> can see",
        "<bdi>Budget Buddy SAS</bdi> asked to see account information until <bdi class=\"nb\">20 May 2027</bdi>.",
        "It is authorised by <bdi>ACPR (France)</bdi>.",
        "It cannot move money",
        "<bdi>€1,204.10</bdi>",
        "ending <bdi>0189</bdi>",
        "Signed in as <bdi>Ada Lovelace</bdi>",
        "<summary>Transactions</summary>",
        "<dd>Account information, Payments from an account</dd>",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains("You can stop this"), "without an address to stop it at");
    let view = ConsentView { manage_url: Some("/apps".into()), ..samples::consent() };
    let html = pages.consent(&shell, &view);
    assert!(html.contains("at any time in <a href=\"/apps\">Connected apps</a>."));
    let view = ConsentView { ends_at_s: Some(u64::MAX), ..samples::consent() };
    assert!(pages.consent(&shell, &view).contains("This access has no end date."));
}

#[test]
fn a_payment_is_shown_to_the_last_cent() {
    let (pages, shell) = (pages(), samples::shell());
    let html = pages.consent(&shell, &samples::payment());
    for part in [
        "<h1>Approve the payment <bdi>Budget Buddy</bdi> asks for</h1>",
        "It can use your approval until <bdi class=\"nb\">20 May 2027</bdi>.",
        "it can make no payment but the one below",
        "<h2>Payment</h2>",
        "<dt>Amount</dt>\n<dd><b><bdi>€123.50</bdi></b></dd>",
        "<dt>To</dt>\n<dd>",
        "Merchant A",
        "DE02100100109307118603",
        "<dt>On</dt>\n<dd><bdi class=\"nb\">20 May 2027</bdi></dd>",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains("cannot move money"), "{html}");
    let view = ConsentView { payments: 2, ..samples::payment() };
    assert!(pages.consent(&shell, &view).contains("no payments but those below"));
    let view = ConsentView { payments: 1, ..samples::consent() };
    assert!(pages.consent(&shell, &view).contains("It sees only the accounts you choose, and it"));
}

#[test]
fn only_an_only_account_is_chosen_at_first() {
    let (pages, shell) = (pages(), samples::shell());
    let checked = |view: &ConsentView| pages.consent(&shell, view).matches(" checked>").count();
    let mut view = samples::consent();
    assert_eq!(checked(&view), 0);
    view.accounts = accounts(&view, 1);
    assert_eq!(checked(&view), 1);
    view.no_account_chosen = true; // the customer took the mark away
    assert_eq!(checked(&view), 0);
    view = samples::consent();
    if let AccountsView::Choose { list } = &mut view.accounts {
        list[1].selected = true;
    }
    assert_eq!(checked(&view), 1);
}

#[test]
fn who_has_no_account_can_only_go_back() {
    let view = ConsentView { accounts: AccountsView::Empty, ..samples::consent() };
    let html = pages().consent(&samples::shell(), &view);
    assert!(html.contains("value=\"deny\">Go back to <bdi>Budget Buddy</bdi></button>"));
    assert!(html.contains("nothing will be shared") && !html.contains("type=\"checkbox\""));
}

#[test]
fn details_without_accounts_ask_for_no_account() {
    let scopes = vec!["openid".into(), "customers".into(), "x:y".into()];
    let view = ConsentView { accounts: AccountsView::NotNeeded, scopes, ..samples::consent() };
    let html = pages().consent(&samples::shell(), &view);
    assert!(html.contains("It cannot see your accounts") && !html.contains("checkbox"));
    assert!(html.contains("<summary>Other information: <bdi>x:y</bdi></summary>"));
}
