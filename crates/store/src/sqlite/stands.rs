//! Where clients stand, as the writer knows it: nearly every commit is guarded by one, and few change
//! one.
//!
//! True because one connection writes: a change of a client drops what is known of it, and a group
//! that failed drops everything.

use std::collections::HashMap;

use counterfoil_engine::store::Revision;

use crate::kind::Kind;
use crate::limits::STANDS_MAX;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Stands(HashMap<Box<[u8]>, Revision>);

impl Stands {
    /// Where it stands, if that is known.
    pub(super) fn get(&self, kind: Kind, key: &[u8]) -> Option<Revision> {
        if kind == Kind::Client { self.0.get(key).copied() } else { None }
    }

    /// What has just been read by the connection that writes.
    pub(super) fn note(&mut self, kind: Kind, key: &[u8], found: Option<Revision>) {
        let Some(found) = found.filter(|_| kind == Kind::Client) else { return };
        if self.0.len() >= STANDS_MAX {
            self.0.clear();
        }
        self.0.insert(key.into(), found);
    }

    /// It is about to be changed.
    pub(super) fn forget(&mut self, kind: Kind, key: &[u8]) {
        if kind == Kind::Client {
            self.0.remove(key);
        }
    }

    /// Nobody knows what is in the file.
    pub(super) fn forget_all(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_knows_clients_and_few_of_them() {
        let mut stands = Stands::default();
        stands.note(Kind::Grant, b"g", Some(Revision(1)));
        stands.note(Kind::Client, b"absent", None);
        assert_eq!(stands.get(Kind::Grant, b"g"), None);
        assert_eq!(stands.get(Kind::Client, b"absent"), None);
        for n in 0..=STANDS_MAX {
            stands.note(Kind::Client, &n.to_be_bytes(), Some(Revision(2)));
        }
        assert!(stands.0.len() <= STANDS_MAX);
        let last = STANDS_MAX.to_be_bytes();
        assert_eq!(stands.get(Kind::Client, &last), Some(Revision(2)));
        stands.forget(Kind::Client, &last);
        assert_eq!(stands.get(Kind::Client, &last), None);
    }
}
