//! The sampler: one narrow query, again and again, that shows the migration's locks and who waits.

use std::time::Duration;

use tokio::sync::watch;
use tokio_postgres::{Client, Row, Statement};

use super::locks::{LockRow, Reading};
use super::pace::Pace;
use super::waits::{Waiter, Waits};
use super::watched::{Look, Watched};
use crate::postgres::Version;
use crate::rehearse::clock::{At, Clock};
use crate::rehearse::recording::SampledWait;

/// What one query shows beside the migration's locks.
pub struct Sample {
    pub asked: At,
    pub answered: At,
    /// Sessions other than the migration's that wait for a lock, and the migration's own other waits.
    pub waiters: Vec<Waiter>,
    /// Where the WAL ends, in bytes.
    pub wal_position: Option<u64>,
}

/// Reads locks on a connection of its own.
pub struct Reader {
    client: Client,
    /// The migration's locks, who waits, and where the WAL ends.
    everything: Statement,
    /// The migration's locks alone.
    own: Statement,
    /// Which of the migration's sessions wait for a lock: the cheapest question of all.
    waiting: Statement,
    clock: Clock,
    /// How far the server's clock is ahead of ours.
    server_ahead_us: i64,
}

impl Reader {
    /// Prepares the queries that are asked again and again.
    pub async fn new(
        client: Client,
        version: Version,
        clock: Clock,
    ) -> Result<Reader, tokio_postgres::Error> {
        // With plans of its own for each set of sessions the server would plan again at every sample, which costs
        // more than the sample.
        let settings = "SET plan_cache_mode = force_generic_plan";
        client.batch_execute(settings).await?;
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
        let lock = format!(
            "l.pid, l.locktype, l.relation, l.mode, l.granted,
             (extract(epoch FROM {waiting_since}) * 1000000)::bigint"
        );
        // pg_blocking_pids locks the whole lock table for a moment, and pg_stat_get_activity looks at every
        // session: only for those that wait. The outer join gives the WAL's position also when there is no
        // lock to show; then `granted` is null.
        let everything = format!(
            "SELECT {lock},
                    CASE WHEN NOT l.granted AND l.pid <> ALL ($1) THEN pg_blocking_pids(l.pid) END,
                    CASE WHEN NOT l.granted AND l.pid <> ALL ($1) THEN
                        (SELECT ARRAY[a.application_name, a.query] FROM pg_stat_get_activity(l.pid) a) END,
                    w.position, l.virtualtransaction
             FROM (SELECT {position} AS position) w
             LEFT JOIN pg_locks l ON (l.pid = ANY ($1) AND l.locktype = 'relation') OR NOT l.granted"
        );
        let own = format!(
            "SELECT {lock} FROM pg_locks l WHERE l.pid = ANY ($1) AND l.locktype = 'relation'"
        );
        let waiting = "SELECT a.pid FROM unnest($1::int4[]) p, pg_stat_get_activity(p) a
                       WHERE a.wait_event_type = 'Lock'";
        let (everything, own, waiting) = tokio::try_join!(
            client.prepare(&everything),
            client.prepare(&own),
            client.prepare(waiting)
        )?;
        let server_ahead_us = server_ahead_us(&client, &clock).await?;
        Ok(Reader {
            client,
            everything,
            own,
            waiting,
            clock,
            server_ahead_us,
        })
    }

    /// Takes one reading: the migration's locks go to `watched`, the rest is handed back.
    pub async fn read(&self, watched: &Watched) -> Result<Sample, tokio_postgres::Error> {
        let asked = self.clock.now();
        let pids = watched.pids();
        let numbers = signed(&pids);
        let rows = self.client.query(&self.everything, &[&numbers]).await?;
        let answered = self.clock.now();
        // The outer join's row without a lock tells of no one.
        let locks = rows
            .iter()
            .filter(|row| row.get::<_, Option<i32>>(0).is_some());
        let (readings, others) = self.sorted(locks, &pids, asked, answered);
        watched.observe(&readings);
        let position = rows.first().and_then(|row| row.get::<_, Option<i64>>(8));
        Ok(Sample {
            asked,
            answered,
            waiters: others.into_iter().map(|row| self.waiter(row)).collect(),
            wal_position: position.and_then(|position| u64::try_from(position).ok()),
        })
    }

