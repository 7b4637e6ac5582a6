//! Records, keys and events as bytes, of every kind: what decodes is written, and what is written
//! decodes to the same.

use counterfoil_store::codec;
use counterfoil_store::kind::Kind;

/// Panics where that does not hold.
pub fn run(data: &[u8]) {
    for kind in Kind::ALL {
        record(kind, data);
        if let Ok(key) = codec::key::decode(kind, data) {
            assert_eq!(Kind::of(&key), kind);
            assert_eq!(codec::key::encode(&key), data, "{kind:?}: a key has one spelling");
        }
    }
    if let Ok(event) = codec::decode_event(data) {
        let written = codec::encode_event(&event).expect("an event can be written");
        assert!(codec::decode_event(&written).as_ref() == Ok(&event));
    }
}

fn record(kind: Kind, data: &[u8]) {
    let record = match codec::decode(kind, data) {
        Ok(record) => record,
        Err(damaged) => {
            assert_eq!((damaged.what, damaged.version), (kind.name(), data.first().copied()));
            return;
        }
    };
    assert!(Kind::of_record(&record) == kind);
    let written = codec::encode(kind, &record).expect("what was read can be written");
    assert_eq!(written[0], codec::newest(kind));
    assert!(codec::decode(kind, &written).as_ref() == Ok(&record), "{kind:?}");
    let again = codec::encode(kind, &record).expect("and again");
    assert_eq!(again, written);
    for other in Kind::ALL.into_iter().filter(|other| *other != kind) {
        assert!(codec::encode(other, &record).is_err(), "{kind:?} as {other:?}");
    }
    // A cut or longer one is another message, or none; of the newest version none.
    if data[0] == codec::newest(kind) {
        assert!(codec::decode(kind, &[data, &[0]].concat()).is_err(), "{kind:?} and more");
    }
}
