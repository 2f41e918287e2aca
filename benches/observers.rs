//! What watching costs: `cargo bench --bench observers`.
//!
//! The same closed loop, at all that the server can do, with all observers on and with none, in turn on one server:
//! the sampler of locks, and the server's log of waits with the load's low `deadlock_timeout`. What counts is the ratio
//! within a pair of rounds, and the median of those. Set `ROUNDS` and `SECONDS` for more of them.

#![expect(clippy::print_stdout, reason = "a bench shows what it measured")]

#[path = "load/ground.rs"]
#[expect(dead_code, reason = "it has rounds of pgbench too")]
mod ground;

use std::time::Duration;

use anyhow::Result;
use ground::{Ground, Round, median, number};
use pgrehearse::provision::Role;
use pgrehearse::rehearse::clock::Clock;
use pgrehearse::rehearse::observe::log;
use pgrehearse::rehearse::observe::sampler::Sampler;
use pgrehearse::rehearse::observe::watched::Watched;
use tokio_postgres::Client;

#[tokio::main]
async fn main() -> Result<()> {
    let rounds = number("ROUNDS", 15);
    let time = Duration::from_secs(number("SECONDS", 2));
    let ground = Ground::open(&log::settings()).await?;
    let admin = ground.server.connect(Role::Admin).await?;
    for connections in [4, 16] {
        let mut pairs = Vec::new();
        for round in 0..rounds {
            // Whoever comes first may find the machine in another state: so they take turns at that too.
            let watched_first = round % 2 == 0;
            let first = measure(&ground, &admin, connections, watched_first, time).await?;
            let second = measure(&ground, &admin, connections, !watched_first, time).await?;
            pairs.push(match watched_first {
                true => (first, second),
                false => (second, first),
            });
        }
        show(connections, &pairs);
    }
    Ok(())
}

/// One round, watched or not.
async fn measure(
    ground: &Ground,
    admin: &Client,
    connections: usize,
    is_watched: bool,
    time: Duration,
) -> Result<Round> {
    let load = ground.server.config(Role::Load);
    let load = load.get_user().unwrap_or_default();
    let (timeout_ms, log_waits) = match is_watched {
        true => (log::LOAD_DEADLOCK_TIMEOUT.as_millis(), "on"),
        false => (1_000, "off"),
    };
    for sql in [
        format!("ALTER ROLE {load} SET deadlock_timeout = '{timeout_ms}ms'"),
        format!("ALTER SYSTEM SET log_lock_waits = {log_waits}"),
        "SELECT pg_reload_conf()".to_owned(),
    ] {
        admin.batch_execute(&sql).await?;
    }
    if !is_watched {
        return ground.drive(connections, None, time).await;
    }
    let admin = ground.server.config(Role::Admin);
    let version = ground.server.version();
    let sampler = Sampler::start(admin, version, Clock::start(), Watched::default()).await?;
    let round = ground.drive(connections, None, time).await;
    sampler.stop().await;
    round
}

fn show(connections: usize, pairs: &[(Round, Round)]) {
    let rate = |round: &Round| round.queries_per_s;
    let ratios = pairs
        .iter()
        .map(|(with, without)| rate(with) / rate(without));
    let mut ratios: Vec<f64> = ratios.collect();
    ratios.sort_by(f64::total_cmp);
    let quarter = ratios.len() / 4;
    println!(
        "{connections:3} clients  {:.0}/s unwatched, {:.0}/s watched; ratio {:.4}, half of them from {:.4} to {:.4}",
        median(pairs.iter().map(|(_, without)| rate(without))),
        median(pairs.iter().map(|(with, _)| rate(with))),
        median(ratios.iter().copied()),
        ratios[quarter],
        ratios[ratios.len() - 1 - quarter],
    );
}
