//! Every page in every variant, and the rules that hold for all of them.

use super::samples;
use super::*;
use crate::ui::views::{AccountsView, BackLink, ErrorKind, LoginError, Purpose};

mod coverage;
mod hostile;
mod overrides;
mod pages;

fn pages() -> Pages {
    Pages::new(None).unwrap()
}

fn accounts(view: &ConsentView, count: usize) -> AccountsView {
    match &view.accounts {
        AccountsView::Choose { list } => AccountsView::Choose { list: list[..count].to_vec() },
        AccountsView::Empty | AccountsView::NotNeeded => panic!("the sample has accounts"),
    }
}

/// The page, its name, and the same without anything that may be left out.
fn consents() -> Vec<(&'static str, ConsentView)> {
    let full = samples::consent();
    let one = ConsentView { accounts: accounts(&full, 1), ..full.clone() };
    let bare = ConsentView {
        client: ClientView { name: "Budget Buddy".into(), ..ClientView::default() },
        switch_action: None,
        ends_at_s: None,
        scopes: Vec::new(),
        ..full.clone()
    };
    let choose = full.accounts.clone();
    let kinds =
        [("choose", choose), ("empty", AccountsView::Empty), ("none", AccountsView::NotNeeded)];
    let mut all =
        vec![("one", one.clone()), ("one wrong", ConsentView { no_account_chosen: true, ..one })];
    let pay = samples::payment();
    let details = [&pay.details[..], &pay.details[..]].concat();
    all.push(("both", ConsentView { details, payments: 2, ..full.clone() }));
    all.push(("pay", pay));
    for (name, accounts) in kinds {
        all.push((name, ConsentView { accounts: accounts.clone(), ..full.clone() }));
        all.push((
            name,
            ConsentView { accounts: accounts.clone(), no_account_chosen: true, ..full.clone() },
        ));
        all.push((
            name,
            ConsentView { accounts, manage_url: Some("/apps".into()), ..bare.clone() },
        ));
    }
    all
}

fn logins() -> Vec<LoginView> {
    let full = samples::login();
    let papers = ClientView {
        policy_url: Some("https://budgetbuddy.example/privacy".into()),
        terms_url: Some("https://budgetbuddy.example/terms".into()),
        logo_path: Some("/clients/finapp/logo.png".into()),
        ..samples::client()
    };
    let errors = [
        LoginError::Missing,
        LoginError::Throttled { wait_s: 60 },
        LoginError::Wrong { attempts_left: None },
        LoginError::Wrong { attempts_left: Some(0) },
        LoginError::Wrong { attempts_left: Some(1) },
        LoginError::Wrong { attempts_left: Some(4) },
    ];
    let mut all: Vec<LoginView> =
        errors.into_iter().map(|error| LoginView { error: Some(error), ..full.clone() }).collect();
    all.push(LoginView { client: papers, demo: None, ..full.clone() });
    all.push(LoginView { purpose: Purpose::Details, ..full.clone() });
    all.push(full);
    all
}

fn errors() -> Vec<ErrorView> {
    let mut all = vec![samples::error(), samples::expired()];
    for kind in ErrorKind::ALL {
        let (plain, waiting) = (samples::expired(), samples::error());
        all.push(ErrorView { kind, wait_s: None, back: None, nothing_shared: false, ..plain });
        all.push(ErrorView { kind, wait_s: Some(600), ..waiting });
    }
    all
}

fn logouts() -> [LogoutView; 2] {
    let full = samples::logout();
    [full.clone(), LogoutView { client: None, request: String::new(), ..full }]
}

fn signed_outs() -> [SignedOutView; 3] {
    let full = samples::signed_out();
    let bare = SignedOutView { back: None, ..full.clone() };
    [full, SignedOutView { stayed: true, ..bare.clone() }, bare]
}

/// Every page in every variant.
fn every_page(pages: &Pages) -> Vec<String> {
    let mut all = Vec::new();
    for sandbox in [true, false] {
        let shell = Shell {
            sandbox,
            help_url: sandbox.then(|| "/help".into()),
            privacy_url: sandbox.then(|| "https://bank.example/privacy".into()),
            logo_path: sandbox.then(|| "/assets/bank.svg".into()),
            language_base: Some("/login?interaction=x".into()),
            ..samples::shell()
        };
        all.extend(logins().iter().map(|view| pages.login(&shell, view)));
        all.extend(consents().iter().map(|(_, view)| pages.consent(&shell, view)));
        all.extend(errors().iter().map(|view| pages.error(&shell, view)));
        all.extend(logouts().iter().map(|view| pages.logout(&shell, view)));
        all.extend(signed_outs().iter().map(|view| pages.signed_out(&shell, view)));
    }
    assert_eq!(pages.take_failure(), None);
    all
}

/// Elements are closed in the order in which they were opened, and none has a handler.
fn assert_nested(html: &str) {
    let mut open = Vec::new();
    for tag in html.split('<').skip(1) {
        let inside = tag.split_once('>').unwrap().0;
        let handler = |part: &str| part.split_whitespace().any(|name| name.starts_with("on"));
        assert!(!inside.split('"').step_by(2).any(handler), "{inside}");
        let name: &str = tag.split([' ', '>', '\n']).next().unwrap();
        match name.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed), "{html}"),
            None if matches!(name, "!doctype" | "meta" | "link" | "input" | "img" | "br") => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?} {html}");
}

