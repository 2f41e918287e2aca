//! What differs between two rehearsals beside what is compared. Each difference is said aloud, because
//! a figure may differ for it alone.

use std::collections::BTreeSet;

use crate::postgres::Version;
use crate::provision::{OsCache, Provider};
use crate::report::Report;
use crate::units;

pub(super) fn of(base: &Report, head: &Report) -> Vec<String> {
    let found = [
        scenario(base, head),
        dataset(base, head),
        rows(base, head),
        postgres(base, head),
        provider(base, head),
        machine(base, head),
        settings(base, head),
        turns(base, head),
        os_cache(base, head),
    ];
    let mut notes: Vec<String> = found.into_iter().flatten().collect();
    if versions(base) != versions(head) {
        notes.extend(several_versions("base", base));
        notes.extend(several_versions("head", head));
    }
    notes
}

/// The versions of the runs, each once, oldest first.
pub(super) fn versions(report: &Report) -> Vec<Version> {
    let versions: BTreeSet<Version> = report.runs.iter().map(|run| run.postgres).collect();
    if versions.is_empty() {
        report.environment.postgres_version.into_iter().collect()
    } else {
        versions.into_iter().collect()
    }
}

fn scenario(base: &Report, head: &Report) -> Option<String> {
    let (base, head) = (&base.scenario, &head.scenario);
    if base.name != head.name {
        return Some(format!(
            "different scenarios: {} against {}",
            base.name, head.name
        ));
    }
    (base.hash != head.hash).then(|| {
        format!(
            "scenario {} has changed: its scripts, queries, load or steps are not the same ({} against {})",
            base.name, base.hash, head.hash
        )
    })
}

fn dataset(base: &Report, head: &Report) -> Option<String> {
    let (base, head) = (&base.dataset, &head.dataset);
    if base.name != head.name {
        return Some(format!(
            "different datasets: {} against {}",
            base.name, head.name
        ));
    }
    // Another number of rows is another hash too, and says more.
    (base.hash != head.hash && base.rows == head.rows).then(|| {
        format!(
            "dataset {} has changed: its schema or its description is not the same ({} against {})",
            base.name, base.hash, head.hash
        )
    })
}

fn rows(base: &Report, head: &Report) -> Option<String> {
    let (base, head) = (&base.dataset.rows, &head.dataset.rows);
    let tables: BTreeSet<&String> = base.keys().chain(head.keys()).collect();
    let (table, of_base, of_head) = tables
        .into_iter()
        .map(|table| (table, base.get(table).copied(), head.get(table).copied()))
        .filter(|(_, base, head)| base != head)
        .max_by_key(|(_, base, head)| base.max(head).unwrap_or(0))?;
    let count = |rows: Option<u64>| rows.map_or("none".to_owned(), units::count);
    Some(format!(
        "different numbers of rows: {table} {} against {}",
        count(of_base),
        count(of_head)
    ))
}

fn postgres(base: &Report, head: &Report) -> Option<String> {
    let (base, head) = (versions(base), versions(head));
    (base != head).then(|| {
        format!(
            "different versions of PostgreSQL: {} against {}",
            list(&base),
            list(&head)
        )
    })
}

fn provider(base: &Report, head: &Report) -> Option<String> {
    let (base, head) = (base.environment.provider, head.environment.provider);
    let name = |provider| match provider {
        Some(Provider::Docker) => "docker",
        Some(Provider::Local) => "local",
        Some(Provider::Url) => "url",
        None => "none",
    };
    (base != head).then(|| {
        let (base, head) = (name(base), name(head));
        format!("different providers: {base} against {head}")
    })
}

fn machine(base: &Report, head: &Report) -> Option<String> {
    let (base, head) = (&base.environment, &head.environment);
    let mut differs = Vec::new();
    if base.cpus != head.cpus {
        differs.push(format!("{} against {} processors", base.cpus, head.cpus));
    }
    if !alike(base.memory_bytes, head.memory_bytes) {
        let [base, head] = [base, head].map(|one| units::bytes(one.memory_bytes));
        differs.push(format!("{base} against {head} of memory"));
    }
    (!differs.is_empty()).then(|| format!("different machines: {}", differs.join(", ")))
}

/// Whether two machines may be the same by their memory: another kernel leaves a little more or less of it.
pub(super) fn alike(one: u64, other: u64) -> bool {
    one.abs_diff(other) <= one.max(other) / 100
}

fn settings(base: &Report, head: &Report) -> Option<String> {
    let (base, head) = (&base.environment.settings, &head.environment.settings);
    let names: BTreeSet<&String> = base.keys().chain(head.keys()).collect();
    let value = |value: Option<&String>| value.map_or("not set", |value| value).to_owned();
    let different: Vec<String> = names
        .into_iter()
        .filter(|name| base.get(*name) != head.get(*name))
        .map(|name| {
            format!(
                "{name} {} against {}",
                value(base.get(name)),
                value(head.get(name))
            )
        })
        .collect();
    (!different.is_empty()).then(|| format!("different settings: {}", different.join(", ")))
}

/// Between two reports that were measured one after the other, the machine itself may have changed.
fn turns(base: &Report, head: &Report) -> Option<String> {
    let together = base.in_turns_since.is_some() && base.in_turns_since == head.in_turns_since;
    let apart = !together && base.started_at != head.started_at;
    apart.then(|| {
        "not measured in turns: the machine may have been another then (run with --against does)"
            .to_owned()
    })
}

fn os_cache(base: &Report, head: &Report) -> Option<String> {
    // A report of an older version does not say.
    let (base, head) = (base.environment.os_cache?, head.environment.os_cache?);
    let name = |cache| match cache {
        OsCache::Warm => "warm",
        OsCache::Cold => "cold",
    };
    (base != head).then(|| {
        let (base, head) = (name(base), name(head));
        format!("different starts: with a {base} cache against a {head} one")
    })
}

fn several_versions(side: &str, report: &Report) -> Option<String> {
    let versions = versions(report);
    (versions.len() > 1).then(|| {
        format!(
            "the runs of {side} on PostgreSQL {} are taken together",
            list(&versions)
        )
    })
}

fn list(versions: &[Version]) -> String {
    if versions.is_empty() {
        return "none".to_owned();
    }
    let versions: Vec<String> = versions.iter().map(Version::to_string).collect();
    versions.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_setting_and_another_cache_are_noted() {
        let text = include_str!("../../tests/fixtures/reports/create-index.json");
        let mut base = Report::read(text).unwrap();
        base.environment.os_cache = Some(OsCache::Warm);
        let mut head = base.clone();
        assert_eq!(of(&base, &head), [""; 0]);
        head.environment.os_cache = Some(OsCache::Cold);
        let settings = &mut head.environment.settings;
        settings.insert("work_mem".to_owned(), "64MB".to_owned());
        let of_base = base.environment.settings.get("work_mem");
        let of_base = of_base.map_or("not set", |value| value);
        assert_eq!(
            of(&base, &head),
            [
                format!("different settings: work_mem {of_base} against 64MB"),
                "different starts: with a warm cache against a cold one".to_owned(),
            ]
        );
        // An older report does not say.
        base.environment.os_cache = None;
        assert_eq!(of(&base, &head).len(), 1);
    }
}