    /// Reads the migration's locks alone.
    async fn read_own(&self, watched: &Watched) -> Result<(), tokio_postgres::Error> {
        let asked = self.clock.now();
        let pids = watched.pids();
        let rows = self.client.query(&self.own, &[&signed(&pids)]).await?;
        let (readings, _) = self.sorted(&rows, &pids, asked, self.clock.now());
        watched.observe(&readings);
        Ok(())
    }

    /// Looks whether the migration still waits, and reads its locks as soon as it does not.
    async fn read_waiting(&self, watched: &Watched) -> Result<(), tokio_postgres::Error> {
        let asked = self.clock.now();
        let pids = signed(&watched.pids());
        let rows = self.client.query(&self.waiting, &[&pids]).await?;
        let waiting: Vec<u32> = rows.iter().map(pid_of).collect();
        match watched.wait_ended(&waiting, asked) {
            true => self.read_own(watched).await,
            false => Ok(()),
        }
    }

    /// The table locks of each of these sessions, and the rows that are none of them.
    fn sorted<'r>(
        &self,
        rows: impl IntoIterator<Item = &'r Row>,
        pids: &[u32],
        asked: At,
        answered: At,
    ) -> (Vec<(u32, Reading)>, Vec<&'r Row>) {
        let empty = |pid: &u32| {
            let rows = Vec::new();
            let reading = Reading {
                asked,
                answered,
                rows,
            };
            (*pid, reading)
        };
        let mut readings: Vec<_> = pids.iter().map(empty).collect();
        let mut others = Vec::new();
        for row in rows {
            let (pid, is_table) = (pid_of(row), row.get::<_, &str>(1) == "relation");
            match readings.iter_mut().find(|(of, _)| is_table && *of == pid) {
                Some((_, reading)) => reading.rows.extend(self.lock_row(row)),
                None => others.push(row),
            }
        }
        (readings, others)
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

    fn waiter(&self, row: &Row) -> Waiter {
        let blockers: Option<Vec<i32>> = row.get(6);
        let activity: Option<Vec<Option<String>>> = row.get(7);
        let mut activity = activity.unwrap_or_default().into_iter();
        Waiter {
            pid: pid_of(row),
            transaction: row.get(9),
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

fn pid_of(row: &Row) -> u32 {
    unsigned(row.get(0))
}

fn unsigned(pid: i32) -> u32 {
    u32::try_from(pid).unwrap_or(0)
}

fn signed(pids: &[u32]) -> Vec<i32> {
    let signed = pids.iter().map(|pid| i32::try_from(*pid).unwrap_or(0));
    signed.collect()
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

/// Samples everything in each `interval` until `stop` turns true, and hands back the waits it saw.
pub async fn sample(
    reader: Reader,
    watched: Watched,
    interval: Duration,
    mut stop: watch::Receiver<bool>,
) -> Sampled {
    let mut pace = Pace::new(watched.clone(), reader.clock, interval);
    let mut waits = Waits::default();
    let mut refused = 0;
    let mut refusal = None;
    loop {
        let next = async {
            match pace.next().await {
                None => {
                    let sample = reader.read(&watched).await?;
                    waits.observe(sample.asked, sample.answered, sample.waiters);
                    Ok(())
                }
                Some(Look::Locks) => reader.read_own(&watched).await,
                Some(Look::Waiting) => reader.read_waiting(&watched).await,
            }
        };
        // A server that does not answer any more must not keep anyone from stopping.
        let looked: Result<(), tokio_postgres::Error> = tokio::select! {
            looked = next => looked,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match looked {
            Ok(()) => {}
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