#[test]
fn every_page_keeps_the_rules() {
    for html in every_page(&pages()) {
        assert!(html.len() < 10_000, "{} bytes: {html}", html.len());
        assert!(html.starts_with("<!doctype html>\n<html lang=\"en\" dir=\"ltr\">"), "{html}");
        for once in
            ["<h1>", "<main>", "<title>", "<header>", "<footer>", "7H2K-9QXD", "<meta charset"]
        {
            assert_eq!(html.matches(once).count(), 1, "{once}: {html}");
        }
        for never in
            ["style=", "<script", "<style", "src=\"http", "href=\"#", "href=\"\"", "{$", "{{"]
        {
            assert!(!html.contains(never), "{never}: {html}");
        }
        assert!(html.contains(assets::css_path()) && html.contains(assets::icon_path()));
        let described = html.matches("aria-describedby=\"").count();
        assert_eq!(described > 0, html.contains("role=\"alert\""), "{html}");
        assert!(!html.contains("<nav"), "one language is no choice: {html}");
        assert_nested(&html);
    }
}

#[test]
fn the_ids_and_texts_that_the_conformance_suite_knows_are_there() {
    let (pages, shell) = (pages(), samples::shell());
    for view in logins() {
        let html = pages.login(&shell, &view);
        for id in ["login", "password", "login-submit", "login-cancel"] {
            assert_eq!(html.matches(&format!(" id=\"{id}\"")).count(), 1, "{id}: {html}");
        }
        assert!(html.contains("<h1>Sign in</h1>"));
        assert!(
            html.contains("autocomplete=\"username\"") && html.contains("\"current-password\"")
        );
        assert!(html.contains("name=\"action\" value=\"cancel\" formnovalidate"));
        let at = |id: &str| html.find(&format!("id=\"{id}\""));
        assert!(at("login-submit") < at("login-cancel"), "Enter presses the first button");
    }
    for (name, view) in consents() {
        let html = pages.consent(&shell, &view);
        assert_eq!(html.matches(" id=\"consent-deny\"").count(), 1, "{html}");
        assert_eq!(html.matches(" id=\"consent-allow\"").count(), usize::from(name != "empty"));
    }
    for view in logouts() {
        let html = pages.logout(&shell, &view);
        for id in ["logout-confirm", "logout-stay"] {
            assert_eq!(html.matches(&format!(" id=\"{id}\"")).count(), 1, "{id}: {html}");
        }
        assert!(html.contains("<h1>Do you want to sign out?</h1>"));
    }
    for view in signed_outs() {
        let html = pages.signed_out(&shell, &view);
        assert_eq!(html.contains("<h1>You are signed out</h1>"), !view.stayed);
    }
    for view in errors() {
        let html = pages.error(&shell, &view);
        assert!(html.contains("<h1>This request can’t continue</h1>"));
        assert!(html.contains("<code id=\"error-reference\">7H2K-9QXD</code>"));
    }
}

#[test]
fn a_form_carries_back_what_it_was_given() {
    let (pages, shell) = (pages(), samples::shell());
    let login = pages.login(&shell, &samples::login());
    let consent = pages.consent(&shell, &samples::consent());
    for (html, action, forms) in [(login, "/login", 1), (consent, "/consent", 2)] {
        assert!(html.contains(&format!("<form method=\"post\" action=\"{action}\">")));
        assert_eq!(html.matches("<form").count(), forms);
        let form = samples::form(action);
        let hidden = |name: &str, value: &str| {
            let field = format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
            html.matches(&field).count()
        };
        assert_eq!(hidden("csrf", &form.csrf), forms);
        assert_eq!(hidden("interaction", &form.interaction), forms);
    }
}

#[test]
fn developer_detail_is_for_a_sandbox_and_shows_what_is_invisible() {
    let (pages, shell) = (pages(), samples::shell());
    let mut view = samples::error();
    let detail = view.developer.as_mut().unwrap();
    detail.sent = Some("https://a.example/\u{202e}cb\u{200b}\n".into());
    let html = pages.error(&shell, &view);
    assert!(html.contains("<code>https://a.example/\\u{202e}cb\\u{200b}\\u{a}</code>"), "{html}");
    assert!(html.contains("<details open>") && html.contains("E1042 redirect_uri_mismatch"));
    assert!(!pages.error(&Shell { sandbox: false, ..shell }, &view).contains("E1042"));
}

#[test]
fn a_page_leads_only_where_it_is_safe() {
    let (pages, shell) = (pages(), samples::shell());
    let back = |url: &str| {
        let back = Some(BackLink { url: url.into(), client: samples::client() });
        pages
            .error(&shell, &ErrorView { back, ..samples::error() })
            .contains("Go back to <bdi>Budget")
    };
    for url in ["https://a.example/cb?error=access_denied", "com.example.app:/cb", "http://[::1]/"]
    {
        assert!(back(url), "{url}");
    }
    for url in [
        "javascript:alert(1)",
        "JavaScript:x",
        " javascript:x",
        "java\tscript:x",
        "data:,x",
        "/x",
        "",
    ] {
        assert!(!back(url), "{url}");
    }
    let bad = || Some("javascript:alert(1)".to_owned());
    let shell = Shell { help_url: bad(), privacy_url: bad(), logo_path: bad(), ..shell };
    let client =
        ClientView { policy_url: bad(), terms_url: bad(), logo_path: bad(), ..samples::client() };
    let login = LoginView { client: client.clone(), ..samples::login() };
    let consent = ConsentView { client, manage_url: bad(), ..samples::consent() };
    let back = Some(BackLink { url: "javascript:alert(1)".into(), client: samples::client() });
    let signed_out = SignedOutView { stayed: false, back };
    assert!(!pages.signed_out(&shell, &signed_out).contains("javascript"));
    assert!(!pages.login(&shell, &login).contains("javascript"));
    assert!(!pages.consent(&shell, &consent).contains("javascript"));
}
