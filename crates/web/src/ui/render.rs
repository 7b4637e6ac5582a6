//! The pages as HTML. A page comes out of a template, which an operator may replace, and out of the
//! texts of a language; it always comes out.

use std::path::Path;
use std::sync::Mutex;

use minijinja::value::{Serde, Value};
use minijinja::{Environment, context};

use super::assets;
use super::texts::{ENGLISH, OTHERS, Texts};
use super::views::{
    ClientView, ConsentView, ErrorView, LoginView, LogoutView, Shell, SignedOutView,
};

mod links;
mod markup;
pub mod samples;
mod templates;
mod words;

pub(crate) use markup::escaped;
pub use templates::TEMPLATE_VERSION;

/// Longest name in a heading, on a button, in the header.
const SHORT_NAME_MAX: usize = 60;
/// Longest name of an app anywhere.
const FULL_NAME_MAX: usize = 300;
/// The first moment that is no date any more.
const YEAR_10000_S: u64 = 253_402_300_800;

/// The pages, built once.
#[derive(Debug)]
pub struct Pages {
    templates: Environment<'static>,
    version: String,
    failure: Mutex<Option<String>>,
}

impl Pages {
    /// Our templates; those of them that the folder `overrides` has a file for are the operator's.
    /// Each page is tried, so that a mistake shows at start and not to a customer.
    ///
    /// # Errors
    /// In words: which file, where, and what is wrong with it.
    pub fn new(overrides: Option<&Path>) -> Result<Self, String> {
        let (templates, version) = templates::load(overrides)?;
        let pages = Self { templates, version, failure: Mutex::new(None) };
        let shell = samples::shell();
        pages.accept(templates::LOGIN, &pages.login(&shell, &samples::login()))?;
        pages.accept(templates::CONSENT, &pages.consent(&shell, &samples::consent()))?;
        pages.accept(templates::PAYMENT, &pages.consent(&shell, &samples::payment()))?;
        pages.accept(templates::ERROR, &pages.error(&shell, &samples::error()))?;
        pages.accept(templates::DONE, &pages.done(&shell))?;
        pages.accept(templates::LOGOUT, &pages.logout(&shell, &samples::logout()))?;
        pages.accept(templates::SIGNED_OUT, &pages.signed_out(&shell, &samples::signed_out()))?;
        Ok(pages)
    }

    /// Digest of the templates, texts and style sheet in use: what a consent record says was shown.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The page that asks for user name and password.
    #[must_use]
    pub fn login(&self, shell: &Shell, view: &LoginView) -> String {
        let page = LoginView { client: links::presented(&view.client), ..view.clone() };
        self.page(templates::LOGIN, shell, Value::from(Serde(page)), Some(&view.client))
    }

    /// The page that asks what the app may see.
    #[must_use]
    pub fn consent(&self, shell: &Shell, view: &ConsentView) -> String {
        let mut page = ConsentView { client: links::presented(&view.client), ..view.clone() };
        page.signed_in_as = markup::name(&page.signed_in_as, SHORT_NAME_MAX);
        page.manage_url = page.manage_url.filter(|url| links::is_link(url));
        page.ends_at_s = page.ends_at_s.filter(|end_s| *end_s < YEAR_10000_S);
        self.page(templates::CONSENT, shell, Value::from(Serde(page)), Some(&view.client))
    }

    /// The page that says why it cannot go on.
    #[must_use]
    pub fn error(&self, shell: &Shell, view: &ErrorView) -> String {
        let mut page = view.clone();
        page.back = page.back.filter(|back| links::is_way_back(&back.url));
        page.developer = page.developer.filter(|_| shell.sandbox);
        let client = view.back.as_ref().map(|back| &back.client);
        self.page(templates::ERROR, shell, Value::from(Serde(page)), client)
    }

    /// The page after an answer that the app fetches itself: nothing is left to do here.
    #[must_use]
    pub fn done(&self, shell: &Shell) -> String {
        self.page(templates::DONE, shell, Value::from(()), None)
    }

