//! The server's log: every wait for a heavyweight lock longer than `deadlock_timeout`, to the microsecond.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

use crate::postgres::{LockMode, SqlState};
use crate::provision::Settings;
use crate::rehearse::clock::{At, Clock};

/// `deadlock_timeout` of the load's role. Waits of queries shorter than this are not in the log; the
/// migration's role keeps the server's default, so that the timer does for it what it does in production.
pub const LOAD_DEADLOCK_TIMEOUT: Duration = Duration::from_millis(10);

/// What the server must run with for its log to be read here.
pub fn settings() -> Settings {
    [
        ("logging_collector", "on"),
        ("log_destination", "csvlog"),
        ("log_directory", "log"),
        ("log_filename", "rehearsal.log"),
        ("log_rotation_age", "0"),
        ("log_rotation_size", "0"),
        ("log_lock_waits", "on"),
        ("log_timezone", "UTC"),
        ("lc_messages", "C"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

/// One wait for a heavyweight lock, of whatever session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wait {
    pub pid: u32,
    /// The virtual transaction that waited: two waits of one query have the same.
    #[serde(default)]
    pub transaction: String,
    pub application: String,
    pub mode: LockMode,
    pub target: Target,
    pub started: At,
    pub waited_ms: f64,
    pub end: WaitEnd,
    /// Who held the lock when the wait was logged, and who stood in the queue before this session.
    pub holders: Vec<u32>,
    pub queue_before: Vec<u32>,
    pub sql: String,
}

/// What was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    Relation(u32),
    /// The end of a transaction that changed a row.
    Transaction,
    /// A row's place in the queue behind such a transaction.
    Tuple(u32),
    Other,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitEnd {
    Granted,
    /// The statement failed with this error while it waited.
    Failed(SqlState),
    /// It was still waiting when the log was read, or when the server crashed.
    Open,
}

/// A place in the log to read on from.
#[derive(Debug)]
pub struct LogMark {
    path: String,
    offset: i64,
}

/// Where the log is now; an error where it cannot be read, such as on a managed server.
pub async fn mark(client: &Client) -> Result<LogMark> {
    let row = client
        .query_one("SELECT pg_current_logfile('csvlog')", &[])
        .await?;
    let Some(path) = row.get::<_, Option<String>>(0) else {
        bail!("the server writes no csvlog")
    };
    let mark = LogMark {
        offset: size(client, &path).await?,
        path,
    };
    Ok(mark)
}

/// Everything since the mark: the waits of this database in the order of their beginning.
pub async fn waits_since(client: &Client, mark: &LogMark, clock: &Clock) -> Result<Vec<Wait>> {
    wait_for_collector(client, mark).await?;
    let mut reading = LogReading::new(*clock);
    let mut offset = mark.offset;
    let end = size(client, &mark.path).await?;
    let mut pending = Vec::new();
    while offset < end {
        let length = (end - offset).min(CHUNK_BYTES);
        let row = client
            .query_one(
                "SELECT pg_read_binary_file($1, $2, $3)",
                &[&mark.path, &offset, &length],
            )
            .await?;
        pending.extend_from_slice(row.get::<_, &[u8]>(0));
        offset += length;
        let consumed = reading.take_in(&pending, offset >= end)?;
        pending.drain(..consumed);
    }
    Ok(reading.finish(clock.now()))
}

const CHUNK_BYTES: i64 = 4 << 20;

async fn size(client: &Client, path: &str) -> Result<i64> {
    let row = client
        .query_one("SELECT (pg_stat_file($1)).size", &[&path])
        .await
        .context("cannot read the server's log")?;
    Ok(row.get(0))
}

/// The collector writes late: a line of our own shows when all before it has been written.
async fn wait_for_collector(client: &Client, mark: &LogMark) -> Result<()> {
    let token = format!("pgrehearse {:016x}", rand::random::<u64>());
    client
        .batch_execute(&format!("DO $$ BEGIN RAISE LOG '{token}'; END $$"))
        .await?;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    let mut poll = tokio::time::interval(Duration::from_millis(20));
    while tokio::time::Instant::now() < deadline {
        poll.tick().await;
        let from = (size(client, &mark.path).await? - 64 * 1024).max(mark.offset);
        let sql = "SELECT position($3::bytea IN pg_read_binary_file($1, $2, 65536 * 2)) > 0";
        let row = client
            .query_one(sql, &[&mark.path, &from, &token.as_bytes()])
            .await?;
        if row.get(0) {
            return Ok(());
        }
    }
    bail!("the server's log collector did not write within 10 s")
}

/// Columns of a csvlog line, the same from 13 to 18 as far as they are used here.
mod column {
    pub(super) const TIME: usize = 0;
    pub(super) const PID: usize = 3;
    pub(super) const TRANSACTION: usize = 9;
    pub(super) const SQLSTATE: usize = 12;
    pub(super) const SEVERITY: usize = 11;
    pub(super) const MESSAGE: usize = 13;
    pub(super) const DETAIL: usize = 14;
    pub(super) const QUERY: usize = 19;
    pub(super) const APPLICATION: usize = 22;
}

/// What the server says when one of its processes has died: the others write no more lines.
const CRASHED: &str = "terminating any other active server processes";

/// Waits as the lines of the log tell of them.
struct LogReading {
    clock: Clock,
    open: BTreeMap<u32, Wait>,
    waits: Vec<Wait>,
}

impl LogReading {
    fn new(clock: Clock) -> LogReading {
        LogReading {
            clock,
            open: BTreeMap::new(),
            waits: Vec::new(),
        }
    }

    /// Takes in the complete lines of `bytes` and says how many bytes those were.
    fn take_in(&mut self, bytes: &[u8], is_end: bool) -> Result<usize> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(bytes);
        let mut record = csv::ByteRecord::new();
        let mut consumed = 0;
        while reader.read_byte_record(&mut record)? {
            let end = usize::try_from(reader.position().byte())?;
            // The last record may be cut off: it is read again with what follows.
            if end >= bytes.len() && !is_end {
                break;
            }
            consumed = end;
            self.line(&record);
        }
        Ok(if is_end { bytes.len() } else { consumed })
    }

    fn line(&mut self, record: &csv::ByteRecord) {
        let field = |index: usize| {
            std::str::from_utf8(record.get(index).unwrap_or_default()).unwrap_or_default()
        };
        let (Some(at), Ok(pid)) = (
            self.moment(field(column::TIME)),
            field(column::PID).parse::<u32>(),
        ) else {
            return;
        };
        if let Some(seen) = LockLine::parse(field(column::MESSAGE)) {
            let before = at.0.saturating_sub(us(seen.waited_ms));
            if seen.granted {
                let Some(mut wait) = self.open.remove(&pid) else {
                    return;
                };
                wait.waited_ms = seen.waited_ms;
                wait.started = At(before);
                wait.end = WaitEnd::Granted;
                self.waits.push(wait);
            } else {
                let (holders, queue) = holders_and_queue(field(column::DETAIL));
                let wait = Wait {
                    pid,
                    transaction: field(column::TRANSACTION).to_owned(),
                    application: field(column::APPLICATION).to_owned(),
                    mode: seen.mode,
                    target: seen.target,
                    started: At(before),
                    waited_ms: seen.waited_ms,
                    end: WaitEnd::Open,
                    holders,
                    queue_before: queue
                        .into_iter()
                        .take_while(|waiting| *waiting != pid)
                        .collect(),
                    sql: field(column::QUERY).to_owned(),
                };
                self.open.insert(pid, wait);
            }
        } else if field(column::MESSAGE) == CRASHED {
            self.end_all(at);
        } else if matches!(field(column::SEVERITY), "ERROR" | "FATAL")
            && let (Some(mut wait), Ok(state)) =
                (self.open.remove(&pid), field(column::SQLSTATE).parse())
        {
            wait.waited_ms = crate::rehearse::clock::ms(at.since(wait.started));
            wait.end = WaitEnd::Failed(state);
            self.waits.push(wait);
        }
    }

    fn moment(&self, text: &str) -> Option<At> {
        let civil: jiff::civil::DateTime = text.strip_suffix(" UTC")?.parse().ok()?;
        let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(self.clock.at_unix_us(zoned.timestamp().as_microsecond()))
    }

    fn end_all(&mut self, at: At) {
        for (_, mut wait) in std::mem::take(&mut self.open) {
            wait.waited_ms = crate::rehearse::clock::ms(at.since(wait.started));
            self.waits.push(wait);
        }
    }

    fn finish(mut self, now: At) -> Vec<Wait> {
        self.end_all(now);
        self.waits.sort_by_key(|wait| wait.started);
        self.waits
    }
}

fn us(ms: f64) -> u64 {
    (ms * 1_000.0) as u64
}

/// `process 12 still waiting for ShareLock on transaction 756 after 10.123 ms`, or `acquired`.
struct LockLine {
    granted: bool,
    mode: LockMode,
    target: Target,
    waited_ms: f64,
}

impl LockLine {
    fn parse(message: &str) -> Option<LockLine> {
        let (_, rest) = message.strip_prefix("process ")?.split_once(' ')?;
        let (granted, rest) = match rest.strip_prefix("still waiting for ") {
            Some(rest) => (false, rest),
            None => (true, rest.strip_prefix("acquired ")?),
        };
        let (mode, rest) = rest.split_once(" on ")?;
        let (target, waited) = rest.rsplit_once(" after ")?;
        Some(LockLine {
            granted,
            mode: mode.parse().ok()?,
            target: Target::parse(target),
            waited_ms: waited.strip_suffix(" ms")?.parse().ok()?,
        })
    }
}

impl Target {
    /// As `pg_locks` names it.
    pub fn of(lock_type: &str, relation: Option<u32>) -> Target {
        match (lock_type, relation) {
            ("relation", Some(relation)) => Target::Relation(relation),
            ("tuple", Some(relation)) => Target::Tuple(relation),
            ("transactionid", _) => Target::Transaction,
            _ => Target::Other,
        }
    }

    fn parse(text: &str) -> Target {
        let number_after = |prefix: &str| {
            let rest = &text[text.find(prefix)? + prefix.len()..];
            rest.split(' ').next()?.parse().ok()
        };
        match text.split(' ').next() {
            Some("relation") => number_after("relation ").map_or(Target::Other, Target::Relation),
            Some("tuple") => number_after("of relation ").map_or(Target::Other, Target::Tuple),
            Some("transaction") => Target::Transaction,
            _ => Target::Other,
        }
    }
}

/// `Process holding the lock: 1. Wait queue: 2, 3.`, in the plural too.
fn holders_and_queue(detail: &str) -> (Vec<u32>, Vec<u32>) {
    let pids = |text: &str| {
        text.split(", ")
            .filter_map(|pid| pid.trim_end_matches('.').trim().parse().ok())
            .collect()
    };
    let Some((holding, queue)) = detail.split_once(" Wait queue: ") else {
        return (Vec::new(), Vec::new());
    };
    let holding = holding.split_once(": ").map_or("", |(_, pids)| pids);
    (pids(holding), pids(queue))
}
