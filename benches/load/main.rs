//! Whether the load driver keeps up with pgbench: `cargo bench --bench load`.
//!
//! Both ask the same prepared SELECT of the same server, in turn. Absolute figures are the machine's; what counts
//! is the ratio within a pair of rounds, and the median of those. Set `ROUNDS` and `SECONDS` for more of them.

#![expect(clippy::print_stdout, reason = "a bench shows what it measured")]

mod local;
mod ground;

use std::time::Duration;

use anyhow::Result;
use ground::{Ground, Round, median, number};

#[tokio::main]
async fn main() -> Result<()> {
    let rounds = number("ROUNDS", 9);
    let time = Duration::from_secs(number("SECONDS", 2));
    let ground = Ground::open(&Default::default()).await?;
    for connections in [4, 16] {
        let mut pairs = Vec::new();
        for _ in 0..rounds {
            let theirs = ground.pgbench(connections, time)?;
            let ours = ground.drive(connections, None, time).await?;
            pairs.push((theirs, ours));
        }
        let half = closed(connections, &pairs) / 2.0;
        let mut kept = Vec::new();
        for _ in 0..rounds {
            kept.push(ground.drive(connections, Some(half), time).await?);
        }
        open(connections, half, &kept);
    }
    Ok(())
}

/// Prints what the closed loop reached beside pgbench; our queries per second.
fn closed(connections: usize, pairs: &[(Round, Round)]) -> f64 {
    let row = |name: &str, figure: fn(&Round) -> f64| {
        let theirs = median(pairs.iter().map(|(theirs, _)| figure(theirs)));
        let ours = median(pairs.iter().map(|(_, ours)| figure(ours)));
        let ratios = pairs.iter();
        let ratio = median(ratios.map(|(theirs, ours)| figure(ours) / figure(theirs)));
        println!("{connections:3} clients  {name:24} {theirs:10.2} {ours:10.2} {ratio:7.3}");
        ours
    };
    println!("                                        pgbench       ours   ratio");
    row("client CPU, us per query", |round| {
        round.client_cpu_us_per_query
    });
    row("queries per second", |round| round.queries_per_s)
}

/// Prints how an open loop of this rate was kept.
fn open(connections: usize, arrivals_per_s: f64, kept: &[Round]) {
    let of = |figure: &dyn Fn(&Round) -> f64| median(kept.iter().map(figure));
    println!(
        "{connections:3} clients  open loop of {arrivals_per_s:.0}/s: {:.4} of it came, {:.3} ms late (p50), \
         {:.3} ms (p99), {:.2} us of CPU per query",
        of(&|round| round.queries_per_s / arrivals_per_s),
        of(&|round| round.lag_ms(0.5)),
        of(&|round| round.lag_ms(0.99)),
        of(&|round| round.client_cpu_us_per_query),
    );
}
