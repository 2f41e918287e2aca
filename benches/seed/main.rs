//! How near seeding comes to what the server takes: `cargo bench --bench seed`.
//!
//! On one server, in turn: rows made on the fly, rows ready in memory through the same client (the ceiling), and `psql`
//! with files made before, two of it. What counts is the ratio within a round, and the median of those; the CPU of
//! client and server per row is a guide on a machine that is not quiet. Set `ROWS`, `ROUNDS` and `STREAMS`, and `PART`
//! to one of eight, wide, references, json, pgbench, sizes, clone, tables.

#![expect(clippy::print_stdout, reason = "a bench shows what it measured")]

#[path = "../load/local.rs"]
mod local;
mod clones;
mod ground;
mod tables;
mod ways;

use anyhow::Result;
use ground::{Cost, Ground, median, number};
use tables::Table;
use ways::{Way, Ways};

#[tokio::main]
async fn main() -> Result<()> {
    let rows = number("ROWS", 2_000_000);
    let part = std::env::var("PART").ok();
    let is_wanted = |name: &str| part.as_deref().is_none_or(|part| part == name);
    let all = [Way::Made, Way::Ready, Way::PsqlBinary, Way::PsqlCsv];
    for (name, table, ways) in [
        ("eight", tables::eight(), &all[..]),
        ("wide", tables::wide(), &all[..2]),
        ("references", tables::references(), &all[..2]),
        ("json", tables::json(), &all[..2]),
        (
            "pgbench",
            tables::accounts(),
            &[Way::Made, Way::Pgbench][..],
        ),
    ] {
        if is_wanted(name) {
            beside_each_other(&table, rows, ways).await?;
        }
    }
    if is_wanted("sizes") {
        sizes(rows / 2).await?;
    }
    if is_wanted("clone") {
        clones::beside_cp(rows).await?;
    }
    if is_wanted("tables") {
        many_tables(number("TABLES", 1_000)).await?;
    }
    Ok(())
}

/// Fills the table in each of these ways, round after round.
async fn beside_each_other(table: &Table, rows: u64, ways: &[Way]) -> Result<()> {
    let rows = (rows as f64 * table.share) as u64;
    let streams = number("STREAMS", 2) as usize;
    let ground = Ground::open().await?;
    let prepared = Ways::prepare(&ground, table, rows, streams, ways).await?;
    let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); ways.len()];
    for round in 0..number("ROUNDS", 5) as usize {
        for turn in 0..ways.len() {
            // Whoever comes first may find the machine in another state: so they take turns at that too.
            let way = (turn + round) % ways.len();
            costs[way].push(prepared.go(&ground, ways[way]).await?);
        }
    }
    println!("{}, {rows} rows, {streams} streams", table.name);
    println!(
        "                          1000 rows/s   ours/this    CPU us/row (client + server)   ours/this"
    );
    for (way, theirs) in ways.iter().zip(&costs) {
        let speed = median(theirs.iter().map(|cost| rows as f64 / cost.wall_s / 1e3));
        let us = |of: fn(&Cost) -> f64| median(theirs.iter().map(of)) * 1e6 / rows as f64;
        let ratio = |of: fn(&Cost) -> f64| {
            median(
                costs[0]
                    .iter()
                    .zip(theirs)
                    .map(|(ours, this)| of(this) / of(ours)),
            )
        };
        println!(
            "  {:22} {speed:12.0} {:11.3} {:13.2} ({:5.2} + {:5.2}) {:17.3}",
            way.name(),
            ratio(|cost| cost.wall_s),
            us(Cost::cpu_s),
            us(|cost| cost.client_cpu_s),
            us(|cost| cost.server_cpu_s),
            ratio(Cost::cpu_s),
        );
    }
    Ok(())
}

/// What a row costs in a small table and in one of twenty times as many rows.
async fn sizes(rows: u64) -> Result<()> {
    let table = tables::eight();
    let streams = number("STREAMS", 2) as usize;
    let ground = Ground::open().await?;
    let mut first = f64::NAN;
    for times in [1, 20] {
        let prepared = Ways::prepare(&ground, &table, rows * times, streams, &[Way::Made]).await?;
        let cost = prepared.go(&ground, Way::Made).await?;
        let us = |seconds: f64| seconds * 1e6 / (rows * times) as f64;
        if times == 1 {
            first = us(cost.wall_s);
        }
        println!(
            "8 columns, {:9} rows: {:.3} us a row ({:.3} of the small one's), {:.3} us of CPU; peak memory so far {} kB",
            rows * times,
            us(cost.wall_s),
            us(cost.wall_s) / first,
            us(cost.cpu_s()),
            ways::peak_kb()?,
        );
    }
    Ok(())
}

/// A schema of many small tables, from nothing to its statistics.
async fn many_tables(tables: u64) -> Result<()> {
    let ground = Ground::open().await?;
    let table = tables::many(tables);
    let spec = table.spec(100, number("STREAMS", 2) as usize)?;
    let config = ground.config.clone();
    let cost = ground
        .measure(async || {
            pgrehearse::seed::fill(&config, &spec, &ways::talk()).await?;
            Ok(())
        })
        .await?;
    println!(
        "{tables} tables of 100 rows, keys and references: {:.2} s, CPU {:.2} s of the client and {:.2} s of the server",
        cost.wall_s, cost.client_cpu_s, cost.server_cpu_s
    );
    Ok(())
}
