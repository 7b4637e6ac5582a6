//! Request objects (RFC 9101; FAPI 2.0 Message Signing §5.3.1): an authorization request as a signed
//! message of the client.

use std::fmt;

use counterfoil_protocol::ids::ClientId;
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::RequestObjectFault as Fault;
use serde_json::{Map, Value};

use crate::alg::Alg;
use crate::json::{self, WrongType};
use crate::jws::{Compact, JwsFault};
use crate::registered_key::{KeyName, RegisteredKey, candidates};

/// Real ones have two kilobytes; `authorization_details` and `claims` may add as much again.
pub const REQUEST_OBJECT_LEN_MAX: usize = 32 * 1024;
/// Names of us in one `aud`.
const AUDIENCES_MAX: usize = 10;
/// Values of a parameter that may be repeated: `resource`.
const VALUES_MAX: usize = 16;
/// Parameters of one object, as in a form.
const PARAMETERS_MAX: usize = 64;

/// What differs between surfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// `iss` must be there. If it is, it always equals the client id.
    pub issuer_required: bool,
    /// `exp` and `nbf` must be there.
    pub times_required: bool,
    /// How far back `nbf` may lie, and how far `exp` may lie after it, or after now without one.
    pub lifetime_max_s: u64,
    /// How far ahead `nbf` may lie: clocks differ.
    pub ahead_s: u64,
}

/// FAPI 2.0 Message Signing §5.3.1.
pub static FAPI: Profile =
    Profile { issuer_required: true, times_required: true, lifetime_max_s: 3600, ahead_s: 60 };

/// OpenID Connect Core §6.1: nothing but the signature is demanded; what is there must be right.
pub static OPENID: Profile =
    Profile { issuer_required: false, times_required: false, lifetime_max_s: 3600, ahead_s: 60 };

/// Whom a request object is judged for.
#[derive(Clone, Copy, Debug)]
pub struct From<'a> {
    /// The client that sent it.
    pub client: &'a ClientId,
    /// Its keys.
    pub keys: &'a [RegisteredKey],
    /// The algorithms it may use.
    pub allowed: &'a [Alg],
}

/// The parameters of a request whose signature has verified. Only [`open`] makes one.
///
/// ```compile_fail,E0639
/// use counterfoil_jose::request_object::Signed;
/// let forged = Signed { parameters: vec![] };
/// ```
#[derive(PartialEq, Eq)]
#[non_exhaustive] // no constructor outside this crate
pub struct Signed {
    /// Names and values as a form would carry them: objects and arrays as JSON text.
    pub parameters: Vec<(String, String)>,
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.parameters.iter().map(|(name, _)| name)).finish()
    }
}

/// Reads and checks a request object. Cheap checks come first. `issuer` is our own name.
///
/// # Errors
/// The first fault.
pub fn open(
    raw: &str,
    profile: &Profile,
    from: From<'_>,
    issuer: &str,
    now: Moment,
) -> Result<Signed, Fault> {
    let message = Compact::parse(raw, REQUEST_OBJECT_LEN_MAX).map_err(fault)?;
    if !from.allowed.contains(&message.header().alg) {
        return Err(Fault::Algorithm);
    }
    // RFC 9101 §10.8: explicit typing, where the sender uses it. A client assertion has another.
    let typ = message.header().typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
    if !matches!(typ.trim_start_matches("application/"), "jwt" | "oauth-authz-req+jwt") {
        return Err(Fault::Type);
    }
    let members = json::object(message.unverified_payload()).ok_or(Fault::Malformed)?;
    check_names(&members, profile, from.client)?;
    check_audience(&members, profile, issuer)?;
    check_times(&members, profile, now)?;
    check_signature(&message, from, now)?;
    if members.contains_key("request") || members.contains_key("request_uri") {
        return Err(Fault::Nested);
    }
    Ok(Signed { parameters: parameters(&members)? })
}

