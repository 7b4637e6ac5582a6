//! What an authorization request asks beyond RFC 6749 (OpenID Connect Core §3.1.2.1, RFC 8707,
//! RFC 9396, RFC 9449 §10), read once and kept with the authorization in progress.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_protocol::form::Form;
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::{AuthorizeFault, Fault, Refusal};
use counterfoil_protocol::secret::Digest;

use crate::claims::Requested;
use crate::client::Client;
use crate::details::Details;
use crate::keys::Issuer;
use crate::limits::{ACR_VALUES_MAX, HINT_LEN_MAX};
use crate::login::ACRS;
use crate::openid_request::{OpenIdRequest, Prompt};
use crate::policy::{Parameters, Policy};
use crate::response_mode::ResponseMode;
use crate::target;

/// Names of parameters that may be told back in a refusal.
pub(super) const NAMES: [&str; 17] = [
    "response_mode",
    "prompt",
    "max_age",
    "acr_values",
    "claims",
    "ui_locales",
    "claims_locales",
    "display",
    "login_hint",
    "id_token_hint",
    "request",
    "request_uri",
    "registration",
    "authorization_details",
    "resource",
    "dpop_jkt",
    "client_id",
];

/// How the answer travels: what the request says, as far as surface and registration allow it.
///
/// # Errors
/// [`Refusal::Parameter`] for another mode. The answer to that travels in the first mode of the
/// surface.
pub(super) fn response_mode(
    form: &Form<'_>,
    client: &Client,
    policy: &Policy,
) -> Result<ResponseMode, Refusal> {
    let rules = policy.authorization;
    let Some(name) = form.one("response_mode")?.filter(|_| rules.parameters != Parameters::OAuth)
    else {
        return Ok(default_mode(client, policy));
    };
    let malformed = Refusal::Parameter("response_mode", Fault::Malformed);
    let mode = ResponseMode::parse(name).ok_or(malformed)?;
    let allowed = rules.response_modes.contains(&mode) && is_registered(client, mode);
    if allowed { Ok(mode) } else { Err(malformed) }
}

/// The mode of a request that names none.
pub(super) fn default_mode(client: &Client, policy: &Policy) -> ResponseMode {
    let modes = policy.authorization.response_modes;
    let first = modes.iter().find(|mode| is_registered(client, **mode)).or(modes.first());
    first.copied().unwrap_or_default()
}

fn is_registered(client: &Client, mode: ResponseMode) -> bool {
    let registered = &client.metadata.response_modes;
    registered.is_empty() || registered.iter().any(|name| ResponseMode::parse(name) == Some(mode))
}

/// Everything that needs neither a customer nor another record. `id_token_hint` does; see `hint`.
///
/// # Errors
/// What is wrong with a parameter.
pub(super) fn read(
    form: &Form<'_>,
    client: &Client,
    policy: &Policy,
    (issuer, now): (&Issuer, Moment),
) -> Result<OpenIdRequest, Refusal> {
    let response_mode = response_mode(form, client, policy)?;
    if policy.authorization.parameters == Parameters::OAuth {
        return Ok(OpenIdRequest { response_mode, ..OpenIdRequest::default() });
    }
    if form.one("request")?.is_some() {
        return Err(Refusal::Authorize(AuthorizeFault::RequestNotSupported));
    }
    if form.one("request_uri")?.is_some() {
        return Err(Refusal::Authorize(AuthorizeFault::RequestUriNotSupported));
    }
    let metadata = &client.metadata;
    let prompt = prompts(form.one("prompt")?.unwrap_or_default())?;
    let max_age_s = max_age(form)?;
    let login_since = max_age_s.or(metadata.default_max_age_s).map(|age_s| now.before(age_s));
    let claims = form.one("claims")?;
    let requested = claims.map(Requested::parse).transpose()?.unwrap_or_default();
    let details = match form.one("authorization_details")? {
        Some(raw) => Details::read(raw, client, policy, issuer)?,
        None => Details::default(),
    };
    if details.ends(now).is_some_and(|ends| ends <= now) {
        return Err(Refusal::Authorize(AuthorizeFault::DetailsInvalid));
    }
    let text = |name: &'static str| -> Result<Option<Box<str>>, Refusal> {
        Ok(form.one(name)?.filter(|hint| hint.len() <= HINT_LEN_MAX).map(Into::into))
    };
    Ok(OpenIdRequest {
        response_mode,
        prompt,
        login_since,
        auth_time: max_age_s.is_some() || metadata.require_auth_time,
        acr_values: acr_values(form, client, &requested)?,
        claims: claims.map(Into::into),
        ui_locales: text("ui_locales")?,
        login_hint: text("login_hint")?,
        details: details.text(),
        resources: target::read(form, issuer)?,
        sender: form.one("dpop_jkt")?.map(thumbprint).transpose()?,
        ..OpenIdRequest::default()
    })
}