    /// The page that asks whether to sign out.
    #[must_use]
    pub fn logout(&self, shell: &Shell, view: &LogoutView) -> String {
        let mut page =
            LogoutView { client: view.client.as_ref().map(links::presented), ..view.clone() };
        page.signed_in_as = markup::name(&page.signed_in_as, SHORT_NAME_MAX);
        self.page(templates::LOGOUT, shell, Value::from(Serde(page)), view.client.as_ref())
    }

    /// The page that says who is signed in now: nobody, or the same as before.
    #[must_use]
    pub fn signed_out(&self, shell: &Shell, view: &SignedOutView) -> String {
        let mut page = view.clone();
        page.back = page.back.filter(|back| links::is_way_back(&back.url));
        let client = view.back.as_ref().map(|back| &back.client);
        self.page(templates::SIGNED_OUT, shell, Value::from(Serde(page)), client)
    }

    /// What went wrong with a template since the last call, for the log. Whoever came then was shown
    /// a bare page.
    #[must_use]
    pub fn take_failure(&self) -> Option<String> {
        self.failure.lock().ok().and_then(|mut failure| failure.take())
    }

    fn page(
        &self,
        template: templates::Template,
        shell: &Shell,
        page: Value,
        client: Option<&ClientView>,
    ) -> String {
        let spoken = std::iter::once(&ENGLISH).chain(OTHERS);
        let languages = links::languages(shell.language_base.as_deref(), spoken);
        let texts = Texts::for_locale(&[&shell.locale]);
        let (app, app_full) = names(client, texts);
        let filled = self.templates.get_template(template.0).and_then(|template| {
            template.render(context! {
                page, app, app_full, languages,
                shell => Value::from(Serde(links::framed(shell))),
                t => Value::from_object(words::Words(texts)),
                initial => initial(&shell.bank_name),
                css => assets::css_path(),
                icon => assets::icon_path(),
            })
        });
        filled.unwrap_or_else(|error| {
            if let Ok(mut failure) = self.failure.lock() {
                *failure = Some(format!("{error:#}"));
            }
            bare(&shell.reference, texts)
        })
    }

    fn accept(&self, template: templates::Template, html: &str) -> Result<(), String> {
        if let Some(failure) = self.take_failure() {
            return Err(failure);
        }
        match template.2.iter().find(|required| !html.contains(*required)) {
            Some(missing) => Err(format!("{}: the page must contain {missing}", template.0)),
            None => Ok(()),
        }
    }
}

/// The app in a heading, and in a sentence: there it is the company that is liable.
fn names(client: Option<&ClientView>, texts: &Texts) -> (String, String) {
    let short = client.map(|client| markup::name(&client.name, SHORT_NAME_MAX));
    let short =
        short.filter(|name| !name.is_empty()).unwrap_or_else(|| texts.text("app-unnamed", None));
    let legal = client.and_then(|client| client.legal_name.as_deref().or(Some(&client.name)));
    let legal = legal.map(|name| markup::name(name, FULL_NAME_MAX));
    let full = legal.filter(|name| !name.is_empty()).unwrap_or_else(|| short.clone());
    (short, full)
}

/// Stands in for a logo.
fn initial(bank_name: &str) -> String {
    markup::name(bank_name, SHORT_NAME_MAX).chars().take(1).flat_map(char::to_uppercase).collect()
}

/// The page for when a template fails: made without one. It does not know what was shared.
fn bare(reference: &str, texts: &Texts) -> String {
    let text = |id: &str| markup::escaped(&texts.text(id, None));
    let title = text("error-title");
    format!(
        "<!doctype html>\n<html lang=\"{}\" dir=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<link rel=\"stylesheet\" href=\"{}\">\n</head>\n<body>\n<main>\n\
         <h1>{title}</h1>\n<p>{}</p>\n<p>{}</p>\n<p><code id=\"error-reference\">{}</code></p>\n\
         </main>\n</body>\n</html>\n",
        texts.language().tag,
        texts.language().dir,
        assets::css_path(),
        text("error-internal"),
        text("error-internal.then"),
        markup::escaped(reference),
    )
}

#[cfg(test)]
mod tests;
