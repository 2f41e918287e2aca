//! What the client says, and which statement the server works on.

use std::sync::Arc;

use super::{Awaited, Conversation, Running, WAL_POSITION_AGE_MAX};
use crate::rehearse::clock::At;
use crate::rehearse::proxy::frames::Message;
use crate::rehearse::proxy::said;
use crate::rehearse::proxy::texts::{Kind, Statement, statements};

impl Conversation {
    pub(super) fn request(&mut self, message: &Message<'_>) {
        if self.skips && message.tag != b'S' {
            return;
        }
        match message.tag {
            b'Q' => {
                let all = match said::text(message, message.body) {
                    said::Text::Whole(text) => statements(&text),
                    said::Text::Cut(text) => vec![Arc::new(Statement::whole(&text))],
                };
                self.ended = None;
                self.awaited.push_back(Awaited::Query(all.into()));
            }
            b'P' => {
                let Some((name, rest)) = said::name(message.body) else {
                    return;
                };
                let statement = Arc::new(match said::text(message, rest) {
                    said::Text::Whole(text) => Statement::one(&text),
                    said::Text::Cut(text) => Statement::whole(&text),
                });
                self.prepared.insert(name.to_vec(), Arc::clone(&statement));
                self.awaited.push_back(Awaited::Parse(statement));
            }
            b'B' => self.binds(message.body),
            b'E' => {
                let portal = said::name(message.body).and_then(|(name, _)| self.portals.get(name));
                if let Some(statement) = portal {
                    self.awaited
                        .push_back(Awaited::Execute(Arc::clone(statement)));
                }
            }
            b'C' => {
                let names = match message.body.first() {
                    Some(b'S') => &mut self.prepared,
                    _ => &mut self.portals,
                };
                if let Some((name, _)) = message.body.get(1..).and_then(said::name) {
                    names.remove(name);
                }
            }
            b'c' | b'f' if !self.awaited.is_empty() => self.awaited.push_back(Awaited::CopyEnd),
            b'S' | b'F' => {
                self.skips = false;
                self.awaited.push_back(Awaited::Ready);
            }
            _ => {}
        }
    }

    fn binds(&mut self, body: &[u8]) {
        let Some((portal, rest)) = said::name(body) else {
            return;
        };
        let statement = said::name(rest).and_then(|(name, _)| self.prepared.get(name));
        match statement {
            Some(statement) => self.portals.insert(portal.to_vec(), Arc::clone(statement)),
            // Prepared by an SQL statement, or not at all.
            None => self.portals.remove(portal),
        };
    }

    /// The statement whose turn it is; true if it is only to be parsed for now.
    pub(super) fn next(&self) -> Option<(&Arc<Statement>, bool)> {
        match self.awaited.front()? {
            // As a rule all that it takes to execute it is sent along.
            Awaited::Parse(statement) => match self.awaited.get(1) {
                Some(Awaited::Execute(other)) if Arc::ptr_eq(statement, other) => {
                    Some((statement, false))
                }
                _ => Some((statement, true)),
            },
            Awaited::Execute(statement) => Some((statement, false)),
            Awaited::Query(rest) => Some((rest.front()?, false)),
            Awaited::CopyEnd | Awaited::Ready => None,
        }
    }

    /// From now on the server works on the next statement, if there is one.
    pub(super) fn begins_next(&mut self, now: At) {
        if self.running.is_some() {
            return;
        }
        let Some((statement, is_parse)) = self.next() else {
            return;
        };
        let statement = Arc::clone(statement);
        let record = match statement.kind {
            Kind::Begin => None,
            Kind::End if is_parse => None,
            Kind::End => {
                self.with_session(|session| session.transaction_ends(now));
                None
            }
            Kind::Data | Kind::Other => self.statement_starts(&statement, is_parse, now),
        };
        self.running = Some(Running {
            statement,
            since: now,
            record,
            is_parse,
        });
    }

    /// Gives it a record, if it is not only parsed: that takes locks too, but is no statement of its own.
    pub(super) fn statement_starts(
        &mut self,
        statement: &Statement,
        is_parse: bool,
        now: At,
    ) -> Option<usize> {
        let record = match is_parse {
            true => None,
            false => self.records(statement, now),
        };
        let index = record.unwrap_or_else(|| self.ledger.next_index());
        let (step, runs_code) = (self.step, statement.runs_code);
        self.with_session(|session| session.statement_starts(step, index, now, runs_code));
        self.has_locks = true;
        record
    }

    /// A new record of a statement that began at this moment.
    fn records(&mut self, statement: &Statement, since: At) -> Option<usize> {
        let migrator = self.backend.as_ref()?.migrator;
        let position = self.wal_position.take();
        let fresh = position.filter(|(read, _)| since.since(*read) < WAL_POSITION_AGE_MAX);
        self.wal_before = fresh.map(|(_, position)| position);
        Some(self.ledger.statement_starts(migrator, statement, since))
    }
}
