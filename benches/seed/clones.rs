//! What a run's clean start costs beside `cp` of the same bytes.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use pgrehearse::provision::{Manifest, Role, Settings};
use pgrehearse::rehearse::clock::Clock;
use pgrehearse::seed;
use pgrehearse::talk::Talk;

use crate::ground::{median, number};
use crate::{local, tables};

/// Clones a template and copies its files, in turn.
pub(crate) async fn beside_cp(rows: u64) -> Result<()> {
    let (host, dir) = local::open().await?;
    let empty = host.start_empty("bench").await?;
    let seeded = seed::fill(
        &empty.config(Role::Migration),
        &tables::eight().spec(rows, 2)?,
        &Talk::silent(),
    )
    .await?;
    let manifest = Manifest {
        dataset: "bench".to_owned(),
        rows: seeded.rows,
        bytes: seeded.bytes,
        seeded_in_ms: 0,
        postgres_version: empty.version(),
        tables: serde_json::Value::Null,
    };
    let template = host.seal(empty, manifest).await?;
    let templates = dir.path().join("cache/local");
    let copy = dir.path().join("copy");
    let clock = Clock::start();
    let (mut clones, mut copies) = (Vec::new(), Vec::new());
    for _ in 0..number("ROUNDS", 5) {
        let start = clock.now();
        copied(&templates, &copy)?;
        copies.push(clock.now().since(start).as_secs_f64());
        std::fs::remove_dir_all(&copy)?;
        let start = clock.now();
        let clone = host.start_clone(&template, &Settings::new()).await?;
        clones.push(clock.now().since(start).as_secs_f64());
        drop(clone);
    }
    let ratios = clones.iter().zip(&copies).map(|(clone, copy)| clone / copy);
    println!(
        "a clone of {} MB: {:.2} s until its server answers; cp and sync of the same files: {:.2} s; ratio {:.3}",
        template.manifest.bytes >> 20,
        median(clones.iter().copied()),
        median(copies.iter().copied()),
        median(ratios)
    );
    Ok(())
}

/// Copies all, and waits until it is on disk, as a clone is.
fn copied(from: &Path, to: &Path) -> Result<()> {
    let script = "cp -a --reflink=never \"$0\" \"$1\" && sync -f \"$1\"";
    let ended = Command::new("sh")
        .arg("-c")
        .arg(script)
        .args([from, to])
        .status()?;
    if !ended.success() {
        bail!("cp failed");
    }
    Ok(())
}
