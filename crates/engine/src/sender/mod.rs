//! Sender constraint: what a token is bound to, and how its user shows to be the one (RFC 8705,
//! RFC 9449).

pub mod mtls;
