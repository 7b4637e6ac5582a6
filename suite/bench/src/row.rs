//! What the floor keeps of a grant: counters, a salt, a challenge, and as many bytes more as the
//! server keeps.

/// Bytes of a grant in the server's store, about: client, customer, scopes, accounts, redirect URI.
const LEN: usize = 300;
const HEAD_LEN: usize = 4 + 1 + 16 + 32 + 2;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Of the refresh chain.
    pub(crate) generation: u32,
    /// The code was spent, or the token given back.
    pub(crate) used: bool,
    /// A refresh gives an ID token too.
    pub(crate) openid: bool,
    /// Of its handles.
    pub(crate) salt: [u8; 16],
    /// SHA-256 of the verifier.
    pub(crate) challenge: [u8; 32],
    /// The number of its client.
    pub(crate) client: u16,
}

impl Row {
    /// As bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0x5a; LEN];
        bytes[..4].copy_from_slice(&self.generation.to_be_bytes());
        bytes[4] = u8::from(self.used) | u8::from(self.openid) << 1;
        bytes[5..21].copy_from_slice(&self.salt);
        bytes[21..53].copy_from_slice(&self.challenge);
        bytes[53..HEAD_LEN].copy_from_slice(&self.client.to_be_bytes());
        bytes
    }

    /// From bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            generation: u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?),
            used: *bytes.get(4)? & 1 != 0,
            openid: *bytes.get(4)? & 2 != 0,
            salt: bytes.get(5..21)?.try_into().ok()?,
            challenge: bytes.get(21..53)?.try_into().ok()?,
            client: u16::from_be_bytes(bytes.get(53..HEAD_LEN)?.try_into().ok()?),
        })
    }
}

/// The key of a grant in the floor's store: the same order as in the server's.
pub(crate) fn key(record: &[u8; 16]) -> Vec<u8> {
    [b"default\0", record.as_slice()].concat()
}

/// The tables of the floor's store, as the server's are.
pub(crate) const TABLES: &str = "
    create table if not exists grants (key blob primary key, revision integer not null,
        bucket integer, body blob not null) strict, without rowid;
    create index if not exists grants_bucket on grants (bucket) where bucket is not null;
    create table if not exists replays (key blob primary key, revision integer not null,
        bucket integer, body blob not null) strict, without rowid;
    create table if not exists interactions (key blob primary key, revision integer not null,
        bucket integer, body blob not null) strict, without rowid;
    create table if not exists pushed (key blob primary key, revision integer not null,
        bucket integer, body blob not null) strict, without rowid;
    create index if not exists pushed_bucket on pushed (bucket) where bucket is not null;
    create index if not exists interactions_bucket on interactions (bucket)
        where bucket is not null;
";

/// The settings of the floor's connections, as the server's are.
pub(crate) const PRAGMAS: &str = "
    pragma journal_mode = wal;
    pragma synchronous = full;
    pragma wal_autocheckpoint = 8000;
    pragma journal_size_limit = 67108864;
    pragma temp_store = memory;
    pragma cache_size = -8192;
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_as_it_was_written() {
        let row = Row {
            generation: 7,
            used: true,
            openid: true,
            salt: [1; 16],
            challenge: [2; 32],
            client: 300,
        };
        assert_eq!(Row::decode(&row.encode()), Some(row));
        assert_eq!(Row::decode(&[0; 10]), None);
    }
}