/// Who speaks, and about whom. A `sub` that is the client would make the object a client assertion
/// (RFC 9101 §10.8).
fn check_names(
    members: &Map<String, Value>,
    profile: &Profile,
    client: &ClientId,
) -> Result<(), Fault> {
    let text = |name| json::text(members, name).map_err(|WrongType| Fault::Malformed);
    let issuer = text("iss")?;
    if issuer.as_deref().map_or(profile.issuer_required, |issuer| issuer != client.as_str()) {
        return Err(Fault::Issuer);
    }
    if text("client_id")?.is_some_and(|id| id != client.as_str()) {
        return Err(Fault::ClientId);
    }
    if text("sub")?.is_some_and(|subject| subject == client.as_str()) {
        return Err(Fault::Subject);
    }
    Ok(())
}

/// The issuer, alone or among others; no other name of ours (conformance.md 5.8).
fn check_audience(
    members: &Map<String, Value>,
    profile: &Profile,
    issuer: &str,
) -> Result<(), Fault> {
    let meant = match members.get("aud") {
        None => !profile.issuer_required,
        Some(Value::String(one)) => one == issuer,
        Some(Value::Array(some)) if some.len() <= AUDIENCES_MAX => {
            some.iter().any(|one| one.as_str() == Some(issuer))
        }
        Some(_) => false,
    };
    meant.then_some(()).ok_or(Fault::Audience)
}

fn check_times(members: &Map<String, Value>, profile: &Profile, now: Moment) -> Result<(), Fault> {
    let date = |name| json::date(members, name).map_err(|WrongType| Fault::Malformed);
    let (expires, from) = (date("exp")?, date("nbf")?);
    if profile.times_required {
        expires.ok_or(Fault::ExpiryMissing)?;
        from.ok_or(Fault::NotBeforeMissing)?;
    }
    let ahead = now.after(profile.ahead_s);
    if from.is_some_and(|from| from > ahead) || expires.is_some_and(|expires| expires <= now) {
        return Err(Fault::NotActive);
    }
    let old = from.is_some_and(|from| now.since(from) > profile.lifetime_max_s);
    let start = from.unwrap_or(now);
    if old || expires.is_some_and(|expires| expires.since(start) > profile.lifetime_max_s) {
        return Err(Fault::LifetimeTooLong);
    }
    Ok(())
}

fn check_signature(message: &Compact, from: From<'_>, now: Moment) -> Result<(), Fault> {
    let name = KeyName::of(message.header()).ok_or(Fault::Malformed)?;
    let keys = candidates(from.keys, &name, now);
    if keys.is_empty() {
        return Err(Fault::KeyUnknown);
    }
    let signed = keys.iter().any(|known| message.verify(&known.key, from.allowed).is_ok());
    signed.then_some(()).ok_or(Fault::SignatureWrong)
}

/// The claims that are parameters of the request, as texts.
fn parameters(members: &Map<String, Value>) -> Result<Vec<(String, String)>, Fault> {
    const CLAIMS: [&str; 7] = ["iss", "aud", "exp", "nbf", "iat", "jti", "sub"];
    let mut out = vec![];
    for (name, value) in members.iter().filter(|(name, _)| !CLAIMS.contains(&name.as_str())) {
        match value {
            Value::Null => {}
            Value::String(text) => out.push((name.clone(), text.clone())),
            // RFC 8707 §2: one value or several.
            Value::Array(several) if name == "resource" && several.len() <= VALUES_MAX => {
                for one in several {
                    let one = one.as_str().ok_or(Fault::Malformed)?;
                    out.push((name.clone(), one.into()));
                }
            }
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                out.push((name.clone(), value.to_string()));
            }
        }
    }
    // What a form could not carry is not carried in here either.
    let bad = |text: &String| text.contains('\0');
    if out.len() > PARAMETERS_MAX || out.iter().any(|(name, value)| bad(name) || bad(value)) {
        return Err(Fault::Malformed);
    }
    Ok(out)
}

fn fault(fault: JwsFault) -> Fault {
    match fault {
        JwsFault::Algorithm => Fault::Algorithm,
        JwsFault::Critical => Fault::Critical,
        JwsFault::KeyUnknown => Fault::KeyUnknown,
        JwsFault::Signature => Fault::SignatureWrong,
        JwsFault::TooLong
        | JwsFault::Malformed
        | JwsFault::Key
        | JwsFault::KeyEmbedded
        | JwsFault::Type => Fault::Malformed,
    }
}
