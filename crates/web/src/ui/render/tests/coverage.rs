//! Every text that is used exists, and every text that exists is used.

use std::collections::BTreeSet;

use counterfoil_engine::details::types::ALL;
use minijinja::value::Serde;

use super::super::words::{ROLES, SCOPES, Words};
use super::super::{links, templates};
use super::*;
use crate::ui::texts::Language;

/// What the code asks for by name.
const IN_CODE: [&str; 15] = [
    "app-unnamed",
    "error-title",
    "error-internal",
    "error-internal.then",
    "scope-other",
    "scope-other.about",
    "date",
    "wait-seconds",
    "wait-minutes",
    "amount-group",
    "amount-point",
    "amount-negative",
    "amount-with-symbol",
    "amount-with-code",
    "currency-EUR",
];

fn expanded(prefix: &str) -> Vec<String> {
    let endings: Vec<String> = match prefix {
        "login-asks-" => vec!["accounts".into(), "details".into(), "payment".into()],
        "consent-title-" => vec!["choose".into(), "not_needed".into(), "pay".into()],
        "consent-limits-" => {
            vec!["choose".into(), "not_needed".into(), "pay".into(), "choose-pay".into()]
        }
        "consent-asks-" => ["choose", "empty", "not_needed", "pay"]
            .iter()
            .flat_map(|kind| [(*kind).to_owned(), format!("{kind}-until")])
            .collect(),
        "error-" => ErrorKind::ALL
            .iter()
            .map(|kind| Value::from(Serde(kind)).to_string())
            .flat_map(|kind| [format!("{kind}.then"), kind])
            .collect(),
        _ => panic!("{prefix} is new: say what it is continued with"),
    };
    endings.iter().map(|ending| format!("{prefix}{ending}")).collect()
}

fn used() -> BTreeSet<String> {
    let mut used: BTreeSet<String> = IN_CODE.iter().map(|id| (*id).to_owned()).collect();
    used.insert("consent-title-empty".into());
    used.extend((1..=12).map(|month| format!("month-{month}")));
    used.extend(ROLES.iter().map(|role| format!("role-{role}")));
    used.extend(["GBP", "USD"].iter().map(|code| format!("currency-{code}")));
    used.extend(SCOPES.iter().flat_map(|s| [format!("scope-{s}"), format!("scope-{s}.about")]));
    used.extend(ALL.iter().flat_map(|kind| kind.texts).map(|text| (*text).to_owned()));
    // The page without a template: `openid/form_post.rs`.
    used.extend(["title", "why", "submit"].map(|part| format!("form-post-{part}")));
    for (_, source, _) in templates::ALL {
        for call in ["t(\"", "t.plain(\""] {
            for (at, _) in source.match_indices(call) {
                if at > 0 && source.as_bytes()[at - 1].is_ascii_alphanumeric() {
                    continue; // another function whose name ends with t
                }
                let (id, rest) = source[at + call.len()..].split_once('"').unwrap();
                match rest.trim_start().starts_with('~') {
                    true => used.extend(expanded(id)),
                    false => drop(used.insert(id.to_owned())),
                }
            }
        }
    }
    used
}

fn written() -> BTreeSet<String> {
    let (mut all, mut message) = (BTreeSet::new(), "");
    for line in ENGLISH.source.lines() {
        let Some((id, _)) = line.split_once(" =") else { continue };
        match id.trim_start().strip_prefix('.') {
            Some(attribute) => drop(all.insert(format!("{message}.{attribute}"))),
            None if id.starts_with(|c: char| c.is_ascii_lowercase()) => {
                message = id;
                all.insert(id.to_owned());
            }
            None => {}
        }
    }
    all
}

#[test]
fn the_texts_are_those_that_are_used() {
    let (used, written) = (used(), written());
    let missing: Vec<_> = used.difference(&written).collect();
    let idle: Vec<_> = written.difference(&used).collect();
    assert!(missing.is_empty() && idle.is_empty(), "missing: {missing:?}; never used: {idle:?}");
    assert!(used.iter().all(|id| Texts::for_locale(&["en"]).has(id)));
}

#[test]
fn the_version_is_a_digest() {
    assert!(
        TEMPLATE_VERSION.len() == 32 && TEMPLATE_VERSION.bytes().all(|b| b.is_ascii_hexdigit())
    );
    assert_eq!(pages().version(), TEMPLATE_VERSION);
}

#[test]
fn a_second_language_brings_the_choice_and_its_direction() {
    let arabic = Language { tag: "ar", name: "العربية", dir: "rtl", source: "" };
    let links = |base| links::languages(base, [ENGLISH, arabic].iter());
    assert!(links(None).is_empty() && links(Some("//evil.example/")).is_empty());
    let texts: &'static Texts = Box::leak(Box::new(Texts::parse(arabic)));
    let html = pages().templates.get_template("layout.html").unwrap().render(context! {
        shell => Value::from(Serde(samples::shell())),
        t => Value::from_object(Words(texts)),
        css => assets::css_path(),
        icon => assets::icon_path(),
        initial => "B",
        languages => links(Some("/login?interaction=1")),
    });
    let html = html.unwrap();
    assert!(html.contains("<html lang=\"ar\" dir=\"rtl\">"));
    assert!(
        html.contains("<a href=\"/login?interaction=1&amp;lang=ar\" hreflang=\"ar\" lang=\"ar\">")
    );
    assert_nested(&html);
}

#[test]
fn the_assets_are_named_by_their_content() {
    for (path, end) in [(assets::css_path(), ".css"), (assets::icon_path(), ".svg")] {
        let name = path.strip_prefix("/assets/").unwrap().strip_suffix(end).unwrap();
        assert!(name.len() == 21 && name[5..].bytes().all(|b| b.is_ascii_hexdigit()), "{path}");
    }
    for text in [assets::CSS, assets::ICON] {
        let foreign = text.replace("http://www.w3.org/2000/svg", "");
        assert!(!["http", "url(", "@import", "<script"].iter().any(|bad| foreign.contains(bad)));
    }
}
