//! The seeded database that every run is cloned from: found in the cache, or made.

use tokio::time::Instant;

use super::error::ROOM_BESIDE_DATA_BYTES;
use super::snapshot::Target;
use super::{Error, Seeded, Source, Spec, fill, snapshot};
use crate::provision::{self, Host, Manifest, Role, Server, Template};
use crate::talk::Talk;
use crate::units;

/// Why there is no template.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error(transparent)]
    Provision(#[from] provision::Error),
    #[error("seeding {dataset}: {source}")]
    Fill { dataset: String, source: Error },
    #[error(
        "--rows {rows} of {dataset} need about {} on the disk of the server's data (the template, a copy for \
         the run, and {} for WAL and temporary files), but only {} are free; ask for fewer rows or free some space",
        units::bytes(*needed_bytes), units::bytes(ROOM_BESIDE_DATA_BYTES), units::bytes(*free_bytes)
    )]
    NoSpace {
        rows: u64,
        dataset: String,
        needed_bytes: u64,
        free_bytes: u64,
    },
    #[error(
        "restoring {dataset} needs at least {} on the disk of the server's data (what the dump has, twice, and {} for \
         WAL and temporary files), but only {} are free; free some space",
        units::bytes(*needed_bytes), units::bytes(ROOM_BESIDE_DATA_BYTES), units::bytes(*free_bytes)
    )]
    NoSpaceToRestore {
        dataset: String,
        needed_bytes: u64,
        free_bytes: u64,
    },
}

/// Finds the template for what is to be filled, or seeds it.
pub async fn obtain(host: &Host, spec: &Spec, talk: &Talk) -> Result<Template, TemplateError> {
    let key = spec.key();
    if let Some(template) = host.template(&key).await? {
        talk.note(format!(
            "dataset {}: found as template {key}, nothing to seed",
            spec.dataset.name
        ));
        return Ok(template);
    }
    let server = host.start_empty(&key).await?;
    check_space(spec, &server).await?;
    let started = Instant::now();
    let seeded = match &spec.dataset.source {
        Source::Schema { .. } | Source::Migrations(_) => {
            fill(&server.config(Role::Migration), spec, talk).await
        }
        Source::Snapshot(dump) => {
            snapshot::restore(&Target::of(&server), dump, spec.workers, talk).await
        }
    };
    let seeded = seeded.map_err(|source| TemplateError::Fill {
        dataset: spec.dataset.name.clone(),
        source,
    })?;
    let took = started.elapsed();
    say_what_is_empty(&seeded, talk);
    talk.note(format!(
        "dataset {}: seeded {} rows, {} in {}",
        spec.dataset.name,
        units::count(seeded.rows.values().sum()),
        units::bytes(seeded.bytes),
        units::duration(took.as_secs_f64() * 1_000.0),
    ));
    let manifest = Manifest {
        dataset: spec.dataset.name.clone(),
        rows: seeded.rows,
        bytes: seeded.bytes,
        seeded_in_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        postgres_version: server.version(),
        tables: serde_json::to_value(&seeded.tables)
            .expect("descriptions of tables are plain data"),
    };
    Ok(host.seal(server, manifest).await?)
}

/// The dataset as its template has it: what it left open was inferred when it was seeded.
pub fn completed(spec: &Spec, manifest: &Manifest) -> Spec {
    let mut spec = spec.clone();
    // A manifest that does not say has a description that says all.
    if let Ok(tables) = serde_json::from_value(manifest.tables.clone()) {
        spec.dataset.tables = tables;
    }
    spec
}

/// Says which tables have no rows, and why.
pub fn say_what_is_empty(seeded: &Seeded, talk: &Talk) {
    for (table, why) in &seeded.empty {
        talk.note(format!("{table} stays empty: {why}"));
    }
}

/// Refuses what cannot fit before the first row is sent. A server that does not tell its space is trusted.
async fn check_space(spec: &Spec, server: &Server) -> Result<(), TemplateError> {
    let Some(free_bytes) = server.free_bytes().await else {
        return Ok(());
    };
    let needed_bytes = spec
        .estimated_bytes()
        .saturating_mul(2)
        .saturating_add(ROOM_BESIDE_DATA_BYTES);
    if needed_bytes <= free_bytes {
        return Ok(());
    }
    let dataset = spec.dataset.name.clone();
    if spec.dataset.snapshot().is_some() {
        return Err(TemplateError::NoSpaceToRestore {
            dataset,
            needed_bytes,
            free_bytes,
        });
    }
    Err(TemplateError::NoSpace {
        rows: spec.rows,
        dataset,
        needed_bytes,
        free_bytes,
    })
}
