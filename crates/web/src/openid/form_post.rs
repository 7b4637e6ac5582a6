//! The page that carries an answer to the client as a form (OAuth 2.0 Form Post Response Mode). The
//! only page with a script: one line that sends the form, and a button for browsers without it.

use base64ct::{Base64, Encoding as _};
use counterfoil_jose::provider;
use counterfoil_protocol::redirect_uri::RedirectUri;
use http::header::CONTENT_SECURITY_POLICY;

use crate::app::Ask;
use crate::reply::Reply;
use crate::ui::assets;
use crate::ui::render::escaped;
use crate::ui::texts_for;

const SCRIPT: &str = "document.forms[0].submit()";

/// The page. `to` is where the form goes.
pub(super) fn page(ask: &Ask<'_>, to: &RedirectUri, parameters: &[(&str, &str)]) -> Reply {
    let texts = texts_for(ask.parts, ask.locales.as_deref());
    let text = |id: &str| escaped(&texts.text(id, None));
    let inputs: String = parameters
        .iter()
        .map(|(name, value)| {
            format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n", escaped(value))
        })
        .collect();
    let html = format!(
        "<!doctype html>\n<html lang=\"{}\" dir=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<link rel=\"stylesheet\" href=\"{}\">\n</head>\n<body>\n<main>\n\
         <form method=\"post\" action=\"{}\">\n{inputs}<noscript>\n<h1>{title}</h1>\n<p>{}</p>\n\
         <p class=\"act one\"><button class=\"pri\" id=\"form-post-submit\">{}</button></p>\n\
         </noscript>\n</form>\n</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        texts.language().tag,
        texts.language().dir,
        assets::css_path(),
        escaped(to.as_str()),
        text("form-post-why"),
        text("form-post-submit"),
        title = text("form-post-title"),
    );
    let mut page = Reply::page(200, html, Some(to.origin()));
    let hash = Base64::encode_string(&provider::sha256(SCRIPT.as_bytes()));
    page.headers.retain(|(name, _)| *name != CONTENT_SECURITY_POLICY);
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{hash}'; style-src 'self'; form-action {}; \
         frame-ancestors 'none'; base-uri 'none'",
        to.origin()
    );
    page.with(CONTENT_SECURITY_POLICY, &policy)
}
