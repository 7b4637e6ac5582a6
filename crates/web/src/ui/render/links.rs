//! Which addresses a page may lead to. The browser would run `javascript:` in our origin.

use minijinja::context;
use minijinja::value::Value;

use crate::ui::texts::Language;
use crate::ui::views::{ClientView, Shell};

/// A path on this server.
pub(super) fn is_path(url: &str) -> bool {
    url.starts_with('/') && !url.starts_with("//") && !url.contains('\\')
}

/// A page elsewhere.
pub(super) fn is_https(url: &str) -> bool {
    url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"))
}

/// What an operator may link to.
pub(super) fn is_link(url: &str) -> bool {
    is_path(url) || is_https(url)
}

/// A redirect target: any scheme, since apps have their own, but those that a browser runs or
/// reads from its own machine.
pub(super) fn is_way_back(url: &str) -> bool {
    let Some((scheme, _)) = url.split_once(':') else { return false };
    let plain = scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let ran = ["javascript", "vbscript", "data", "blob", "file", "filesystem", "about"];
    plain && !ran.iter().any(|bad| bad.eq_ignore_ascii_case(scheme))
}

/// The app with the addresses that may be shown.
pub(super) fn presented(client: &ClientView) -> ClientView {
    let mut client = client.clone();
    client.logo_path = client.logo_path.filter(|path| is_path(path));
    client.policy_url = client.policy_url.filter(|url| is_https(url));
    client.terms_url = client.terms_url.filter(|url| is_https(url));
    client
}

/// The frame with the addresses that may be shown.
pub(super) fn framed(shell: &Shell) -> Shell {
    let mut shell = shell.clone();
    shell.logo_path = shell.logo_path.filter(|path| is_path(path));
    shell.help_url = shell.help_url.filter(|url| is_link(url));
    shell.privacy_url = shell.privacy_url.filter(|url| is_link(url));
    shell
}

/// The choice of language; none where there is no choice, or no page to choose it for.
pub(super) fn languages<'a>(
    base: Option<&str>,
    spoken: impl Iterator<Item = &'a Language>,
) -> Vec<Value> {
    let Some(base) = base.filter(|base| is_path(base)) else { return Vec::new() };
    let joint = if base.contains('?') { '&' } else { '?' };
    let links: Vec<Value> = spoken
        .map(|language| {
            let url = format!("{base}{joint}lang={}", language.tag);
            context! { url, tag => language.tag, name => language.name }
        })
        .collect();
    if links.len() > 1 { links } else { Vec::new() }
}
