//! What watching costs: `cargo bench --bench observers`.
//!
//! One closed loop at all that the server can do; the observers are switched on and off, again and again: the sampler of locks, and the server's log of waits with the low `deadlock_timeout`. Each time with them is
//! compared with the two beside it, so that neither the machine's moods nor where the scheduler has put the server's
//! processes count, and time that the hypervisor gave to others is not counted (`/proc/stat`, steal). What counts is the
//! median of these ratios. Set `ROUNDS` for more of them.

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
const WINDOW: Duration = Duration::from_millis(800);

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

/// From when to when queries count, and how much of that time the machine was ours.
struct Window {
    begin: At,
    end: At,
    ours: f64,
}

/// CPU time of the machine, in ticks: all of it, and what others got of it.
fn ticks() -> (u64, u64) {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let cpu = stat.lines().next().unwrap_or_default();
    let ticks: Vec<u64> = cpu
        .split_whitespace()
        .filter_map(|n| n.parse().ok())
        .collect();
    // user, nice, system, idle, iowait, irq, softirq, steal; guests are in user.
    let all = ticks.iter().take(8).sum();
    (all, ticks.get(7).copied().unwrap_or(0))
}

/// One window, watched or not.
async fn measure(
    ground: &Ground,
    admin: &Client,
    journal: &Journal,
    is_watched: bool,
) -> Result<Window> {
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
            let sampler = Sampler::start(
                config,
                version,
                Clock::start(),
                watched,
                pace::interval(true),
            );
            Some(sampler.await?)
        }
        false => None,
    };
    tokio::time::sleep(SETTLE).await;
    let (begin, (all_before, stolen_before)) = (journal.clock.now(), ticks());
    tokio::time::sleep(WINDOW - SETTLE).await;
    let (end, (all, stolen)) = (journal.clock.now(), ticks());
    if let Some(sampler) = sampler {
        sampler.stop().await;
    }
    let stolen = (stolen - stolen_before) as f64 / (all - all_before).max(1) as f64;
    Ok(Window {
        begin,
        end,
        ours: 1.0 - stolen,
    })
}

fn show(connections: usize, journal: &Journal, windows: &[Window]) -> Result<()> {
    let rates: Vec<f64> = windows
        .iter()
        .map(|window| rate(journal, window) / window.ours)
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
fn rate(journal: &Journal, window: &Window) -> f64 {
    let interval_us = INTERVAL.as_micros() as u64;
    let (from, until) = (
        window.begin.0.div_ceil(interval_us),
        window.end.0 / interval_us,
    );
    let completed = journal.intervals(|intervals| {
        let inside = &intervals[from as usize..(until as usize).min(intervals.len())];
        inside
            .iter()
            .map(|interval| interval.reads.completed)
            .sum::<u64>()
    });
    completed as f64 / ((until - from) * interval_us) as f64 * 1e6
}
