//! Tests of the crate as its users see it: vectors of the RFCs, captured requests, and what must not
//! pass.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod support;

mod provider;
mod vectors;
mod wycheproof;
mod keys;
mod forgeries;
mod jwk;
mod jws;
mod jwt;
mod certificate;
mod assertion;
mod dpop;
mod request_object;
mod captured;
mod http_signature;
mod garbage;
