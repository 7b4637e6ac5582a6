//! Decisions: what the authorization server concludes from what it has read.
//!
//! Pure between one keyed read and one guarded commit: nothing in here knows HTTP, SQL, sockets,
//! clocks or threads. The modules are listed in reading order.

pub mod limits;
pub mod ctx;
pub mod handle;
pub mod sender;
pub mod confirmation;
pub mod policy;
pub mod tenant;
pub mod client_metadata;
pub mod client;
pub mod subject;
pub mod claims;
pub mod consent;
pub mod grant;
pub mod extent;
pub mod active;
pub mod openid_request;
pub mod pushed;
pub mod response_mode;
pub mod interaction;
pub mod session;
pub mod delivery;
pub mod keys;
pub mod audit;
pub mod store;
pub mod directory;
pub mod outbound;
pub mod engine;
pub mod client_keys;
pub mod client_auth;
pub mod grants;
pub mod token;
pub mod id_token;
pub mod introspect;
pub mod revoke;
pub mod userinfo;
pub mod details;
pub mod target;
pub mod authorize;
pub mod par;
pub mod login;
pub mod logo;
pub mod logout;
pub mod outbox;
pub mod customer;
pub mod admin;
pub mod key_cycle;
pub mod register;
