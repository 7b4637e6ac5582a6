//! Signatures and MACs over aws-lc-rs: JWS, JWK, assertions, certificates, HTTP signatures.
//!
//! No I/O, no async, no clock: keys and time come in as values. The modules are listed in reading
//! order.

pub mod provider;
pub mod alg;
mod base64;
pub mod json;
mod parts;
pub mod jwk;
pub mod thumbprint;
pub mod key;
pub mod private_jwk;
pub mod distinguished_name;
pub mod qc_statement;
pub mod certificate;
pub mod jws;
pub mod jwt;
pub mod registered_key;
pub mod assertion;
pub mod dpop;
pub mod request_object;
mod php_json;
pub mod http_signature;
