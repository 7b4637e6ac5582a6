//! Signatures and MACs over aws-lc-rs. No I/O, no clock: keys and time come in as values.

/// The one place that names the crypto backend.
pub mod provider;

/// Algorithms of signatures; no `none`, no HMAC.
pub mod alg;

mod base64;

mod json;

mod parts;

mod php_json;

/// Public keys as JSON.
pub mod jwk;

/// The name of a public key.
pub mod thumbprint;

/// Signing and verifying keys, parsed once.
pub mod key;

/// Certificates as names and keys.
pub mod certificate;

/// Compact serialization of signed messages.
pub mod jws;

/// Claims, and the tokens we issued ourselves.
pub mod jwt;

/// The public key of a client, with its names and its validity.
pub mod registered_key;

/// Client assertions.
pub mod assertion;

/// Signed HTTP requests.
pub mod http_signature;
