//! `id_token_hint` (OpenID Connect Core §3.1.2.1): an ID token of ours, handed back. What it says of
//! time does not matter, whose it is does.

use counterfoil_jose::{json, jwt};

use crate::keys::Issuer;

/// What a hint says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Hint {
    /// The customer, as the client knows them.
    pub(crate) sub: Box<str>,
    /// The clients it was made for.
    pub(crate) audience: Vec<Box<str>>,
    /// The login it tells of.
    pub(crate) sid: Option<Box<str>>,
}

/// `None` for what this issuer did not sign, or not as an ID token.
pub(crate) fn read(raw: &str, issuer: &Issuer) -> Option<Hint> {
    let keys = issuer.keys.iter().map(|key| (key.kid.as_str(), &*key.verifying, key.alg));
    let payload = jwt::verify_own(raw, "JWT", keys).ok()?;
    let members = json::object(&payload)?;
    let text = |name: &str| members.get(name).and_then(|value| value.as_str());
    // What else the same key signs: a JWT access token has a `jti`, signed UserInfo and an answer of
    // the authorization endpoint have no `iat`.
    let is_id_token = members.contains_key("iat") && !members.contains_key("jti");
    if text("iss") != Some(&issuer.url) || !is_id_token {
        return None;
    }
    let aud = members.get("aud")?;
    let several = aud.as_array().map_or(std::slice::from_ref(aud), Vec::as_slice);
    let audience = several.iter().filter_map(|one| one.as_str()).map(Into::into).collect();
    Some(Hint { sub: text("sub")?.into(), audience, sid: text("sid").map(Into::into) })
}
