//! Buckets: the hour in which a record ends. What stands in the same bucket is freed together.

use counterfoil_engine::limits::REPLAY_GRACE_S;
use counterfoil_engine::store::Record;
use counterfoil_protocol::moment::Moment;

const HOUR_S: u64 = 3_600;
const MINUTE_S: u64 = 60;

/// The bucket of a record; `None` when it ends only by decision.
pub(crate) fn of(record: &Record) -> Option<i64> {
    let ends = record.ends()?;
    // Below 2^63 whatever the moment is, because it was divided.
    Some((ends.0 / HOUR_S).cast_signed())
}

/// Buckets below this one have passed.
pub(crate) fn first_kept(now: Moment) -> i64 {
    (now.0 / HOUR_S).cast_signed()
}

/// Replay ids of minutes below this one can no longer be presented.
pub(crate) fn first_minute_kept(now: Moment) -> u64 {
    now.before(REPLAY_GRACE_S + 1).0 / MINUTE_S
}

#[cfg(test)]
mod tests {
    use counterfoil_engine::store::ReplayId;

    use super::*;

    #[test]
    fn a_minute_is_dropped_when_its_ids_have_ended_and_not_before() {
        let id = ReplayId { minute: 29_833_333, digest: [0; 16] };
        assert_eq!(first_minute_kept(id.ends()), id.minute);
        assert_eq!(first_minute_kept(id.ends().after(1)), id.minute + 1);
        assert_eq!(first_minute_kept(Moment(0)), 0);
    }
}
