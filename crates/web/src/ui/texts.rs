//! What people read, per language. A language is one Fluent file and one line in the table; what
//! it lacks is said in English.

use std::borrow::Cow;
use std::sync::OnceLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

mod format;
mod negotiate;

pub use negotiate::candidates;

/// Candidates that are looked at; the rest of a list is ignored (attacks.md M103).
const CANDIDATES_MAX: usize = 16;
/// Longest language tag that is looked at: RFC 5646 §4.4.1 reckons with 35.
const TAG_BYTES_MAX: usize = 35;

/// A language of the pages.
#[derive(Clone, Copy, Debug)]
pub struct Language {
    /// BCP 47 tag, as `lang` has it.
    pub tag: &'static str,
    /// What its speakers call it.
    pub name: &'static str,
    /// `ltr` or `rtl`, as `dir` has it.
    pub dir: &'static str,
    pub(super) source: &'static str,
}

/// The language everything else falls back to.
pub const ENGLISH: Language =
    Language { tag: "en", name: "English", dir: "ltr", source: include_str!("texts/en.ftl") };

/// The other languages: one line each.
pub const OTHERS: &[Language] = &[];

struct Library {
    english: Texts,
    others: Vec<Texts>,
}

fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| Library {
        english: Texts::parse(ENGLISH),
        others: OTHERS.iter().copied().map(Texts::parse).collect(),
    })
}

/// The texts of one language, parsed once per process.
pub struct Texts {
    language: Language,
    bundle: FluentBundle<FluentResource>,
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Texts").field(&self.language.tag).finish()
    }
}

impl Texts {
    /// The texts of the first candidate that we speak, else English. A candidate fits by its whole
    /// tag, or else by its language alone (`en-GB` is served with `en`).
    #[must_use]
    pub fn for_locale(candidates: &[&str]) -> &'static Self {
        let library = library();
        let spoken = || std::iter::once(&library.english).chain(&library.others);
        candidates
            .iter()
            .take(CANDIDATES_MAX)
            .filter(|tag| tag.len() <= TAG_BYTES_MAX)
            .find_map(|tag| {
                let primary = tag.split(['-', '_']).next().unwrap_or(tag);
                spoken()
                    .find(|texts| texts.language.tag.eq_ignore_ascii_case(tag))
                    .or_else(|| spoken().find(|texts| texts.is_primary(primary)))
            })
            .unwrap_or(&library.english)
    }

    /// The language of these texts.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language
    }

    /// The text `id`, or `id.attribute`. What this language lacks is said in English; what English
    /// lacks, which a test excludes, is the id itself.
    #[must_use]
    pub fn text(&self, id: &str, args: Option<&FluentArgs<'_>>) -> String {
        self.find(id, args)
            .or_else(|| library().english.find(id, args))
            .map_or_else(|| id.to_owned(), Cow::into_owned)
    }

    /// The text `id` with `count` for the plural.
    #[must_use]
    pub fn count(&self, id: &str, count: u64) -> String {
        let mut args = FluentArgs::new();
        args.set("count", FluentValue::from(count));
        self.text(id, Some(&args))
    }

    /// Is there such a text, here or in English?
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.find(id, None).is_some() || library().english.find(id, None).is_some()
    }

    fn find<'t>(&'t self, id: &str, args: Option<&'t FluentArgs<'_>>) -> Option<Cow<'t, str>> {
        let (id, attribute) = match id.split_once('.') {
            Some((id, attribute)) => (id, Some(attribute)),
            None => (id, None),
        };
        let message = self.bundle.get_message(id)?;
        let pattern = match attribute {
            Some(name) => message.get_attribute(name)?.value(),
            None => message.value()?,
        };
        let mut errors = Vec::new(); // a missing argument shows as `{$name}`; the tests look for it
        Some(self.bundle.format_pattern(pattern, args, &mut errors))
    }

    fn is_primary(&self, primary: &str) -> bool {
        self.language.tag.split('-').next().is_some_and(|own| own.eq_ignore_ascii_case(primary))
    }

    /// A file with a mistake gives the texts before and after the mistake; a test refuses it.
    pub(super) fn parse(language: Language) -> Self {
        let (resource, _mistakes) = match FluentResource::try_new(language.source.to_owned()) {
            Ok(resource) => (resource, Vec::new()),
            Err((resource, mistakes)) => (resource, mistakes),
        };
        let mut bundle =
            FluentBundle::new_concurrent(vec![language.tag.parse().unwrap_or_default()]);
        // The pages isolate what they insert with <bdi>, which marks within the text cannot do as
        // well, and which keeps dates and amounts free of invisible characters.
        bundle.set_use_isolating(false);
        bundle.add_resource_overriding(resource);
        Self { language, bundle }
    }
}

#[cfg(test)]
mod tests;
