//! Signed HTTP requests of the draft-cavage family (draft-cavage-http-signatures-12), as Fintecture's
//! SDKs send them (surfaces.md 2.7).

use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::SignatureFault;
use jiff::fmt::rfc2822::DateTimeParser;

use crate::alg::Alg;
use crate::base64;
use crate::php_json::php_json;
use crate::provider;
use crate::registered_key::{KeyName, RegisteredKey, candidates};

/// An RSA-8192 signature has 1368 characters.
const HEADER_LEN_MAX: usize = 4096;
const PARAMETERS_MAX: usize = 16;
const NAMES_MAX: usize = 16;
/// `Sat, 21 Nov 2026 17:45:25 +0000` has 31.
const DATE_LEN_MAX: usize = 64;
/// How far the client's clock may be off [ours].
const DATE_WINDOW_S: u64 = 300;

/// The name of method and target in `headers` (draft-cavage §2.3).
const REQUEST_TARGET: &str = "(request-target)";

/// The `Signature` header, or what follows the scheme `Signature` in `Authorization`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureHeader {
    key_id: String,
    algorithm: String,
    headers: Vec<String>,
    signature: Vec<u8>,
}

impl SignatureHeader {
    /// Reads `name="value"` pairs, separated by a comma and optional spaces. Unknown names are
    /// ignored (draft-cavage §2.2), repeated ones refused.
    ///
    /// # Errors
    /// [`SignatureFault::Malformed`].
    pub fn parse(raw: &str) -> Result<Self, SignatureFault> {
        Self::read(raw).ok_or(SignatureFault::Malformed)
    }

    fn read(raw: &str) -> Option<Self> {
        let parameters = parameters(raw)?;
        let of = |name: &str| parameters.iter().find(|(known, _)| *known == name).map(|(_, v)| *v);
        // Without the parameter only `date` is signed (draft-cavage §2.1.6).
        let mut headers: Vec<String> = Vec::new();
        for name in of("headers").unwrap_or("date").split(' ').filter(|name| !name.is_empty()) {
            let name = name.to_ascii_lowercase();
            if headers.len() == NAMES_MAX || headers.contains(&name) {
                return None;
            }
            headers.push(name);
        }
        Some(Self {
            key_id: of("keyId").filter(|id| !id.is_empty())?.into(),
            algorithm: of("algorithm")?.into(),
            headers,
            signature: base64::decode(of("signature")?).filter(|bytes| !bytes.is_empty())?,
        })
    }

    /// The name of the key, as sent.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The algorithm, as sent.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// What is signed, in this order, in lower case.
    pub fn headers(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(String::as_str)
    }

    /// The signature.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Whether `name`, in lower case, is signed.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        self.headers().any(|known| known == name)
    }

    /// What is signed (draft-cavage §2.3). `header` answers to lower-case names; a field that was
    /// sent twice must come joined or not at all.
    ///
    /// # Errors
    /// [`SignatureFault::HeadersMissing`] when a header that should be signed is not there.
    pub fn signing_string<'h>(
        &self,
        method: &str,
        path_and_query: &str,
        header: impl Fn(&str) -> Option<&'h str>,
    ) -> Result<String, SignatureFault> {
        let mut out = String::new();
        for name in &self.headers {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(name);
            out.push_str(": ");
            if name == REQUEST_TARGET {
                out.push_str(&method.to_ascii_lowercase());
                out.push(' ');
                out.push_str(path_and_query);
            } else {
                let value = header(name).ok_or(SignatureFault::HeadersMissing)?;
                out.push_str(value.trim_matches([' ', '\t']));
            }
        }
        Ok(out)
    }
}

/// The parameters, each once. Values have no escapes: none of them may hold a quote.
fn parameters(raw: &str) -> Option<Vec<(&str, &str)>> {
    if raw.len() > HEADER_LEN_MAX {
        return None;
    }
    let mut found: Vec<(&str, &str)> = Vec::new();
    let mut rest = raw.trim_matches(' ');
    loop {
        let (name, after) = rest.split_once("=\"")?;
        let (value, after) = after.split_once('"')?;
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric());
        let is_value = value.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'\\');
        let repeated = found.iter().any(|(known, _)| *known == name);
        if !is_name || !is_value || repeated || found.len() == PARAMETERS_MAX {
            return None;
        }
        found.push((name, value));
        if after.is_empty() {
            return Some(found);
        }
        rest = after.trim_start_matches(' ').strip_prefix(',')?.trim_start_matches(' ');
    }
}

