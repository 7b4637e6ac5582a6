//! Client assertions (RFC 7523 §3; the rules per surface: surfaces.md 4.4).

use std::fmt;

use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::AssertionFault;
use serde_json::{Map, Value};

use crate::alg::Alg;
use crate::json::{self, WrongType};
use crate::jws::{Compact, JwsFault};
pub use crate::registered_key::RegisteredKey;
use crate::registered_key::{KeyName, candidates};

/// Real ones have less than one kilobyte.
pub const ASSERTION_LEN_MAX: usize = 8 * 1024;
/// `sub` is a client id; `jti` is remembered by us.
const TEXT_LEN_MAX: usize = 255;
const AUDIENCES_MAX: usize = 10;

/// What differs between surfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// `iss` must be there. If it is, it always equals `sub`.
    pub issuer_required: bool,
    /// `jti` must be there. If it is, it is always for single use.
    pub id_required: bool,
    /// `aud` may name others beside us.
    pub audience_multiple: bool,
    /// `aud` may be an array.
    pub audience_array: bool,
    /// Only the issuer is us: no endpoint of ours is a name for us (FAPI 2.0 §5.3.2.1).
    pub issuer_only: bool,
    /// Algorithms beyond these are refused whatever the client registered.
    pub algs: &'static [Alg],
    /// Longest life: from `iat`, or from now when there is none.
    pub lifetime_max_s: u64,
    /// How long after `exp` it is still taken.
    pub grace_s: u64,
    /// How far ahead `iat` and `nbf` may lie: clocks differ.
    pub ahead_s: u64,
}

/// Worldline: what the vendor's sample shows (surfaces.md 4.4).
pub static WORLDLINE: Profile = Profile {
    issuer_required: false,
    id_required: false,
    audience_multiple: false,
    audience_array: true,
    issuer_only: false,
    algs: &Alg::ALL,
    lifetime_max_s: 3600,
    grace_s: 10,
    ahead_s: 60,
};

/// What RFC 7523 §3 and OpenID Connect Core §9 require.
pub static RFC7523: Profile = Profile {
    issuer_required: true,
    id_required: true,
    audience_multiple: true,
    audience_array: true,
    issuer_only: false,
    algs: &Alg::ALL,
    lifetime_max_s: 3600,
    grace_s: 10,
    ahead_s: 60,
};

/// FAPI 2.0 Security Profile §5.3.2.1 and §5.4. Ten seconds ahead must be taken and more than a minute
/// must not; half of that leaves room for the way to us.
pub static FAPI2: Profile = Profile {
    issuer_required: true,
    id_required: true,
    audience_multiple: false,
    audience_array: false,
    issuer_only: true,
    algs: &[Alg::PS256, Alg::ES256, Alg::EdDSA],
    lifetime_max_s: 3600,
    grace_s: 10,
    ahead_s: 30,
};

/// An assertion of the right form. All it says is the sender's claim.
pub struct Received {
    message: Compact,
    subject: String,
    issuer: Option<String>,
    audiences: Vec<String>,
    audience_is_array: bool,
    id: Option<String>,
    expires: Option<Moment>,
    issued: Option<Moment>,
    not_before: Option<Moment>,
}

impl Received {
    /// Reads the form; nothing is verified.
    ///
    /// # Errors
    /// Malformed, an algorithm that is none of ours, critical parameters, no subject.
    pub fn parse(raw: &str) -> Result<Self, AssertionFault> {
        let message = Compact::parse(raw, ASSERTION_LEN_MAX).map_err(fault)?;
        let members = json::object(message.unverified_payload());
        let members = members.ok_or(AssertionFault::Malformed)?;
        let text = |name| text(&members, name);
        let date = |name| json::date(&members, name).map_err(|WrongType| AssertionFault::Malformed);
        Ok(Self {
            subject: text("sub")?.ok_or(AssertionFault::SubjectMissing)?,
            issuer: text("iss")?,
            audiences: audiences(members.get("aud"))?,
            audience_is_array: members.get("aud").is_some_and(Value::is_array),
            id: text("jti")?,
            expires: date("exp")?,
            issued: date("iat")?,
            not_before: date("nbf")?,
            message,
        })
    }

