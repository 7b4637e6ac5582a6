//! The encodings, byte for byte. What was written once must be readable for ever: a file that is
//! here stays here, and a new format gets a new file.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use counterfoil_engine::client_metadata::Metadata;
use counterfoil_engine::grant::OpenIdFacts;
use counterfoil_engine::openid_request::OpenIdRequest;
use counterfoil_engine::store::Record;
use counterfoil_protocol::ids::hex;
use counterfoil_store::codec::{self, Damaged};
use counterfoil_store::kind::Kind;

use crate::conformance::{samples, variants};

#[test]
fn records_are_written_as_they_always_were() {
    let event = |event| codec::encode_event(event).unwrap();
    let mut files = vec![("event.1.hex".into(), variants::events().iter().map(event).collect())];
    for kind in Kind::ALL {
        let record = |record| codec::encode(kind, record).unwrap();
        let bodies = variants::of(kind).iter().map(record).collect();
        files.push((format!("{}.{}.hex", kind.name(), codec::newest(kind)), bodies));
    }
    check(&files);
}

#[test]
fn records_of_every_version_are_read() {
    for kind in Kind::ALL {
        for version in 1..=codec::newest(kind) {
            let bodies = golden(&format!("{}.{version}.hex", kind.name()));
            let records: Vec<_> = bodies.iter().map(|b| codec::decode(kind, b).unwrap()).collect();
            let mut known = variants::of(kind);
            if version < codec::newest(kind) {
                known.truncate(records.len());
                known.iter_mut().for_each(|record| older(record, version));
                assert!(!records.is_empty(), "{kind:?} {version}");
            }
            assert_eq!(records, known, "{kind:?} {version}");
        }
    }
    let bodies = golden("event.1.hex");
    let events: Vec<_> = bodies.iter().map(|b| codec::decode_event(b).unwrap()).collect();
    assert_eq!(events, variants::events());
}

/// What a record of an older version says: nothing in what came later.
fn older(record: &mut Record, version: u8) {
    if let Record::Tenant(tenant) = record {
        tenant.resources = vec![];
    }
    if version > 1 {
        return;
    }
    match record {
        Record::Tenant(tenant) => {
            (tenant.base, tenant.mtls_base) = (None, None);
            (tenant.https_required, tenant.registration) = (false, None);
        }
        Record::Client(client) => client.metadata = Metadata::default(),
        Record::Grant(grant) => Arc::make_mut(grant).openid = OpenIdFacts::default(),
        Record::Consent(consent) => consent.details = None,
        Record::Subject(subject) => subject.claims = None,
        Record::Interaction(interaction) => interaction.openid = OpenIdRequest::default(),
        Record::Session(session) => {
            (session.acr, session.amr, session.clients) = (None, vec![], vec![]);
        }
        Record::Replay
        | Record::SigningKey(_)
        | Record::KeySet(_)
        | Record::Claim(_)
        | Record::Customer(_)
        | Record::Pushed(_)
        | Record::Delivery(_) => {}
    }
}

#[test]
fn there_is_a_sample_of_every_kind() {
    let kinds: Vec<_> = samples::all().iter().map(|(key, _)| Kind::of(key)).collect();
    assert_eq!(kinds, Kind::ALL);
}

#[test]
fn keys_are_written_as_they_always_were_and_read_back() {
    let mut files = vec![];
    for (key, _) in samples::all() {
        let (kind, bytes) = (Kind::of(&key), codec::key::encode(&key));
        assert_eq!(codec::key::decode(kind, &bytes), Ok(key));
        files.push((format!("{}.key.hex", kind.name()), vec![bytes]));
    }
    check(&files);
}

#[test]
fn a_later_version_is_refused_by_name() {
    for kind in Kind::ALL {
        let what = kind.name();
        let later = Damaged { what, version: Some(9) };
        assert_eq!(codec::decode(kind, &[9, 1, 2, 3]), Err(later));
        assert_eq!(later.to_string(), format!("damaged {what}, format version 9"));
        assert_eq!(codec::decode(kind, &[]), Err(Damaged { what, version: None }));
    }
    let later = Damaged { what: "event", version: Some(0) };
    assert_eq!(codec::decode_event(&[0]), Err(later));
}

#[test]
fn damaged_bytes_are_an_error_and_never_a_panic() {
    for (key, record) in samples::all() {
        let kind = Kind::of(&key);
        let whole = codec::encode(kind, &record).unwrap();
        for end in 0..whole.len() {
            assert!(codec::decode(kind, &whole[..end]).is_err(), "{kind:?} cut at {end}");
        }
        assert!(codec::decode(kind, &[&*whole, &[0]].concat()).is_err(), "{kind:?} and more");
        for at in 0..whole.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                // Some of these are other records; none of them panics.
                let _ = codec::decode(kind, &bytes);
            }
        }
        let bytes = codec::key::encode(&key);
        for end in 0..bytes.len() {
            let _ = codec::key::decode(kind, &bytes[..end]);
        }
        assert!(codec::key::decode(kind, &[]).is_err());
        assert!(codec::key::decode(kind, &[0xff; 40]).is_err());
    }
}

#[test]
fn a_record_under_a_key_of_another_kind_is_refused() {
    for (key, _) in samples::all() {
        for (other, record) in samples::all() {
            let fits = Kind::of(&key) == Kind::of(&other);
            assert_eq!(codec::encode(Kind::of(&key), &record).is_ok(), fits);
        }
    }
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// One body a line.
fn golden(name: &str) -> Vec<Vec<u8>> {
    let text = fs::read_to_string(path(name)).unwrap_or_default();
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    text.lines().map(|line| line.as_bytes().chunks(2).map(byte).collect()).collect()
}

/// Prints what the files should hold, so that a wanted change is made by hand and seen in review.
fn check(files: &[(String, Vec<Vec<u8>>)]) {
    let mut differ = String::new();
    for (name, bodies) in files.iter().filter(|(name, bodies)| golden(name) != *bodies) {
        writeln!(differ, "tests/golden/{name} differs; it would be:").unwrap();
        for body in bodies {
            writeln!(differ, "{}", hex(body)).unwrap();
        }
    }
    assert!(differ.is_empty(), "{differ}");
}
