//! What all connections of a command came to: statements, failures, sessions, refusals.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::frames::TEXT_BYTES;
use super::texts::Statement;
use crate::rehearse::clock::At;
use crate::rehearse::migrate::Progress;
use crate::rehearse::recording::{StatementFailure, StatementRecord, TryRecord};

/// Refusals that are told one by one.
const REFUSALS_MAX: usize = 100;

pub(super) struct Ledger {
    statements: Progress,
    rest: Mutex<Rest>,
}

#[derive(Default)]
struct Rest {
    sessions: Vec<TryRecord>,
    failures: Vec<StatementFailure>,
    refused: Vec<String>,
}

impl Ledger {
    pub(super) fn new(statements: Progress) -> Ledger {
        Ledger {
            statements,
            rest: Mutex::default(),
        }
    }

    /// The server has let a session in. Hands back its number, from 1.
    pub(super) fn session_begins(&self, pid: u32, at: At) -> u32 {
        let sessions = &mut self.rest().sessions;
        let migrator = u32::try_from(sessions.len() + 1).unwrap_or(u32::MAX);
        sessions.push(TryRecord {
            migrator,
            number: 1,
            pid,
            start: at,
            end: at,
            error: None,
        });
        migrator
    }

    /// The session is gone. `error` is what its last statement came to.
    pub(super) fn session_ends(&self, migrator: u32, at: At, error: Option<StatementFailure>) {
        let mut rest = self.rest();
        let mut sessions = rest.sessions.iter_mut();
        if let Some(session) = sessions.find(|session| session.migrator == migrator) {
            (session.end, session.error) = (at, error);
        }
    }

    /// The index that the next statement will have.
    pub(super) fn next_index(&self) -> usize {
        self.statements().len()
    }

    pub(super) fn statement_starts(&self, migrator: u32, statement: &Statement, at: At) -> usize {
        let mut statements = self.statements();
        let index = statements.len();
        statements.push(StatementRecord {
            migrator,
            try_number: 1,
            index,
            file: None,
            line: statement.line,
            sql: statement.sql.clone(),
            start: at,
            end: at,
            notices: Vec::new(),
            wal_bytes: None,
        });
        index
    }

    /// The statement ended together with those that have this record.
    pub(super) fn statement_joins(&self, index: usize, statement: &Statement) {
        if let Some(record) = self.statements().get_mut(index) {
            // A loop that does not wait for answers runs the same statement again and again.
            if !record.sql.ends_with(&statement.sql) && record.sql.len() < TEXT_BYTES {
                record.sql.push_str(";\n");
                record.sql.push_str(&statement.sql);
            }
        }
    }

    pub(super) fn statement_ends(&self, index: usize, at: At, notices: Vec<String>) {
        if let Some(record) = self.statements().get_mut(index) {
            record.end = at;
            record.notices.extend(notices);
        }
    }

    pub(super) fn set_wal_bytes(&self, index: usize, bytes: u64) {
        if let Some(record) = self.statements().get_mut(index) {
            record.wal_bytes = Some(bytes);
        }
    }

    pub(super) fn fails(&self, failure: StatementFailure) {
        self.rest().failures.push(failure);
    }

    pub(super) fn refuses(&self, reason: String) {
        let refused = &mut self.rest().refused;
        if refused.len() < REFUSALS_MAX {
            refused.push(reason);
        }
    }

    /// Sessions, failures and refusals so far.
    pub(super) fn take(&self) -> (Vec<TryRecord>, Vec<StatementFailure>, Vec<String>) {
        let rest = std::mem::take(&mut *self.rest());
        (rest.sessions, rest.failures, rest.refused)
    }

    fn statements(&self) -> MutexGuard<'_, Vec<StatementRecord>> {
        self.statements
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn rest(&self) -> MutexGuard<'_, Rest> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
