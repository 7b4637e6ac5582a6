//! Every bound of the store, with its reason.

use std::time::Duration;

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
/// Clients of which the writer knows where they stand, a megabyte of them.
pub const STANDS_MAX: usize = 8_192;
/// Pages of the log of SQLite, after which the commit itself folds what is left (32 MiB).
pub const LOG_PAGES_MAX: i32 = 8_000;
/// Pages after which a part of it is folded beside the commits: what the commit at the bound is left to
/// write.
pub const LOG_PAGES_PART: i32 = 1_000;
/// How long a statement waits for a lock that another process holds, before it gives up.
pub const BUSY_TIMEOUT_MS: u64 = 5_000;
/// Revisions that are reserved in one write, in microseconds: a minute, so that the reservation is
/// written once a minute and not once a group.
pub const REVISIONS_RESERVED: u64 = 60_000_000;
/// Prepared statements that one connection keeps: all there are.
pub const STATEMENTS_MAX: usize = 128;

/// Committers of one node at PostgreSQL. While one waits for its flush the others gather and send;
/// more would only make the groups smaller.
pub const POSTGRES_LANES: usize = 4;
/// Connections of one node that read. Each has a process of its own at the server, so two keep two
/// processors busy.
pub const POSTGRES_READERS: usize = 2;
/// Batches of one transaction at PostgreSQL: where more rows no longer help.
pub const POSTGRES_GROUP_MAX: usize = 512;
/// Reads that are answered by one statement.
pub const POSTGRES_READ_GROUP_MAX: usize = 128;
/// Reads that wait. More would wait longer than their callers.
pub const POSTGRES_READS_MAX: usize = 8_192;
/// Statements by set of kinds that a reader keeps prepared; one more and it begins anew.
pub const POSTGRES_READ_STATEMENTS_MAX: usize = 256;
/// How long a transaction is tried anew when the server gave it up for another's sake.
pub const POSTGRES_ATTEMPTS_MAX: u32 = 3;
/// Numbers of lanes: many more than nodes times committers, few enough for a feed position.
pub const POSTGRES_LANES_MAX: i16 = 1_024;
/// How long one host may take to answer at all before the next one is asked.
pub const POSTGRES_CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Of silence on a connection, before the host is asked whether it is still there.
pub const POSTGRES_KEEPALIVE: Duration = Duration::from_secs(3);
/// What the server allows one statement, waiting for locks included. Callers have gone by then.
pub const POSTGRES_STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);
/// What we allow one exchange with the server: longer than the statement, because then its own error
/// says more than ours.
pub const POSTGRES_EXCHANGE_TIMEOUT: Duration = Duration::from_secs(7);
/// How long the server lets one of our transactions stand idle: a process of ours that hangs must
/// not hold rows for ever.
pub const POSTGRES_IDLE_TIMEOUT: Duration = Duration::from_secs(10);
/// The first and the longest pause before a lost connection is tried again.
pub const POSTGRES_RETRY_FIRST: Duration = Duration::from_millis(50);
/// See [`POSTGRES_RETRY_FIRST`].
pub const POSTGRES_RETRY_LONGEST: Duration = Duration::from_secs(1);
/// How long a start waits for somebody else who makes or changes the tables: much longer than making
/// them takes, and whoever started us learns why before it gives up.
pub const POSTGRES_TABLES_PATIENCE: Duration = Duration::from_secs(30);
/// How long a stop waits for what was queued.
pub const POSTGRES_CLOSE_TIMEOUT: Duration = Duration::from_secs(8);
/// Errands that wait at the desk: lists, the feed, sweeping. They come one at a time from a few places.
pub const POSTGRES_ERRANDS_MAX: usize = 64;
/// Revisions that one node reserves at a time, in microseconds: ten seconds, so that a busy node
/// writes its reservation six times a minute, and the mark stays near the clock.
pub const POSTGRES_REVISIONS_RESERVED: u64 = 10_000_000;
