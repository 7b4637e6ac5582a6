//! The running binary from outside, over sockets: malformed bytes, slow clients, overload, signals, the
//! command line, and a museum of what went wrong elsewhere.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod wire;
mod server;
mod browser;
mod jwt;
mod forms;
mod limits;
mod framing;
mod verbs;
mod slow;
mod overload;
mod mtls;
mod tls;
mod fapi;
mod prover;
mod dpop;
mod jose;
mod outside;
mod egress;
mod redirects;
mod garbage;
mod museum;
mod unbuilt;
mod signals;
mod cli;
mod playing;
mod tools;
mod operator;
mod registration;
mod rp;
mod logout;
mod details;
mod golden;
