//! Follows what is said on one connection: which statement runs, and when its locks are to be read.

mod requests;
mod answers;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::frames::{self, Frames};
use super::ledger::Ledger;
use super::texts::{Kind, Statement};
use crate::rehearse::clock::At;
use crate::rehearse::observe::watched::{Session, Watched};
use crate::rehearse::recording::StatementFailure;

/// Statements that read and write rows have their locks read no more often than this.
const READING_INTERVAL: Duration = Duration::from_millis(2);

/// A WAL position tells where a statement began if it was read no longer before.
const WAL_POSITION_AGE_MAX: Duration = Duration::from_millis(10);

/// Notices of one statement that are kept.
const NOTICES_MAX: usize = 1_000;

pub(super) struct Conversation {
    ledger: Arc<Ledger>,
    watched: Watched,
    step: usize,
    requests: Frames,
    answers: Frames,
    /// Once the server has said who it is.
    backend: Option<Backend>,
    prepared: HashMap<Vec<u8>, Arc<Statement>>,
    portals: HashMap<Vec<u8>, Arc<Statement>>,
    /// What the server has been asked and has not answered yet.
    awaited: VecDeque<Awaited>,
    running: Option<Running>,
    /// The record that ended last.
    ended: Option<usize>,
    passed_on_at: At,
    /// Of the answers that come together only the last one's time is known. These began at this moment, and have
    /// this record.
    together: (At, Option<usize>),
    notices: Vec<String>,
    in_transaction: bool,
    /// The server takes in the rows of a COPY.
    copies_in: bool,
    /// An error in the extended protocol: the server ignores what is sent up to the next Sync.
    skips: bool,
    /// Locks may be held.
    has_locks: bool,
    reading: Due,
    read_at: Option<At>,
    /// Where the WAL ended when nothing ran, and when that was read.
    wal_position: Option<(At, u64)>,
    /// Where it ended when the statement began that runs or has just ended.
    wal_before: Option<u64>,
    error: Option<StatementFailure>,
}

/// The server's side of the connection.
struct Backend {
    /// Process id and secret as they came: what a CancelRequest has to name.
    key: Vec<u8>,
    session: Session,
    migrator: u32,
}

/// An answer to come.
enum Awaited {
    Parse(Arc<Statement>),
    Execute(Arc<Statement>),
    /// The statements of a text that have not ended.
    Query(VecDeque<Arc<Statement>>),
    /// No answer, but the place where the client ends a COPY: whatever it sent before, if that was a Sync, is
    /// ignored.
    CopyEnd,
    /// After a Sync or a FunctionCall.
    Ready,
}

struct Running {
    statement: Arc<Statement>,
    since: At,
    /// `None` for what begins or ends a transaction, and for a Parse.
    record: Option<usize>,
    is_parse: bool,
}

/// Whether the locks are to be read before an answer is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    No,
    IfNotJustRead,
    Yes,
}

impl Conversation {
    pub(super) fn new(ledger: Arc<Ledger>, watched: Watched, step: usize) -> Conversation {
        Conversation {
            ledger,
            watched,
            step,
            requests: Frames::new(frames::from_client),
            answers: Frames::new(frames::from_server),
            backend: None,
            prepared: HashMap::new(),
            portals: HashMap::new(),
            awaited: VecDeque::new(),
            running: None,
            ended: None,
            passed_on_at: At(0),
            together: (At(0), None),
            notices: Vec::new(),
            in_transaction: false,
            copies_in: false,
            skips: false,
            has_locks: false,
            reading: Due::No,
            read_at: None,
            wal_position: None,
            wal_before: None,
            error: None,
        }
    }

    /// Looks at bytes that the client sends. An error says why they can't be passed on.
    pub(super) fn requests(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut frames = std::mem::replace(&mut self.requests, Frames::new(frames::from_client));
        let fed = frames.feed(bytes, |message| self.request(&message));
        self.requests = frames;
        fed
    }

    /// Whether the locks are to be read before what was looked at is passed on: it ends the transaction.
    pub(super) fn reads_first(&self, now: At) -> bool {
        let next = self.next();
        self.running.is_none()
            && next.is_some_and(|(statement, _)| statement.kind == Kind::End)
            && self.is_due(now)
    }

    /// What was looked at is passed on now.
    pub(super) fn passes_on(&mut self, now: At) {
        self.passed_on_at = now;
        self.begins_next(now);
        // A Sync ends the transaction that the statements before it were in, if none was begun.
        if let (Some(Awaited::Ready), None) = (self.awaited.front(), &self.running)
            && self.has_locks
            && !self.in_transaction
        {
            self.with_session(|session| session.transaction_ends(now));
        }
    }

    /// Looks at bytes that the server sends; true if the locks are to be read before they are passed on.
    pub(super) fn answers(&mut self, bytes: &[u8], now: At) -> Result<bool, String> {
        let running = self.running.as_ref();
        let since = running.map_or(self.passed_on_at, |running| running.since);
        self.together = (since, None);
        let mut frames = std::mem::replace(&mut self.answers, Frames::new(frames::from_server));
        let fed = frames.feed(bytes, |message| self.answer(&message, now));
        self.answers = frames;
        fed?;
        self.begins_next(now);
        Ok(self.is_due(now))
    }

    /// The locks have been read.
    pub(super) fn has_read(&mut self, at: At, wal_position: Option<u64>) {
        self.reading = Due::No;
        self.read_at = Some(at);
        let (before, ended) = (self.wal_before.take(), self.ended);
        if let (Some(index), Some(before), Some(after)) = (ended, before, wal_position) {
            self.ledger
                .set_wal_bytes(index, after.saturating_sub(before));
        }
        self.wal_position = wal_position.map(|position| (at, position));
    }

    /// The connection is gone, and with it all locks. `reason` is what became of the statement that still ran.
    pub(super) fn ends(&mut self, now: At, reason: &str) {
        if let Some(index) = self.running.take().and_then(|running| running.record) {
            let notices = std::mem::take(&mut self.notices);
            self.ledger.statement_ends(index, now, notices);
            self.fails(None, reason.to_owned(), Some(index));
        }
        let Some(backend) = self.backend.take() else {
            return;
        };
        backend.session.released(now);
        let error = self.error.take();
        self.ledger.session_ends(backend.migrator, now, error);
    }

    /// What a CancelRequest for the statement under way has to name.
    pub(super) fn key_of_running(&self) -> Option<Vec<u8>> {
        let backend = self.backend.as_ref()?;
        self.running.as_ref().map(|_| backend.key.clone())
    }

    fn is_due(&self, now: At) -> bool {
        let just_read = |read: At| now.since(read) < READING_INTERVAL;
        match self.reading {
            Due::No => false,
            Due::IfNotJustRead => !self.read_at.is_some_and(just_read),
            Due::Yes => true,
        }
    }

    fn with_session(&self, tell: impl FnOnce(&Session)) {
        if let Some(backend) = &self.backend {
            tell(&backend.session);
        }
    }
}

#[cfg(test)]
mod tests;
