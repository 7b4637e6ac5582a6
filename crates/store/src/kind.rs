//! The kinds of records: one table each.

use counterfoil_engine::store::{Key, Record};

/// What a key names, without saying which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// See [`Key::Tenant`].
    Tenant,
    /// See [`Key::Client`].
    Client,
    /// See [`Key::Grant`].
    Grant,
    /// See [`Key::Consent`].
    Consent,
    /// See [`Key::Subject`].
    Subject,
    /// See [`Key::Interaction`].
    Interaction,
    /// See [`Key::Session`].
    Session,
    /// See [`Key::Replay`].
    Replay,
    /// See [`Key::SigningKey`].
    SigningKey,
    /// See [`Key::KeySet`].
    KeySet,
    /// See [`Key::Claim`].
    Claim,
    /// See [`Key::Customer`].
    Customer,
    /// See [`Key::Pushed`].
    Pushed,
    /// See [`Key::Delivery`].
    Delivery,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Tenant,
        Self::Client,
        Self::Grant,
        Self::Consent,
        Self::Subject,
        Self::Interaction,
        Self::Session,
        Self::Replay,
        Self::SigningKey,
        Self::KeySet,
        Self::Claim,
        Self::Customer,
        Self::Pushed,
        Self::Delivery,
    ];

    /// Those that every process keeps in memory: a change of theirs must be heard by the others
    /// (`counterfoil_engine::directory`).
    pub const REMEMBERED: [Self; 4] = [Self::Tenant, Self::Client, Self::SigningKey, Self::KeySet];

    /// Those whose records carry a bucket, in the order in which a sweep visits them: the shortest
    /// lived first, because there are most of them.
    pub const IN_BUCKETS: [Self; 6] = [
        Self::Pushed,
        Self::Interaction,
        Self::Delivery,
        Self::Session,
        Self::Grant,
        Self::Consent,
    ];

    /// The kind of what stands under `key`.
    #[must_use]
    pub const fn of(key: &Key) -> Self {
        match key {
            Key::Tenant(_) => Self::Tenant,
            Key::Client(..) => Self::Client,
            Key::Grant(..) => Self::Grant,
            Key::Consent(..) => Self::Consent,
            Key::Subject(..) => Self::Subject,
            Key::Interaction(..) => Self::Interaction,
            Key::Session(..) => Self::Session,
            Key::Replay(..) => Self::Replay,
            Key::SigningKey(..) => Self::SigningKey,
            Key::KeySet(_) => Self::KeySet,
            Key::Claim(..) => Self::Claim,
            Key::Customer(..) => Self::Customer,
            Key::Pushed(..) => Self::Pushed,
            Key::Delivery(..) => Self::Delivery,
        }
    }

    /// The kind of `record`.
    #[must_use]
    pub const fn of_record(record: &Record) -> Self {
        match record {
            Record::Tenant(_) => Self::Tenant,
            Record::Client(_) => Self::Client,
            Record::Grant(_) => Self::Grant,
            Record::Consent(_) => Self::Consent,
            Record::Subject(_) => Self::Subject,
            Record::Interaction(_) => Self::Interaction,
            Record::Session(_) => Self::Session,
            Record::Replay => Self::Replay,
            Record::SigningKey(_) => Self::SigningKey,
            Record::KeySet(_) => Self::KeySet,
            Record::Claim(_) => Self::Claim,
            Record::Customer(_) => Self::Customer,
            Record::Pushed(_) => Self::Pushed,
            Record::Delivery(_) => Self::Delivery,
        }
    }

    /// For messages and file names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Client => "client",
            Self::Grant => "grant",
            Self::Consent => "consent",
            Self::Subject => "subject",
            Self::Interaction => "interaction",
            Self::Session => "session",
            Self::Replay => "replay",
            Self::SigningKey => "signing_key",
            Self::KeySet => "key_set",
            Self::Claim => "claim",
            Self::Customer => "customer",
            Self::Pushed => "pushed",
            Self::Delivery => "delivery",
        }
    }

    /// Whether its records carry a bucket; a replay id carries its minute in its key instead.
    #[must_use]
    pub const fn has_bucket(self) -> bool {
        match self {
            Self::Grant
            | Self::Consent
            | Self::Interaction
            | Self::Session
            | Self::Pushed
            | Self::Delivery => true,
            Self::Tenant
            | Self::Client
            | Self::Subject
            | Self::Replay
            | Self::SigningKey
            | Self::KeySet
            | Self::Claim
            | Self::Customer => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_visits_every_kind_that_has_buckets() {
        for kind in Kind::ALL {
            assert_eq!(kind.has_bucket(), Kind::IN_BUCKETS.contains(&kind), "{kind:?}");
        }
    }
}
