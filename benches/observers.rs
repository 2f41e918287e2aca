//! What watching costs: `cargo bench --bench observers`.
//!
//! One closed loop at all that the server can do; the observers are switched on for a second and off for a second, again
//! and again: the sampler of locks, and the server's log of waits with the low `deadlock_timeout`. Each second with them is
//! compared with the two beside it, so that neither the machine's moods nor where the scheduler has put the server's
//! processes count. What counts is the median of these ratios. Set `ROUNDS` for more of them.

#![expect(clippy::print_stdout, reason = "a bench shows what it measured")]

#[path = "load/local.rs"]
mod local;
#[path = "load/ground.rs"]
#[expect(dead_code, reason = "it has rounds of pgbench too")]
mod ground;

use std::time::Duration;

use anyhow::{Context as _, Result};
use ground::{Ground, number};
use pgrehearse::compare::Spread;
use pgrehearse::provision::Role;
use pgrehearse::rehearse::clock::{At, Clock};
use pgrehearse::rehearse::journal::Journal;
use pgrehearse::rehearse::load::tally::INTERVAL;
use pgrehearse::rehearse::observe::sampler::Sampler;
use pgrehearse::rehearse::observe::watched::Watched;
use pgrehearse::rehearse::observe::{log, pace};
use tokio_postgres::Client;

/// Queries that come back in a window are counted from so long after its beginning: reloading the settings costs time too.
const SETTLE: Duration = Duration::from_millis(100);
const WINDOW: Duration = Duration::from_millis(500);

#[tokio::main]
async fn main() -> Result<()> {
    let rounds = number("ROUNDS", 60) as usize;
    let ground = Ground::open(&log::settings()).await?;
    let admin = ground.server.connect(Role::Admin).await?;
    for connections in [4, 16] {
        let (driver, journal) = ground.start(connections, None).await?;
        tokio::time::sleep(SETTLE).await;
        let mut windows = Vec::new();
        for window in 0..2 * rounds + 1 {
            windows.push(measure(&ground, &admin, &journal, window % 2 == 1).await?);
        }
        driver.stop().await;
        show(connections, &journal, &windows)?;
    }
    Ok(())
}

/// One window, watched or not: from when to when queries count.
async fn measure(
    ground: &Ground,
    admin: &Client,
    journal: &Journal,
    is_watched: bool,
) -> Result<(At, At)> {
    let (timeout_ms, log_waits) = match is_watched {
        true => (log::LOAD_DEADLOCK_TIMEOUT.as_millis(), "on"),
        false => (1_000, "off"),
    };
    for sql in [
        format!("ALTER SYSTEM SET deadlock_timeout = '{timeout_ms}ms'"),
        format!("ALTER SYSTEM SET log_lock_waits = {log_waits}"),
        "SELECT pg_reload_conf()".to_owned(),
    ] {
        admin.batch_execute(&sql).await?;
    }
    let sampler = match is_watched {
        true => {
            let (config, version) = (ground.server.config(Role::Admin), ground.server.version());
            let watched = Watched::default();
            let sampler = Sampler::start(config, version, Clock::start(), watched, pace::INTERVAL);
            Some(sampler.await?)
        }
        false => None,
    };
    tokio::time::sleep(SETTLE).await;
    let begin = journal.clock.now();
    tokio::time::sleep(WINDOW - SETTLE).await;
    let end = journal.clock.now();
    if let Some(sampler) = sampler {
        sampler.stop().await;
    }
    Ok((begin, end))
}

fn show(connections: usize, journal: &Journal, windows: &[(At, At)]) -> Result<()> {
    let rates: Vec<f64> = windows
        .iter()
        .map(|window| rate(journal, *window))
        .collect();
    let beside = |at: usize| (rates[at - 1] + rates[at + 1]) / 2.0;
    let watched = || (1..rates.len()).step_by(2);
    let unwatched = (0..rates.len()).step_by(2).map(|at| rates[at]);
    let ratios = Spread::of(watched().map(|at| rates[at] / beside(at)));
    let ratios = ratios.context("ROUNDS must be at least 1")?;
    let interval = ratios.interval.map_or_else(String::new, |interval| {
        let confidence = interval.confidence * 100.0;
        format!(
            ", {confidence:.0} % interval {:.4} to {:.4}",
            interval.low, interval.high
        )
    });
    println!(
        "{connections:3} clients  {:.0}/s unwatched, {:.0}/s watched; ratio {:.4}{interval}",
        Spread::of(unwatched).map_or(f64::NAN, |spread| spread.median),
        Spread::of(watched().map(|at| rates[at])).map_or(f64::NAN, |spread| spread.median),
        ratios.median,
    );
    Ok(())
}

/// Queries per second in the intervals of the timeline that lie inside the window.
fn rate(journal: &Journal, (begin, end): (At, At)) -> f64 {
    let interval_us = INTERVAL.as_micros() as u64;
    let (from, until) = (begin.0.div_ceil(interval_us), end.0 / interval_us);
    let completed = journal.intervals(|intervals| {
        let inside = &intervals[from as usize..(until as usize).min(intervals.len())];
        inside
            .iter()
            .map(|interval| interval.reads.completed)
            .sum::<u64>()
    });
    completed as f64 / ((until - from) * interval_us) as f64 * 1e6
}
