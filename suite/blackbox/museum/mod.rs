//! The museum: public advisories on other servers, as tests against this one. What does not apply, and
//! why, stands in `museum.md`.

mod codes;
mod refresh;
mod redirects;
mod logos;
mod assertions;
mod introspection;
mod login;
mod abuse;
mod registration;
