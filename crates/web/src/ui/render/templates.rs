//! The templates: ours, and an operator's in their place.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use super::markup;
use crate::ui::assets::{self, CSS};
use crate::ui::texts::{ENGLISH, OTHERS};

/// Longest template an operator may bring.
const TEMPLATE_BYTES_MAX: u64 = 64 * 1024;
/// Longest name of an account, a customer, a bank.
const NAME_MAX: usize = 120;

/// Name, source, and what the page must contain whoever wrote the template: without it the page is
/// a dead end, and the conformance suite looks for the ids.
pub(super) type Template = (&'static str, &'static str, &'static [&'static str]);

pub(super) const LAYOUT: Template = ("layout.html", include_str!("../templates/layout.html"), &[]);

pub(super) const LOGIN: Template = (
    "login.html",
    include_str!("../templates/login.html"),
    &[
        "id=\"login\"",
        "id=\"password\"",
        "id=\"login-submit\"",
        "id=\"login-cancel\"",
        "name=\"csrf\"",
        "name=\"interaction\"",
    ],
);

pub(super) const CONSENT: Template = (
    "consent.html",
    include_str!("../templates/consent.html"),
    &[
        "id=\"consent-allow\"",
        "id=\"consent-deny\"",
        "name=\"account\"",
        "name=\"csrf\"",
        "name=\"interaction\"",
    ],
);

/// The same template with a payment: a page that does not show it lets nobody approve it.
pub(super) const PAYMENT: Template = (
    CONSENT.0,
    CONSENT.1,
    &["id=\"consent-allow\"", "123.50", "Merchant A", "DE02100100109307118603", "20 May 2027"],
);

pub(super) const ERROR: Template =
    ("error.html", include_str!("../templates/error.html"), &["id=\"error-reference\""]);

pub(super) const DONE: Template = ("done.html", include_str!("../templates/done.html"), &[]);

pub(super) const LOGOUT: Template = (
    "logout.html",
    include_str!("../templates/logout.html"),
    &["id=\"logout-confirm\"", "id=\"logout-stay\"", "name=\"csrf\"", "name=\"request\""],
);

pub(super) const SIGNED_OUT: Template =
    ("signed_out.html", include_str!("../templates/signed_out.html"), &[]);

pub(super) const ALL: [Template; 7] = [LAYOUT, LOGIN, CONSENT, ERROR, DONE, LOGOUT, SIGNED_OUT];

const VERSION: [u8; 32] = {
    let mut hash = assets::digest(assets::START, CSS.as_bytes());
    let mut at = 0;
    while at < ALL.len() {
        hash = assets::digest(hash, ALL[at].1.as_bytes());
        at += 1;
    }
    hash = assets::digest(hash, ENGLISH.source.as_bytes());
    at = 0;
    while at < OTHERS.len() {
        hash = assets::digest(hash, OTHERS[at].source.as_bytes());
        at += 1;
    }
    assets::hex(hash)
};

/// Digest of our templates, texts and style sheet: what a consent record says was shown. With an
/// operator's templates it is [`super::Pages::version`].
pub const TEMPLATE_VERSION: &str = assets::text(&VERSION);

/// The templates in use, and the digest of what is shown with them.
pub(super) fn load(overrides: Option<&Path>) -> Result<(Environment<'static>, String), String> {
    let mut environment = environment();
    let mut hash = assets::digest(assets::START, &VERSION);
    let mut version = TEMPLATE_VERSION.to_owned();
    for (name, ours, _) in ALL {
        let theirs = match overrides {
            Some(folder) => read(&folder.join(name))?,
            None => None,
        };
        if let Some(source) = &theirs {
            hash = assets::digest(hash, format!("{name}\n{source}").as_bytes());
            version = assets::text(&assets::hex::<32>(hash)).to_owned();
        }
        let source = theirs.unwrap_or_else(|| ours.to_owned());
        environment.add_template_owned(name, source).map_err(|error| format!("{error:#}"))?;
    }
    Ok((environment, version))
}

/// Everything that is printed is escaped, whatever a template says: there is no way to switch it
/// off for a value that did not come out of a template or a text.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true);
    if let Ok(syntax) = syntax.build() {
        environment.set_syntax(syntax);
    }
    environment.remove_filter("safe");
    environment.set_formatter(|out, _, value| {
        if value.is_none() {
            return Ok(());
        }
        match value.as_str() {
            Some(text) if value.is_safe() => out.write_str(text)?,
            Some(text) => out.write_str(&markup::escaped(text))?,
            None => out.write_str(&markup::escaped(&value.to_string()))?,
        }
        Ok(())
    });
    environment.add_filter("name", |text: &str| {
        Value::from_safe_string(markup::isolated(&markup::name(text, NAME_MAX)))
    });
    environment.add_filter("visible", |text: &str| markup::visible(text));
    environment.add_function("code", |text: &str| {
        Value::from_safe_string(format!("<code>{}</code>", markup::escaped(text)))
    });
    environment
}

/// A file of an operator; `None` where there is none.
fn read(path: &Path) -> Result<Option<String>, String> {
    let said = |error: std::io::Error| format!("{}: {error}", path.display());
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(said(error)),
    };
    let mut source = String::new();
    file.take(TEMPLATE_BYTES_MAX + 1).read_to_string(&mut source).map_err(said)?;
    if source.len() as u64 > TEMPLATE_BYTES_MAX {
        return Err(format!("{}: longer than {TEMPLATE_BYTES_MAX} bytes", path.display()));
    }
    Ok(Some(source))
}