    /// The claimed subject. UNVERIFIED: only to look up whose keys to verify with.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The claimed name of the key.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.message.header().kid.as_deref()
    }

    /// The claimed algorithm.
    #[must_use]
    pub fn alg(&self) -> Alg {
        self.message.header().alg
    }

    /// Checks everything but the single use of `jti`, which is a write. Cheap checks come first.
    /// `keys` and `allowed` are those of the client that the subject names; `audiences` are our own
    /// names, in every spelling that is taken.
    ///
    /// # Errors
    /// The first fault.
    #[expect(clippy::too_many_arguments, reason = "each is a fact of its own, none has a pair")]
    pub fn verify(
        &self,
        profile: &Profile,
        keys: &[RegisteredKey],
        allowed: &[Alg],
        audiences: &[&str],
        now: Moment,
    ) -> Result<Verified, AssertionFault> {
        if !allowed.contains(&self.alg()) || !profile.algs.contains(&self.alg()) {
            return Err(AssertionFault::Algorithm);
        }
        self.check_issuer(profile)?;
        self.check_audience(profile, audiences)?;
        let expires = self.check_times(profile, now)?;
        if profile.id_required && self.id.is_none() {
            return Err(AssertionFault::IdMissing);
        }
        self.check_signature(keys, allowed, now)?;
        let expires = expires.after(profile.grace_s);
        Ok(Verified { subject: self.subject.clone(), id: self.id.clone(), expires })
    }

    /// RFC 7523 §3 rules 1 and 2: the client speaks about itself.
    fn check_issuer(&self, profile: &Profile) -> Result<(), AssertionFault> {
        let fits = match &self.issuer {
            Some(issuer) => *issuer == self.subject,
            None => !profile.issuer_required,
        };
        fits.then_some(()).ok_or(AssertionFault::Issuer)
    }

    /// RFC 7523 §3 rule 3. Compared byte for byte (RFC 3986 §6.2.1).
    fn check_audience(&self, profile: &Profile, ours: &[&str]) -> Result<(), AssertionFault> {
        if self.audiences.len() > 1 && !profile.audience_multiple {
            return Err(AssertionFault::AudienceMultiple);
        }
        if self.audience_is_array && !profile.audience_array {
            return Err(AssertionFault::Audience);
        }
        let meant = self.audiences.iter().any(|audience| ours.contains(&audience.as_str()));
        meant.then_some(()).ok_or(AssertionFault::Audience)
    }

    /// RFC 7523 §3 rules 4 to 6; answers `exp`.
    fn check_times(&self, profile: &Profile, now: Moment) -> Result<Moment, AssertionFault> {
        let expires = self.expires.ok_or(AssertionFault::ExpiryMissing)?;
        if now >= expires.after(profile.grace_s) {
            return Err(AssertionFault::NotActive);
        }
        let ahead = now.after(profile.ahead_s);
        if self.not_before.is_some_and(|from| from > ahead) {
            return Err(AssertionFault::NotActive);
        }
        match self.issued {
            Some(issued) if issued > ahead => Err(AssertionFault::IssuedInFuture),
            Some(issued) if expires.since(issued) > profile.lifetime_max_s => {
                Err(AssertionFault::LifetimeTooLong)
            }
            None if expires.since(now) > profile.lifetime_max_s => {
                Err(AssertionFault::ExpiryTooFar)
            }
            Some(_) | None => Ok(expires),
        }
    }

    fn check_signature(
        &self,
        keys: &[RegisteredKey],
        allowed: &[Alg],
        now: Moment,
    ) -> Result<(), AssertionFault> {
        let name = KeyName::of(self.message.header()).ok_or(AssertionFault::Malformed)?;
        let keys = candidates(keys, &name, now);
        if keys.is_empty() {
            return Err(AssertionFault::KeyUnknown);
        }
        let signed = keys.iter().any(|known| self.message.verify(&known.key, allowed).is_ok());
        signed.then_some(()).ok_or(AssertionFault::SignatureWrong)
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Received({:?})", self.message)
    }
}

/// Says who sent a request. Only [`Received::verify`] makes one.
///
/// ```compile_fail,E0639
/// use counterfoil_jose::assertion::Verified;
/// use counterfoil_protocol::moment::Moment;
/// let forged = Verified { subject: "c".into(), id: None, expires: Moment(1) };
/// ```
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive] // no constructor outside this crate
pub struct Verified {
    /// The client, or one of its registered assertion subjects.
    pub subject: String,
    /// `jti`: for single use until `expires`.
    pub id: Option<String>,
    /// From this moment on nobody takes it any more, so its `jti` can be forgotten.
    pub expires: Moment,
}

/// A text claim of bounded length; empty is not a value.
fn text(members: &Map<String, Value>, name: &str) -> Result<Option<String>, AssertionFault> {
    let text = json::text(members, name).map_err(|WrongType| AssertionFault::Malformed)?;
    let fits = text.as_ref().is_none_or(|text| (1..=TEXT_LEN_MAX).contains(&text.len()));
    fits.then_some(text).ok_or(AssertionFault::Malformed)
}

/// RFC 7519 §4.1.3: one text, or an array of texts.
fn audiences(claim: Option<&Value>) -> Result<Vec<String>, AssertionFault> {
    let text = |value: &Value| value.as_str().map(Into::into).ok_or(AssertionFault::Malformed);
    match claim {
        None => Ok(Vec::new()),
        Some(Value::Array(all)) if all.len() > AUDIENCES_MAX => Err(AssertionFault::Malformed),
        Some(Value::Array(all)) => all.iter().map(text).collect(),
        Some(one) => Ok(vec![text(one)?]),
    }
}

fn fault(fault: JwsFault) -> AssertionFault {
    match fault {
        JwsFault::Algorithm => AssertionFault::Algorithm,
        JwsFault::Critical => AssertionFault::Critical,
        JwsFault::KeyUnknown => AssertionFault::KeyUnknown,
        JwsFault::Signature => AssertionFault::SignatureWrong,
        JwsFault::TooLong
        | JwsFault::Malformed
        | JwsFault::KeyEmbedded
        | JwsFault::Key
        | JwsFault::Type => AssertionFault::Malformed,
    }
}
