//! Records, events and keys as bytes. The first byte of a body is the version of its format; every
//! version that was ever written can be read for ever.

use std::fmt;

use counterfoil_engine::audit::Event;
use counterfoil_engine::client_metadata::Metadata;
use counterfoil_engine::grant::OpenIdFacts;
use counterfoil_engine::openid_request::OpenIdRequest;
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
    let (what, version) = (kind.name(), newest(kind));
    match record {
        Record::Tenant(tenant) => write(what, version, tenant),
        Record::Client(client) => write(what, version, client),
        Record::Grant(grant) => write(what, version, grant),
        Record::Consent(consent) => write(what, version, consent),
        Record::Subject(subject) => write(what, version, subject),
        Record::Interaction(interaction) => write(what, version, interaction),
        Record::Session(session) => write(what, version, session),
        Record::Replay => write(what, version, &()),
        Record::SigningKey(key) => write(what, version, key),
        Record::KeySet(set) => write(what, version, set),
        Record::Claim(owner) => write(what, version, owner),
        Record::Customer(customer) => write(what, version, customer),
        Record::Pushed(pushed) => write(what, version, pushed),
        Record::Delivery(delivery) => write(what, version, delivery),
    }
}

/// The version that is written.
#[must_use]
pub const fn newest(kind: Kind) -> u8 {
    match kind {
        Kind::Tenant => 3,
        Kind::Client
        | Kind::Grant
        | Kind::Consent
        | Kind::Subject
        | Kind::Interaction
        | Kind::Session => 2,
        Kind::Replay
        | Kind::SigningKey
        | Kind::KeySet
        | Kind::Claim
        | Kind::Customer
        | Kind::Pushed
        | Kind::Delivery => 1,
    }
}

/// Reads every format of a record. A version that only added fields at the end is one more line in
/// `added`; any other is one more arm, which turns the old shape into the new one.
///
/// # Errors
/// [`Damaged`] for an unknown version, and for anything before or after the record.
pub fn decode(kind: Kind, bytes: &[u8]) -> Result<Record, Damaged> {
    let (what, version) = (kind.name(), bytes.first().copied());
    let completed = match version {
        Some(version) if version == newest(kind) => None,
        Some(version) => {
            let added =
                added_since(kind, version).ok_or(Damaged { what, version: Some(version) })?;
            Some([bytes, &*added].concat())
        }
        None => return Err(Damaged { what, version }),
    };
    let bytes = completed.as_deref().unwrap_or(bytes);
    Ok(match kind {
        Kind::Tenant => Record::Tenant(read(what, bytes)?),
        Kind::Client => Record::Client(read(what, bytes)?),
        Kind::Grant => Record::Grant(read(what, bytes)?),
        Kind::Consent => Record::Consent(read(what, bytes)?),
        Kind::Subject => Record::Subject(read(what, bytes)?),
        Kind::Interaction => Record::Interaction(read(what, bytes)?),
        Kind::Session => Record::Session(read(what, bytes)?),
        Kind::Replay => {
            read::<()>(what, bytes)?;
            Record::Replay
        }
        Kind::SigningKey => Record::SigningKey(read(what, bytes)?),
        Kind::KeySet => Record::KeySet(read(what, bytes)?),
        Kind::Claim => Record::Claim(read(what, bytes)?),
        Kind::Customer => Record::Customer(read(what, bytes)?),
        Kind::Pushed => Record::Pushed(read(what, bytes)?),
        Kind::Delivery => Record::Delivery(read(what, bytes)?),
    })
}

/// The fields that stand at the end of a record since `version`, with the values they have in one
/// that is older than they are.
fn added_since(kind: Kind, version: u8) -> Option<Vec<u8>> {
    let bytes = match (kind, version) {
        // base, mtls_base, https_required, registration, resources
        (Kind::Tenant, 1) => postcard::to_allocvec(&(NONE, NONE, false, NONE, EMPTY)),
        (Kind::Tenant, 2) => postcard::to_allocvec(EMPTY),
        (Kind::Client, 1) => postcard::to_allocvec(&Metadata::default()),
        (Kind::Grant, 1) => postcard::to_allocvec(&OpenIdFacts::default()),
        // details; claims
        (Kind::Consent | Kind::Subject, 1) => postcard::to_allocvec(&NONE),
        (Kind::Interaction, 1) => postcard::to_allocvec(&OpenIdRequest::default()),
        // acr, amr, clients
        (Kind::Session, 1) => postcard::to_allocvec(&(NONE, EMPTY, EMPTY)),
        (_, _) => return None,
    };
    bytes.ok()
}

/// A field that is not there, whatever it would hold.
const NONE: Option<()> = None;
/// A list without members, whatever they would be.
const EMPTY: &[u8] = &[];

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
    // Nearly every record fits, and is copied once to where it stays.
    let (versioned, mut room) = ((version, value), [0; USUAL_LEN]);
    match postcard::to_slice(&versioned, &mut room) {
        Ok(used) => Ok(used.to_vec()),
        Err(postcard::Error::SerializeBufferFull) => {
            postcard::to_allocvec(&versioned).map_err(|_| damaged)
        }
        Err(_) => Err(damaged),
    }
}

/// Longer than most records.
const USUAL_LEN: usize = 1024;

/// What follows the version byte, to the last byte.
fn read<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, Damaged> {
    let damaged = Damaged { what, version: bytes.first().copied() };
    let (_, body) = bytes.split_first().ok_or(damaged)?;
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Ok(value),
        Ok(_) | Err(_) => Err(damaged),
    }
}
