//! The sampler: one narrow query, again and again, that shows the migration's locks and who waits.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio_postgres::{Client, Row, Statement};

use super::locks::{LockRow, LockTracker, Reading};
use super::waits::{Waiter, Waits};
use crate::postgres::Version;
use crate::rehearse::clock::{At, Clock};
use crate::rehearse::recording::SampledWait;

/// Time between two samples. One sample costs 50 to 90 µs of the server's CPU, so this is below 1 % of a core.
pub const INTERVAL: Duration = Duration::from_millis(10);

/// The migration's backend, and its locks as they are put together.
#[derive(Clone, Default)]
pub struct Watched {
    /// 0 while no migration is connected.
    pid: Arc<std::sync::atomic::AtomicU32>,
    tracker: Arc<Mutex<LockTracker>>,
}

impl Watched {
    pub fn watch(&self, pid: u32) {
        self.pid.store(pid, std::sync::atomic::Ordering::Relaxed);
    }

    fn pid(&self) -> u32 {
        self.pid.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Runs `change` on the locks.
    pub fn locks<T>(&self, change: impl FnOnce(&mut LockTracker) -> T) -> T {
        change(
            &mut self
                .tracker
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        )
    }
}

/// What one query shows.
pub struct Sample {
    pub reading: Reading,
    /// Sessions other than the migration's that wait for a lock.
    pub waiters: Vec<Waiter>,
    /// Where the WAL ends, in bytes.
    pub wal_position: Option<u64>,
}

/// Reads `pg_locks` on a connection of its own.
pub struct Reader {
    client: Client,
    statement: Statement,
    clock: Clock,
    /// How far the server's clock is ahead of ours.
    server_ahead_us: i64,
}

impl Reader {
    /// Prepares the query that is asked again and again.
    pub async fn new(
        client: Client,
        version: Version,
        clock: Clock,
    ) -> Result<Reader, tokio_postgres::Error> {
        let waiting_since = if version.major() >= 14 {
            "l.waitstart"
        } else {
            "NULL::timestamptz"
        };
        // Some managed servers refuse to say where their WAL ends, and would refuse the whole query.
        let position = match wal_position(&client).await {
            Some(_) => WAL_POSITION,
            None => "NULL::bigint",
        };
        // pg_blocking_pids locks the whole lock table for a moment, and pg_stat_get_activity looks at every
        // session: only for those that wait. The outer join gives the WAL's position also when there is no
        // lock to show; then `granted` is null.
        let sql = format!(
            "SELECT l.pid, l.locktype, l.relation, l.mode, l.granted,
                    (extract(epoch FROM {waiting_since}) * 1000000)::bigint,
                    CASE WHEN NOT l.granted AND l.pid <> $1 THEN pg_blocking_pids(l.pid) END,
                    CASE WHEN NOT l.granted AND l.pid <> $1 THEN
                        (SELECT ARRAY[a.application_name, a.query] FROM pg_stat_get_activity(l.pid) a) END,
                    w.position
             FROM (SELECT {position} AS position) w
             LEFT JOIN pg_locks l ON (l.pid = $1 AND l.locktype = 'relation') OR NOT l.granted"
        );
        let statement = client.prepare(&sql).await?;
        let server_ahead_us = server_ahead_us(&client, &clock).await?;
        Ok(Reader {
            client,
            statement,
            clock,
            server_ahead_us,
        })
    }

    /// Takes one reading: the migration's locks go to `watched`, the rest is handed back.
    pub async fn read(&self, watched: &Watched) -> Result<Sample, tokio_postgres::Error> {
        let pid = watched.pid();
        let asked = self.clock.now();
        let signed = i32::try_from(pid).unwrap_or(0);
        let rows = self.client.query(&self.statement, &[&signed]).await?;
        let answered = self.clock.now();
        let mut reading = Reading {
            asked,
            answered,
            rows: Vec::new(),
        };
        let mut waiters = Vec::new();
        for row in &rows {
            let Some(of) = row.get::<_, Option<i32>>(0) else {
                continue;
            };
            if of == signed && row.get::<_, &str>(1) == "relation" {
                reading.rows.extend(self.lock_row(row));
            } else {
                waiters.push(self.waiter(of, row));
            }
        }
        if pid != 0 {
            watched.locks(|tracker| tracker.observe(&reading));
        }
        let wal_position = rows
            .first()
            .and_then(|row| u64::try_from(row.get::<_, Option<i64>>(8)?).ok());
        Ok(Sample {
            reading,
            waiters,
            wal_position,
        })
    }

