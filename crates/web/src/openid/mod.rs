//! OpenID Connect over HTTP: what the surfaces of that family have in common.

pub mod respond;
pub mod form_post;
pub mod par;
pub mod token;
pub mod details;
pub mod metadata;