/// `prompt`: a list in which `none` stands alone.
fn prompts(raw: &str) -> Result<Vec<Prompt>, Refusal> {
    let mut prompts = vec![];
    for value in raw.split(' ').filter(|value| !value.is_empty()) {
        let prompt = match value {
            "none" => Prompt::None,
            "login" => Prompt::Login,
            "consent" => Prompt::Consent,
            "select_account" => Prompt::SelectAccount,
            _ => return Err(Refusal::Parameter("prompt", Fault::Malformed)),
        };
        if !prompts.contains(&prompt) {
            prompts.push(prompt);
        }
    }
    if prompts.contains(&Prompt::None) && prompts.len() > 1 {
        return Err(Refusal::Parameter("prompt", Fault::Conflicting));
    }
    Ok(prompts)
}

fn max_age(form: &Form<'_>) -> Result<Option<u64>, Refusal> {
    let malformed = Refusal::Parameter("max_age", Fault::Malformed);
    let Some(raw) = form.one("max_age")? else { return Ok(None) };
    let digits = raw.bytes().all(|b| b.is_ascii_digit());
    raw.parse().ok().filter(|_| digits).map(Some).ok_or(malformed)
}

/// The strengths that are wished for, the best first. One that is essential (§5.5.1.1) and that no
/// login here reaches ends the request now rather than after a login in vain.
fn acr_values(
    form: &Form<'_>,
    client: &Client,
    requested: &Requested,
) -> Result<Vec<Box<str>>, Refusal> {
    let wanted = requested.of_login("acr");
    if let Some(wanted) = wanted.filter(|wanted| wanted.essential && !wanted.values.is_empty())
        && !wanted.values.iter().any(|value| value.as_str().is_some_and(|v| ACRS.contains(&v)))
    {
        return Err(Refusal::Authorize(AuthorizeFault::AcrUnmet));
    }
    let wished = wanted.into_iter().flat_map(|wanted| wanted.values.iter());
    let mut values: Vec<Box<str>> =
        wished.filter_map(|value| value.as_str().map(Into::into)).collect();
    if let Some(raw) = form.one("acr_values")? {
        values.extend(raw.split(' ').filter(|value| !value.is_empty()).map(Into::into));
    }
    if values.is_empty() {
        values.clone_from(&client.metadata.default_acr_values);
    }
    values.truncate(ACR_VALUES_MAX);
    Ok(values)
}

/// The thumbprint of the key that the client will prove (RFC 9449 §10).
fn thumbprint(raw: &str) -> Result<Digest, Refusal> {
    let mut digest = [0; 32];
    let whole = Base64UrlUnpadded::decode(raw, &mut digest).is_ok_and(|d| d.len() == 32);
    if whole {
        Ok(Digest::known(digest))
    } else {
        Err(Refusal::Parameter("dpop_jkt", Fault::Malformed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_stands_alone() {
        assert_eq!(prompts("").unwrap(), []);
        assert_eq!(prompts("none").unwrap(), [Prompt::None]);
        assert_eq!(prompts("login  consent login").unwrap(), [Prompt::Login, Prompt::Consent]);
        for bad in ["none login", "login none", "create", "Login", "none\u{a0}"] {
            assert!(prompts(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_thumbprint_has_32_bytes() {
        assert!(thumbprint(&"A".repeat(43)).is_ok());
        for bad in ["", "AAAA", &"A".repeat(42), &"A".repeat(44), &format!("{}=", "A".repeat(43))] {
            assert!(thumbprint(bad).is_err(), "{bad}");
        }
    }
}
