//! What the server says: where statements and transactions end.
//!
//! It keeps its answers to a text of several statements, or to several requests up to a Sync, until it has done all of
//! them, has something to say, or has filled 8 kB. Statements whose ends come together are one record.

use std::sync::Arc;

use super::{Awaited, Backend, Conversation, Due, NOTICES_MAX};
use crate::postgres::SqlState;
use crate::rehearse::clock::At;
use crate::rehearse::proxy::frames::Message;
use crate::rehearse::proxy::said;
use crate::rehearse::proxy::texts::Kind;
use crate::rehearse::recording::StatementFailure;

impl Conversation {
    pub(super) fn answer(&mut self, message: &Message<'_>, now: At) {
        match message.tag {
            b'1' => self.has_parsed(now),
            b'C' | b'I' | b's' => self.completes(now),
            b'G' => self.copies_in = true,
            b'E' => self.refused(message.body, now),
            b'N' if self.notices.len() < NOTICES_MAX => {
                self.notices.extend(said::field(message.body, b'M'));
            }
            b'K' => self.backend_is(message.body, now),
            b'Z' => self.is_ready(message.body.first() == Some(&b'I'), now),
            _ => {}
        }
    }

    fn backend_is(&mut self, key: &[u8], now: At) {
        let Some((pid, _)) = key.split_first_chunk() else {
            return;
        };
        let pid = u32::from_be_bytes(*pid);
        self.backend = Some(Backend {
            key: key.to_vec(),
            session: self.watched.watch(pid),
            migrator: self.ledger.session_begins(pid, now),
        });
    }

    fn has_parsed(&mut self, now: At) {
        if !matches!(self.awaited.front(), Some(Awaited::Parse(_))) {
            return;
        }
        self.awaited.pop_front();
        if self.running.as_ref().is_some_and(|one| one.is_parse) {
            self.running = None;
            self.with_session(|session| session.statement_ends(now));
        }
    }

    /// A statement has come to its end, for now at least.
    fn completes(&mut self, now: At) {
        self.copy_ends();
        let (kind, record) = self.takes_running();
        match self.awaited.front_mut() {
            Some(Awaited::Query(rest)) => drop(rest.pop_front()),
            Some(Awaited::Execute(_)) => drop(self.awaited.pop_front()),
            _ => return,
        }
        match kind {
            Some(Kind::Begin) => {
                self.in_transaction = true;
                // Where the WAL ends, for the first statement.
                self.reading = self.reading.max(Due::IfNotJustRead);
                self.ended = None;
            }
            Some(Kind::End) => self.transaction_ended(now),
            Some(Kind::Data) => self.statement_ends(record, Due::IfNotJustRead, now),
            // A text that stayed in one piece has more statements than records.
            Some(Kind::Other) | None => {
                self.statement_ends(record.or(self.ended), Due::Yes, now);
            }
        }
        self.notices.clear();
        if record.is_some() {
            self.error = None;
        }
    }

    /// The statement whose answer this is, and its record.
    fn takes_running(&mut self) -> (Option<Kind>, Option<usize>) {
        if let Some(running) = self.running.take() {
            if running.record.is_some() {
                self.together.1 = running.record;
            }
            return (Some(running.statement.kind), running.record);
        }
        let next = self.next().map(|(statement, _)| Arc::clone(statement));
        let Some(statement) = next else {
            return (None, None);
        };
        let record = match (statement.kind, self.together) {
            (Kind::Begin | Kind::End, _) => None,
            (_, (_, Some(index))) => {
                self.ledger.statement_joins(index, &statement);
                Some(index)
            }
            (_, (since, None)) => {
                self.together.1 = self.statement_starts(&statement, false, since);
                self.together.1
            }
        };
        (Some(statement.kind), record)
    }

    /// Forgets what the client sent while the server took in rows.
    fn copy_ends(&mut self) {
        if !std::mem::take(&mut self.copies_in) {
            return;
        }
        let is_end = |awaited: &Awaited| matches!(awaited, Awaited::CopyEnd);
        match self.awaited.iter().position(is_end) {
            Some(at) => drop(self.awaited.drain(1..=at)),
            None => self.awaited.truncate(1),
        }
    }

    fn statement_ends(&mut self, record: Option<usize>, reading: Due, now: At) {
        self.with_session(|session| session.statement_ends(now));
        if let Some(index) = record {
            let notices = std::mem::take(&mut self.notices);
            self.ledger.statement_ends(index, now, notices);
        }
        self.ended = record;
        if self.in_transaction {
            self.reading = self.reading.max(reading);
        }
    }

    fn transaction_ended(&mut self, now: At) {
        self.with_session(|session| session.released(now));
        self.in_transaction = false;
        self.has_locks = false;
        self.reading = Due::No;
        (self.ended, self.wal_position) = (None, None);
    }

    /// An error: of the statement that runs, if one does.
    fn refused(&mut self, body: &[u8], now: At) {
        self.copy_ends();
        // A statement that could not be parsed has failed all the same.
        self.running = self.running.take().filter(|running| !running.is_parse);
        let (kind, record) = self.takes_running();
        let sqlstate = said::field(body, b'C').and_then(|code| code.parse().ok());
        self.fails(sqlstate, said::error(body), record);
        match kind {
            Some(Kind::End) => self.transaction_ended(now),
            _ => self.statement_ends(record, Due::Yes, now),
        }
        self.notices.clear();
        self.forget_the_rest();
    }

    pub(super) fn fails(
        &mut self,
        sqlstate: Option<SqlState>,
        message: String,
        statement: Option<usize>,
    ) {
        let failure = StatementFailure {
            sqlstate,
            message,
            statement,
        };
        self.ledger.fails(failure.clone());
        self.error = Some(failure);
    }

    /// After an error the server goes on at the end of the text, or after the next Sync.
    fn forget_the_rest(&mut self) {
        if let Some(Awaited::Query(rest)) = self.awaited.front_mut() {
            rest.clear();
            return;
        }
        let is_ready = |awaited: &Awaited| matches!(awaited, Awaited::Ready);
        match self.awaited.iter().position(is_ready) {
            Some(at) => drop(self.awaited.drain(..at)),
            None => {
                self.awaited.clear();
                self.skips = true;
            }
        }
    }

    /// All that was asked up to here is answered.
    fn is_ready(&mut self, is_idle: bool, now: At) {
        while let Some(answered) = self.awaited.pop_front() {
            if matches!(answered, Awaited::Query(_) | Awaited::Ready) {
                break;
            }
        }
        // What is answered next was another request.
        self.together = (self.passed_on_at, None);
        // The end of a COPY that had failed before.
        while matches!(self.awaited.front(), Some(Awaited::CopyEnd)) {
            self.awaited.pop_front();
        }
        self.running = None;
        if !is_idle && !self.in_transaction && self.has_locks {
            // A text that stayed in one piece has begun it.
            self.reading = Due::Yes;
        }
        self.in_transaction = !is_idle;
        if is_idle {
            self.reading = Due::No;
            if self.has_locks {
                self.transaction_ended(now);
            }
        }
    }
}
