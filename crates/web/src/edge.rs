//! From HTTP to what the engine speaks: media type, form, credentials. Decides nothing.

use base64ct::{Base64, Encoding as _};
use counterfoil_engine::client_auth::{Authorization, Presented};
use counterfoil_engine::sender::ProofHeader;
use counterfoil_engine::sender::resource::{Bearing, Scheme};
use counterfoil_protocol::basic::candidates;
use counterfoil_protocol::form::Form;
use counterfoil_protocol::refusal::{Fault, Refusal};
use counterfoil_protocol::secret::Secret;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};
use http::{HeaderMap, HeaderValue};

/// Longest decoded Basic header: an id and a secret, percent-encoded, and room.
const BASIC_LEN_MAX: usize = 4096;

/// The form of a body, after the checks that come before all others (surfaces.md P1 to P7).
///
/// # Errors
/// [`Refusal::MediaTypeWrong`], [`Refusal::BodyMalformed`], a repeated parameter, a credential in the
/// query.
pub fn form<'b>(
    headers: &HeaderMap,
    query: Option<&str>,
    body: &'b [u8],
) -> Result<Form<'b>, Refusal> {
    let form = fields(headers, body)?;
    if form.repeats() {
        let name = repeated(&form);
        return Err(Refusal::Parameter(name, Fault::Repeated));
    }
    no_credentials_in(query)?;
    Ok(form)
}

/// The same for a form in which a name may stand more than once.
///
/// # Errors
/// [`Refusal::MediaTypeWrong`], [`Refusal::BodyMalformed`].
pub fn fields<'b>(headers: &HeaderMap, body: &'b [u8]) -> Result<Form<'b>, Refusal> {
    if !is_form(headers) {
        return Err(Refusal::MediaTypeWrong);
    }
    Form::decode(body)
}

/// Only the media type counts; parameters such as `charset` do not (P1). A header that is there
/// twice says nothing.
fn is_form(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let media_type = value.to_str().ok().and_then(|v| v.split(';').next()).map(str::trim);
    media_type.is_some_and(|m| m.eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

/// The names that may be told back; others stay unnamed.
const NAMES: [&str; 20] = [
    "grant_type",
    "code",
    "redirect_uri",
    "code_verifier",
    "refresh_token",
    "scope",
    "client_id",
    "client_secret",
    "app_id",
    "app_secret",
    "client_assertion",
    "client_assertion_type",
    "token",
    "token_type_hint",
    "username",
    "password",
    "state",
    "nonce",
    "response_type",
    "access_token",
];

fn repeated(form: &Form<'_>) -> &'static str {
    let twice = |name: &&str| form.iter().filter(|(k, _)| k == name).count() > 1;
    NAMES.into_iter().find(twice).unwrap_or("unnamed")
}

/// A credential in the query stands in every log on the way (RFC 6749 §2.3.1).
///
/// # Errors
/// [`Refusal::Parameter`] with [`Fault::InQuery`].
pub fn no_credentials_in(query: Option<&str>) -> Result<(), Refusal> {
    const CREDENTIALS: [&str; 11] = [
        "client_secret",
        "app_secret",
        "client_assertion",
        "code",
        "code_verifier",
        "refresh_token",
        "access_token",
        "token",
        "password",
        "grant_type",
        "client_id",
    ];
    let Some(query) = query else { return Ok(()) };
    let form = Form::decode(query.as_bytes())?;
    let found = CREDENTIALS.iter().find(|name| form.iter().any(|(k, _)| k == **name));
    found.map_or(Ok(()), |name| Err(Refusal::Parameter(name, Fault::InQuery)))
}

/// The credentials of a request: the header, and the usual parameters of the body.
///
/// # Errors
/// A repeated parameter.
pub fn presented<'f>(headers: &HeaderMap, form: &'f Form<'_>) -> Result<Presented<'f>, Refusal> {
    Ok(Presented {
        authorization: authorization(headers),
        client_id: form.one("client_id")?,
        client_secret: form.one("client_secret")?.map(secret),
        assertion_type: form.one("client_assertion_type")?,
        assertion: form.one("client_assertion")?,
        ..Presented::default()
    })
}

/// A secret of a form.
#[must_use]
pub fn secret(raw: &str) -> Secret {
    Secret::new(raw.as_bytes().to_vec())
}

fn authorization(headers: &HeaderMap) -> Authorization {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        let absent = headers.get(AUTHORIZATION).is_none();
        return if absent { Authorization::Absent } else { Authorization::Other };
    };
    let decoded = basic(value);
    let candidates = decoded.map(|decoded| candidates(&decoded)).unwrap_or_default();
    if candidates.is_empty() { Authorization::Other } else { Authorization::Basic(candidates) }
}

/// The text inside a Basic header.
fn basic(value: &HeaderValue) -> Option<String> {
    let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
    let encoded = encoded.trim();
    if !scheme.eq_ignore_ascii_case("basic") || encoded.len() > BASIC_LEN_MAX {
        return None;
    }
    String::from_utf8(Base64::decode_vec(encoded).ok()?).ok()
}

/// Whom a Basic header names, for a log.
#[must_use]
pub fn basic_name(headers: &HeaderMap) -> Option<String> {
    let decoded = basic(headers.get(AUTHORIZATION)?)?;
    decoded.split_once(':').map(|(name, _)| name.to_owned())
}

/// The token of `Authorization: Bearer` (RFC 6750 §2.1).
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// An access token in the `Authorization` header, under either scheme; scheme names have no case
/// (RFC 9110 §11.1).
#[must_use]
pub fn access_token(headers: &HeaderMap) -> Option<Bearing<'_>> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let scheme = if scheme.eq_ignore_ascii_case("bearer") {
        Scheme::Bearer
    } else if scheme.eq_ignore_ascii_case("dpop") {
        Scheme::Dpop
    } else {
        return None;
    };
    Some(Bearing { scheme, token: token.trim() })
}

/// The `DPoP` header (RFC 9449 §4.1).
#[must_use]
pub fn proof(headers: &HeaderMap) -> ProofHeader<'_> {
    let mut values = headers.get_all("dpop").iter();
    match (values.next().map(http::HeaderValue::to_str), values.next()) {
        (None, _) => ProofHeader::Absent,
        (Some(Ok(one)), None) => ProofHeader::One(one),
        (Some(_), _) => ProofHeader::Repeated,
    }
}

/// The names of the cookies that came along.
pub fn cookie_names(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|v| v.to_str().ok());
    let pairs = all.flat_map(|line| line.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).map(|(name, _)| name)
}

/// The value of a cookie; of two with one name, neither.
#[must_use]
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|v| v.to_str().ok());
    let mut hits = all
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(k, _)| *k == name)
        .map(|(_, v)| v);
    let first = hits.next();
    hits.next().map_or(first, |_| None)
}

/// A header that occurs once and is text.
#[must_use]
pub fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    value.to_str().ok()
}
