//! The statements of the connection that writes, prepared once and found without a look at their text.

use rusqlite::{Connection, PrepFlags, Statement};

use crate::limits::STATEMENTS_MAX;

/// SQLite is told that they stay.
const KEPT: PrepFlags = PrepFlags::SQLITE_PREPARE_PERSISTENT;

/// See the module.
pub(super) struct Prepared<'c> {
    connection: &'c Connection,
    /// By the address of the text: all of it is constant. The same text at two addresses is prepared
    /// twice, which harms nobody.
    all: Vec<(&'static str, Statement<'c>)>,
}

impl<'c> Prepared<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self { connection, all: Vec::new() }
    }

    pub(super) fn connection(&self) -> &'c Connection {
        self.connection
    }

    /// The statement of this text.
    pub(super) fn get(&mut self, sql: &'static str) -> rusqlite::Result<&mut Statement<'c>> {
        let known = self.all.iter().position(|(text, _)| std::ptr::eq(*text, sql));
        let at = match known {
            Some(at) => at,
            None => {
                if self.all.len() >= STATEMENTS_MAX {
                    self.all.clear();
                }
                self.all.push((sql, self.connection.prepare_with_flags(sql, KEPT)?));
                self.all.len() - 1
            }
        };
        Ok(&mut self.all[at].1)
    }
}
