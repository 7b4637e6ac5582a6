//! The vocabulary: what OAuth speaks of, as types that are parsed once and printed safely.
//!
//! No async, no I/O, no clock, no cryptography. The modules are listed in reading order.

pub mod moment;
mod text;
pub mod ids;
pub mod redirect_uri;
pub mod scope;
pub mod secret;
pub mod pkce;
pub mod form;
pub mod basic;
pub mod refusal;
mod refusal_authorize;
pub mod refusal_code;
