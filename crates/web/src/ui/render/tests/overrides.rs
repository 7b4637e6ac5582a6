//! Templates of an operator, and what happens when one fails.

use std::path::PathBuf;

use super::*;

/// A folder with one template, gone at the end of the test.
struct Folder(PathBuf);

impl Folder {
    fn with(test: &str, name: &str, source: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("counterfoil-ui-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), source).unwrap();
        Self(folder)
    }

    fn pages(&self) -> Result<Pages, String> {
        Pages::new(Some(&self.0))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const OWN: &str = "{% extends \"layout.html\" %}{% block main %}<h1>{{ t(\"login-title\") }}</h1>
<p>Our own page for {{ page.client.name|safe }}</p>{% endblock %}";

#[test]
fn an_empty_folder_changes_nothing() {
    let folder = Folder::with("empty", "readme.txt", "not a template");
    assert_eq!(folder.pages().unwrap().version(), TEMPLATE_VERSION);
    assert!(Pages::new(Some(&folder.0.join("missing"))).is_ok());
}

#[test]
fn an_operators_template_is_shown_and_counted() {
    let ours = super::super::templates::LOGIN.1;
    let theirs = ours.replace("<form", "<p>Our own page</p><form");
    let folder = Folder::with("own", "login.html", &theirs);
    let pages = folder.pages().unwrap();
    assert!(pages.login(&samples::shell(), &samples::login()).contains("<p>Our own page</p>"));
    assert_ne!(pages.version(), TEMPLATE_VERSION);
    let other = Folder::with("other", "login.html", &format!("{theirs}\n"));
    assert_ne!(pages.version(), other.pages().unwrap().version());
}

#[test]
fn a_mistake_shows_at_start_with_its_place() {
    for (test, source, said) in [
        ("syntax", "<h1>\n{% if %}", "login.html:2"),
        ("variable", "{{ page.nonsense }}", "login.html:1"),
        ("filter", OWN, "safe"),
        ("dead-end", &OWN.replace("|safe", ""), "login.html: the page must contain id=\"login\""),
        ("missing", "<h1>Welcome</h1>", "login.html: the page must contain id=\"login\""),
        ("long", &"x".repeat(100_000), "longer than 65536 bytes"),
    ] {
        let error = Folder::with(test, "login.html", source).pages().err().unwrap();
        assert!(error.contains(said), "{test}: {error}");
    }
}

#[test]
fn an_operators_template_escapes_too() {
    let theirs = super::super::templates::ERROR
        .1
        .replace("<h1>", "{% autoescape false %}{{ shell.bank_name }}{% endautoescape %}<h1>");
    let pages = Folder::with("escape", "error.html", &theirs).pages().unwrap();
    let shell = Shell { bank_name: "<script>".into(), ..samples::shell() };
    assert!(!pages.error(&shell, &samples::error()).contains("<script"));
}

#[test]
fn a_template_that_fails_later_leaves_a_bare_page() {
    let mut pages = pages();
    pages.templates.remove_template("consent.html");
    let html =
        pages.consent(&Shell { reference: "<1>".into(), ..samples::shell() }, &samples::consent());
    assert!(html.contains("<h1>This request can’t continue</h1>"));
    assert!(html.contains("<code id=\"error-reference\">&lt;1&gt;</code>"));
    assert_nested(&html);
    assert!(pages.take_failure().unwrap().contains("consent.html"));
    assert_eq!(pages.take_failure(), None);
}