/// A request as it came over the wire.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The app that authenticated itself.
    pub app_id: &'a str,
    /// The method.
    pub method: &'a str,
    /// Path and query as sent.
    pub target: &'a str,
    /// A header by its lower-case name; a field that was sent twice must not be there.
    pub header: &'a dyn Fn(&str) -> Option<&'a str>,
    /// The body as sent.
    pub body: &'a [u8],
    /// The decoded fields of the body in the order of the wire.
    pub fields: &'a [(&'a str, &'a str)],
}

/// What a signature said about a request that may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There was none, and none was required.
    Absent,
    /// The app has no key registered, so it was not looked at.
    Ignored,
    /// It is the app's.
    Verified,
}

/// The rules of surfaces.md 2.7, cheap ones first. Only what is present is judged, unless `required`.
///
/// # Errors
/// The first fault.
pub fn check(
    required: bool,
    request: &Request<'_>,
    keys: &[RegisteredKey],
    now: Moment,
) -> Result<Outcome, SignatureFault> {
    let Some(raw) = (request.header)("signature") else {
        return if required { Err(SignatureFault::Missing) } else { Ok(Outcome::Absent) };
    };
    // An expired certificate is registered none the less: its signature is wrong, not ignored.
    if keys.is_empty() {
        return if required { Err(SignatureFault::KeyUnregistered) } else { Ok(Outcome::Ignored) };
    }
    let signature = SignatureHeader::parse(raw)?;
    if signature.algorithm() != "rsa-sha256" {
        return Err(SignatureFault::Malformed);
    }
    check_key_id(request, &signature)?;
    check_covered(request, &signature)?;
    check_date(request, now)?;
    check_digest(request)?;
    let text = signature.signing_string(request.method, request.target, request.header)?;
    let verifies = candidates(keys, &KeyName::None, now)
        .iter()
        .any(|known| known.key.verify(Alg::RS256, text.as_bytes(), signature.signature()));
    verifies.then_some(Outcome::Verified).ok_or(SignatureFault::Wrong)
}

/// Step 1: `keyId`, the `app_id` header if it is there, and who authenticated are one app.
fn check_key_id(request: &Request<'_>, signature: &SignatureHeader) -> Result<(), SignatureFault> {
    let header_fits = (request.header)("app_id").is_none_or(|sent| sent == request.app_id);
    let fits = header_fits && signature.key_id() == request.app_id;
    fits.then_some(()).ok_or(SignatureFault::KeyId)
}

/// Step 2: what must be signed. Magento leaves `(request-target)` out.
fn check_covered(request: &Request<'_>, signature: &SignatureHeader) -> Result<(), SignatureFault> {
    let digest = request.body.is_empty() || signature.covers("digest");
    let covers = signature.covers("date") && signature.covers("x-request-id") && digest;
    covers.then_some(()).ok_or(SignatureFault::HeadersMissing)
}

/// Step 3. Zones come as `GMT`, `+0000` and `-0000`; `X-Date` is a copy and ignored.
fn check_date(request: &Request<'_>, now: Moment) -> Result<(), SignatureFault> {
    let sent = (request.header)("date").ok_or(SignatureFault::HeadersMissing)?;
    let sent = rfc2822_date(sent).ok_or(SignatureFault::Date)?;
    let away = now.since(sent).max(sent.since(now));
    (away <= DATE_WINDOW_S).then_some(()).ok_or(SignatureFault::Date)
}

fn rfc2822_date(text: &str) -> Option<Moment> {
    if text.len() > DATE_LEN_MAX {
        return None;
    }
    let parsed = DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    u64::try_from(parsed.as_second()).ok().map(Moment)
}

/// Step 4: of the wire body, or of the form as JSON. Ruby signs the digest of `{}` where there is no
/// body, so without one it is not compared.
fn check_digest(request: &Request<'_>) -> Result<(), SignatureFault> {
    if request.body.is_empty() {
        return Ok(());
    }
    let sent = (request.header)("digest").ok_or(SignatureFault::HeadersMissing)?;
    let sent = sha256_digest(sent).ok_or(SignatureFault::Digest)?;
    let fits = sent == provider::sha256(request.body)
        || (!request.fields.is_empty()
            && sent == provider::sha256(php_json(request.fields).as_bytes()));
    fits.then_some(()).ok_or(SignatureFault::Digest)
}

/// `SHA-256=<base64>` (RFC 3230 §4.3.2); names of digests have no case.
fn sha256_digest(value: &str) -> Option<[u8; 32]> {
    let (name, digest) = value.trim().split_once('=')?;
    let named = name.eq_ignore_ascii_case("sha-256");
    base64::decode(digest).filter(|_| named)?.try_into().ok()
}
