//! What must hold for every input of every parser that strangers reach: one module for each parser.
//! libFuzzer looks for inputs that break it (`fuzz_targets/`); `suite/seeds/` asks it of the seeds.

pub mod form;
pub mod basic;
pub mod headers;
pub mod redirect_uri;
pub mod handle;
pub mod jws;
pub mod jwk_set;
pub mod assertion;
pub mod dpop;
pub mod request_object;
pub mod claims;
pub mod certificate;
pub mod client_cert;
pub mod distinguished_name;
pub mod http_signature;
pub mod record;
pub mod logo;
mod shared;

/// What takes an input and panics where the promise does not hold.
pub type Property = fn(&[u8]);

/// Every target by its name.
pub const ALL: &[(&str, Property)] = &[
    ("form", form::run),
    ("basic", basic::run),
    ("headers", headers::run),
    ("redirect_uri", redirect_uri::run),
    ("handle", handle::run),
    ("jws", jws::run),
    ("jwk_set", jwk_set::run),
    ("assertion", assertion::run),
    ("dpop", dpop::run),
    ("request_object", request_object::run),
    ("claims", claims::run),
    ("certificate", certificate::run),
    ("client_cert", client_cert::run),
    ("distinguished_name", distinguished_name::run),
    ("http_signature", http_signature::run),
    ("record", record::run),
    ("logo", logo::run),
];
