//! Records, events and keys as bytes. The first byte of a body is the version of its format; every
//! version that was ever written can be read for ever.

use std::fmt;

use counterfoil_engine::audit::Event;
use counterfoil_engine::store::Record;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::kind::Kind;

pub mod key;

/// Bytes that are no record of this program, or of a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// What they should have been: the name of a [`Kind`], `event`, or `key`.
    pub what: &'static str,
    /// Which version they claim; `None` when there is no byte to claim it.
    pub version: Option<u8>,
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            Some(version) => write!(f, "damaged {}, format version {version}", self.what),
            None => write!(f, "damaged {}, no format version", self.what),
        }
    }
}

impl std::error::Error for Damaged {}

/// The newest format of a record. `kind` is the table it goes to.
///
/// # Errors
/// [`Damaged`] when the record is of another kind.
pub fn encode(kind: Kind, record: &Record) -> Result<Vec<u8>, Damaged> {
    if Kind::of_record(record) != kind {
        return Err(Damaged { what: kind.name(), version: None });
    }
    let what = kind.name();
    match record {
        Record::Tenant(tenant) => write(what, 1, tenant),
        Record::Client(client) => write(what, 1, client),
        Record::Grant(grant) => write(what, 1, grant),
        Record::Consent(consent) => write(what, 1, consent),
        Record::Subject(subject) => write(what, 1, subject),
        Record::Interaction(interaction) => write(what, 1, interaction),
        Record::Session(session) => write(what, 1, session),
        Record::Replay => write(what, 1, &()),
        Record::SigningKey(key) => write(what, 1, key),
        Record::KeySet(set) => write(what, 1, set),
        Record::Claim(owner) => write(what, 1, owner),
        Record::Customer(customer) => write(what, 1, customer),
    }
}

/// Reads every format of a record. A later version is one more arm, which turns the old shape into
/// the new one; the arms before it stay.
///
/// # Errors
/// [`Damaged`] for an unknown version, and for anything before or after the record.
pub fn decode(kind: Kind, bytes: &[u8]) -> Result<Record, Damaged> {
    let (what, version) = (kind.name(), bytes.first().copied());
    Ok(match (kind, version) {
        (Kind::Tenant, Some(1)) => Record::Tenant(read(what, bytes)?),
        (Kind::Client, Some(1)) => Record::Client(read(what, bytes)?),
        (Kind::Grant, Some(1)) => Record::Grant(read(what, bytes)?),
        (Kind::Consent, Some(1)) => Record::Consent(read(what, bytes)?),
        (Kind::Subject, Some(1)) => Record::Subject(read(what, bytes)?),
        (Kind::Interaction, Some(1)) => Record::Interaction(read(what, bytes)?),
        (Kind::Session, Some(1)) => Record::Session(read(what, bytes)?),
        (Kind::Replay, Some(1)) => {
            read::<()>(what, bytes)?;
            Record::Replay
        }
        (Kind::SigningKey, Some(1)) => Record::SigningKey(read(what, bytes)?),
        (Kind::KeySet, Some(1)) => Record::KeySet(read(what, bytes)?),
        (Kind::Claim, Some(1)) => Record::Claim(read(what, bytes)?),
        (Kind::Customer, Some(1)) => Record::Customer(read(what, bytes)?),
        (_, version) => return Err(Damaged { what, version }),
    })
}

const EVENT: &str = "event";

/// The newest format of an event. These are the bytes that the chain covers.
///
/// # Errors
/// [`Damaged`] when it cannot be written.
pub fn encode_event(event: &Event) -> Result<Vec<u8>, Damaged> {
    write(EVENT, 1, event)
}

/// Reads every format of an event.
///
/// # Errors
/// [`Damaged`] as for [`decode`].
pub fn decode_event(bytes: &[u8]) -> Result<Event, Damaged> {
    match bytes.first().copied() {
        Some(1) => read(EVENT, bytes),
        version => Err(Damaged { what: EVENT, version }),
    }
}

fn write<T: Serialize>(what: &'static str, version: u8, value: &T) -> Result<Vec<u8>, Damaged> {
    let damaged = Damaged { what, version: Some(version) };
    postcard::to_extend(value, vec![version]).map_err(|_| damaged)
}

/// What follows the version byte, to the last byte.
fn read<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, Damaged> {
    let damaged = Damaged { what, version: bytes.first().copied() };
    let (_, body) = bytes.split_first().ok_or(damaged)?;
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Ok(value),
        Ok(_) | Err(_) => Err(damaged),
    }
}
