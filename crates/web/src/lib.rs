//! The wire: HTTP and JSON, the surfaces, the pages. Cannot name a store.
//!
//! The modules are listed in reading order.

pub mod request_id;
pub mod reply;
pub mod edge;
pub mod locate;
pub mod journal;
pub mod making;
pub mod surfaces;
pub mod openid;
pub mod common;
pub mod ui;
pub mod app;
