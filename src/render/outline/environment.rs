//! What must be known before the figures are trusted: warnings, and how they were measured.

use super::{Block, Cell, Section, Tone};
use crate::postgres::{RelationName, Version};
use crate::provision::{OsCache, Provider};
use crate::report::Report;
use crate::units;

/// So many tables are named with their rows.
const TABLES_NAMED: usize = 4;

pub(super) fn warnings(report: &Report) -> Option<Section> {
    let several = report.runs.len() > 1;
    let of_runs = report.runs.iter().enumerate().flat_map(|(at, run)| {
        run.warnings.iter().map(move |text| match several {
            true => format!("run {}: {text}", at + 1),
            false => text.clone(),
        })
    });
    let blocks: Vec<Block> = report
        .warnings
        .iter()
        .cloned()
        .chain(of_runs)
        .map(|text| Block::marked(Cell::new("!", Tone::Careful), text))
        .collect();
    (!blocks.is_empty()).then(|| Section::new("Warnings", blocks))
}

pub(super) fn section(report: &Report) -> Section {
    let mut lines = vec![server(report)];
    lines.extend(settings(report));
    lines.push(data(report));
    lines.extend(os_cache(report));
    lines.push(tool(report));
    Section::new(
        "How it was measured",
        lines.into_iter().map(Block::line).collect(),
    )
}

fn server(report: &Report) -> String {
    let environment = &report.environment;
    let mut versions: Vec<Version> = report.runs.iter().map(|run| run.postgres).collect();
    versions.extend(environment.postgres_version);
    versions.sort_unstable();
    versions.dedup();
    let versions: Vec<String> = versions.iter().map(Version::to_string).collect();
    let runs = match report.runs.len() {
        0 => "No run".to_owned(),
        1 => "One run on a fresh clone".to_owned(),
        n => format!("{n} runs, each on a fresh clone"),
    };
    let from = environment.provider.map(|provider| match provider {
        Provider::Docker => "in Docker",
        Provider::Local => "from local binaries",
        Provider::Url => "on a server named by URL",
    });
    let server = match from {
        Some(from) => format!("PostgreSQL {} {from}", versions.join(", ")),
        None => "no server was started".to_owned(),
    };
    format!(
        "{runs}: {server}; {}, {} of memory.",
        units::counted(u64::from(environment.cpus), "processor", "processors"),
        units::bytes(environment.memory_bytes),
    )
}

fn data(report: &Report) -> String {
    let dataset = &report.dataset;
    if dataset.rows.is_empty() {
        return format!("Dataset {}: not seeded.", dataset.name);
    }
    let mut tables: Vec<(&String, &u64)> = dataset.rows.iter().collect();
    tables.sort_by_key(|(name, rows)| (std::cmp::Reverse(**rows), *name));
    let named = tables.iter().take(TABLES_NAMED).map(|(table, rows)| {
        let name = RelationName::from((*table).clone());
        format!("{} {}", units::count(**rows), super::locks::short(&name))
    });
    let mut named: Vec<String> = named.collect();
    if tables.len() > TABLES_NAMED {
        let more = (tables.len() - TABLES_NAMED) as u64;
        named.push(units::counted(more, "table more", "tables more"));
    }
    format!(
        "Dataset {}: {}; {} in all.",
        dataset.name,
        named.join(", "),
        units::bytes(dataset.bytes)
    )
}

/// The user's own, with the values that are in force.
fn settings(report: &Report) -> Option<String> {
    let environment = &report.environment;
    let in_force = |name: &str| {
        let settings = environment.settings.iter();
        let mut same = settings.filter(|(other, _)| other.eq_ignore_ascii_case(name));
        same.next().map(|(_, value)| value)
    };
    let brought = environment.settings_brought.iter();
    let brought: Vec<String> = brought
        .map(|(name, value)| format!("{name} {}", in_force(name).unwrap_or(value)))
        .collect();
    let mut sentences = Vec::new();
    if !brought.is_empty() {
        sentences.push(format!("Settings of yours: {}.", brought.join(", ")));
    }
    if !environment.settings_ignored.is_empty() {
        let ignored = environment.settings_ignored.join(", ");
        sentences.push(format!("Not taken over: {ignored}."));
    }
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

fn os_cache(report: &Report) -> Option<String> {
    let text = match report.environment.os_cache? {
        OsCache::Warm => {
            "Warm cache: the server started with empty shared_buffers, and with its files as copying them \
             had left them in the system's memory."
        }
        OsCache::Cold => {
            "Cold cache: the server started with empty shared_buffers, and none of its files was in the \
             system's memory; what the traffic had touched was, when the migration began."
        }
    };
    (!report.runs.is_empty()).then(|| text.to_owned())
}

fn tool(report: &Report) -> String {
    format!(
        "pgrehearse {}, {}, scenario {} ({}).",
        report.tool_version, report.started_at, report.scenario.name, report.scenario.hash
    )
}
