//! `status` and the end of a quarantine, inside the server.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Desk, read, write};
use crate::failure::Failure;
use crate::vigil::Check;

/// Nothing more needs to be said.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {}

/// What the server says of itself.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Status {
    /// Whether it can do its work.
    pub(crate) ready: bool,
    /// Why, or why not.
    pub(crate) checks: Vec<Check>,
}

pub(super) fn status(desk: &Desk, asked: Value) -> Result<Value, Failure> {
    let Asked {} = read(asked)?;
    let checks = desk.vigil.checks();
    write(&Status { ready: checks.iter().all(|check| check.failing.is_none()), checks })
}

/// Ends the quarantine, then applies what the files say, as a start would have.
pub(super) async fn accept(desk: &Desk, asked: Value) -> Result<Value, Failure> {
    let Asked {} = read(asked)?;
    if !desk.vigil.is_quarantined() {
        return Err(Failure::failed("the store is not in quarantine"));
    }
    desk.vigil.accept().await?;
    (desk.reload)().await;
    status(desk, Value::Object(serde_json::Map::new()))
}
