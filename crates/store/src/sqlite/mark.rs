//! Where this store is, read from the file.

use counterfoil_engine::store::Unavailable;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::SqliteStore;
use super::reader::Fault;
use super::statements as sql;
use crate::chain::LANE;
use crate::mark::{Mark, Standing};

impl SqliteStore {
    /// How far the store has come. What it says is durable, because it is read from what was
    /// committed.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn mark(&self) -> Result<Mark, Unavailable> {
        self.readers.run(read)
    }

    /// How the store stands to where it was at an earlier time.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn standing(&self, earlier: &Mark) -> Result<Standing, Unavailable> {
        self.readers.run(|connection| {
            let number = i64::try_from(earlier.number).unwrap_or(i64::MAX);
            let mut hash = connection.prepare_cached(sql::HASH)?;
            let then = hash.query_row(params![LANE, number], |row| row.get(0)).optional()?;
            Ok(read(connection)?.standing(earlier, then))
        })
    }
}

pub(super) fn read(connection: &Connection) -> Result<Mark, Fault> {
    let store = connection.query_row(sql::STORE, [], |row| row.get(0))?;
    let head = connection
        .query_row(sql::HEAD, [LANE], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))
        .optional()?;
    let (number, hash) = head.unwrap_or((0, [0; 32]));
    Ok(Mark { store, number: number.cast_unsigned(), hash })
}