    fn lock_row(&self, row: &Row) -> Option<LockRow> {
        let relation = row.get::<_, Option<u32>>(2)?;
        let mode = row.get::<_, &str>(3).parse().ok()?;
        Some(LockRow {
            relation,
            mode,
            granted: row.get(4),
            waiting_since: self.waiting_since(row),
        })
    }

    fn waiter(&self, pid: i32, row: &Row) -> Waiter {
        let unsigned = |pid: i32| u32::try_from(pid).unwrap_or(0);
        let blockers: Option<Vec<i32>> = row.get(6);
        let activity: Option<Vec<Option<String>>> = row.get(7);
        let mut activity = activity.unwrap_or_default().into_iter();
        Waiter {
            pid: unsigned(pid),
            lock_type: row.get(1),
            relation: row.get(2),
            mode: row.get::<_, &str>(3).parse().ok(),
            since: self.waiting_since(row),
            blockers: blockers
                .unwrap_or_default()
                .into_iter()
                .map(unsigned)
                .collect(),
            application: activity.next().flatten(),
            query: activity.next().flatten(),
        }
    }

    fn waiting_since(&self, row: &Row) -> Option<At> {
        let server_us: Option<i64> = row.get(5);
        server_us.map(|us| self.clock.at_unix_us(us - self.server_ahead_us))
    }
}

/// Where the WAL ends, in bytes.
const WAL_POSITION: &str = "(pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint";

/// Where the WAL ends now, in bytes; `None` where the server does not say.
pub async fn wal_position(client: &Client) -> Option<u64> {
    let row = client
        .query_one(&format!("SELECT {WAL_POSITION}"), &[])
        .await
        .ok()?;
    u64::try_from(row.get::<_, i64>(0)).ok()
}

/// How far the server's clock is ahead of ours; 0 if nothing shows that it is. On another machine it may be
/// off by any amount, and `waitstart` with it.
async fn server_ahead_us(client: &Client, clock: &Clock) -> Result<i64, tokio_postgres::Error> {
    let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    let statement = client.prepare(sql).await?;
    let (mut least, mut most) = (i64::MIN, i64::MAX);
    for _ in 0..5 {
        let asked = clock.unix_us(clock.now());
        let row = client.query_one(&statement, &[]).await?;
        let answered = clock.unix_us(clock.now());
        let server = row.get::<_, i64>(0);
        least = least.max(server - answered);
        most = most.min(server - asked);
    }
    Ok(ahead_us(least, most))
}

/// The best guess at a difference between two clocks that lies between `least` and `most`.
fn ahead_us(least: i64, most: i64) -> i64 {
    if least <= 0 && 0 <= most {
        0
    } else {
        least.midpoint(most)
    }
}

/// What the sampler saw until it was stopped.
#[derive(Default)]
pub struct Sampled {
    pub waits: Vec<SampledWait>,
    /// Samples that the server refused, if any: then waits are missing.
    pub warning: Option<String>,
}

/// Samples until `stop` turns true, and hands back the waits it saw.
pub async fn sample(reader: Reader, watched: Watched, mut stop: watch::Receiver<bool>) -> Sampled {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut waits = Waits::default();
    let mut refused = 0;
    let mut refusal = None;
    loop {
        let next = async {
            ticks.tick().await;
            reader.read(&watched).await
        };
        // A server that does not answer any more must not keep anyone from stopping.
        let sample = tokio::select! {
            sample = next => sample,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match sample {
            Ok(sample) => waits.observe(&sample.reading, sample.waiters),
            // A lost server is noticed by those who run statements on it.
            Err(error) if error.is_closed() => break,
            Err(error) => {
                refused += 1;
                refusal = Some(error);
            }
        }
    }
    let warning = refusal.map(|error| {
        let reason = match error.as_db_error() {
            Some(db) => db.message().to_owned(),
            None => error.to_string(),
        };
        format!("{refused} samples of pg_locks failed, so waits may be missing: {reason}")
    });
    Sampled {
        waits: waits.finish(reader.clock.now()),
        warning,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_may_agree_are_taken_to_agree() {
        assert_eq!(ahead_us(-40, 25), 0);
        assert_eq!(ahead_us(5_000_000, 5_000_200), 5_000_100);
    }
}
