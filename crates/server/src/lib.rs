//! The binary `counterfoil`: the only place where parts are put together.
//!
//! The modules are listed in reading order.

pub mod system;
pub mod failure;
pub mod nearest;
pub mod toml_file;
pub mod config;
pub mod resources;
pub mod key_marks;
pub mod keyfile;
pub mod mint;
pub mod journal_file;
pub mod error_pages;
pub mod boot;
pub mod client_certificate;
pub mod tls;
pub mod proxy;
pub mod egress;
pub mod logos;
pub mod polite;
mod tended;
pub mod crowd;
pub mod pressure;
pub mod listener;
pub mod nodes;
pub mod vigil;
pub mod key_times;
pub mod operator;
pub mod outbox;
pub mod serve;
pub mod sandbox;
pub mod cli;
