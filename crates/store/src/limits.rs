//! Every bound of the store, with its reason.

/// Batches of one transaction. A thousand rows in one flush is where more rows no longer help, and
/// the last of them still waits less than for a second flush.
pub const GROUP_MAX: usize = 1_024;
/// Batches that wait for the writer: eight full groups. More would wait longer than their callers.
pub const QUEUE_MAX: usize = 8_192;
/// Rows that one step of a sweep frees: what a commit may have to wait for.
pub const SWEEP_STEP_MAX: usize = 1_000;
/// Rows that one step of a list or of the feed reads: how long it holds a reader.
pub const LIST_STEP_MAX: usize = 1_000;
/// Read connections. A point read takes microseconds, so a few serve many threads.
pub const READERS: usize = 4;
/// How long a statement waits for a lock that another process holds, before it gives up.
pub const BUSY_TIMEOUT_MS: u64 = 5_000;
/// Revisions that are reserved in one write, in microseconds: a minute, so that the reservation is
/// written once a minute and not once a group.
pub const REVISIONS_RESERVED: u64 = 60_000_000;
/// Prepared statements that one connection keeps: all there are.
pub const STATEMENTS_MAX: usize = 128;
