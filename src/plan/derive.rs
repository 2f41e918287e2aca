//! Traffic where nobody described any: the queries that an application with this schema would send.

mod data;
mod values;
mod row;
mod reads;
mod writes;
mod insert;
pub mod observed;

use std::collections::{BTreeMap, BTreeSet};

use super::scenario::QueryFile;
use crate::seed::dataset::TableSpec;
use crate::seed::structure::Structure;
use data::{Bindings, Data, Subject};

/// So many queries are enough, but for tables that must have all of theirs.
const QUERIES_MAX: usize = 60;

/// So many of a table that need not have all.
const OF_A_TABLE_MAX: usize = 8;

/// Per cent of the traffic that only read.
const READS: f64 = 88.0;

/// A table with fewer rows is a list of settings: an application reads it, and its few rows would be in each other's way.
const WRITTEN_MIN: u64 = 100;

/// The queries that an application with this schema would send, largest and most referenced tables first.
///
/// `tables` is how each table is filled, `rows` how many rows it has; one without rows gets no queries. The tables in
/// `always` get all their queries and come as often as the most common. Of the others the largest and most referenced
/// get theirs, up to about sixty queries in all. The weights sum to about 100.
pub fn queries(
    structure: &Structure,
    tables: &BTreeMap<String, TableSpec>,
    rows: &BTreeMap<String, u64>,
    always: &BTreeSet<String>,
) -> Vec<QueryFile> {
    let data = Data {
        structure,
        tables,
        rows,
    };
    let mut ranked = ranked(data, always);
    let greatest = ranked
        .iter()
        .map(|ranked| ranked.importance)
        .fold(0.0, f64::max);
    let mut drafts: Vec<Draft> = Vec::new();
    // Those that must be in take their room first.
    ranked.sort_by_key(|ranked| !ranked.always);
    for ranked in &mut ranked {
        let mut own = of_table(ranked.subject, ranked.always);
        if ranked.always {
            ranked.importance = greatest;
        } else {
            own.sort_by(|a, b| b.weight.total_cmp(&a.weight));
            own.truncate(OF_A_TABLE_MAX.min(QUERIES_MAX.saturating_sub(drafts.len())));
        }
        for draft in &mut own {
            draft.importance = ranked.importance;
            draft.weight *= ranked.importance;
        }
        drafts.extend(own);
    }
    drafts.sort_by(|a, b| b.importance.total_cmp(&a.importance));
    finished(drafts)
}

/// A query before it is known how often it comes beside the others.
struct Draft {
    name: String,
    reads: bool,
    weight: f64,
    importance: f64,
    sql: String,
    bindings: Bindings,
}

impl Draft {
    /// `weight` is relative to the table's other queries.
    fn new(name: String, weight: f64, sql: String, bindings: Bindings) -> Draft {
        Draft {
            reads: sql.starts_with("SELECT"),
            importance: 0.0,
            name,
            weight,
            sql,
            bindings,
        }
    }
}

struct Ranked<'a> {
    subject: Subject<'a>,
    always: bool,
    importance: f64,
}

/// All tables with rows but partitions, the largest and most referenced first.
fn ranked<'a>(data: Data<'a>, always: &BTreeSet<String>) -> Vec<Ranked<'a>> {
    let whole = |name: &&String| data.structure.tables[*name].partition_of.is_none();
    let names = data.structure.tables.keys().filter(whole);
    let subjects = names.filter_map(|name| data.subject(name).filter(|subject| subject.rows() > 0));
    let mut ranked: Vec<Ranked<'_>> = subjects
        .map(|subject| {
            let children = data.references(subject.name).count();
            // A table of ten million rows comes ten times as often as one of a thousand.
            let importance = (subject.rows() as f64).powf(0.25) * (1.0 + children as f64).sqrt();
            Ranked {
                subject,
                always: always.contains(subject.name),
                importance,
            }
        })
        .collect();
    ranked.sort_by(|a, b| b.importance.total_cmp(&a.importance));
    ranked
}

fn of_table(subject: Subject<'_>, always: bool) -> Vec<Draft> {
    let mut drafts = reads::all(subject);
    if !subject.table.has_rules && (always || subject.rows() >= WRITTEN_MIN) {
        drafts.extend(insert::insert(subject));
        drafts.extend(writes::update(subject));
        drafts.extend(writes::delete_and_insert(subject));
    }
    drafts
}

/// Names that differ, and weights that share the traffic among reads and writes.
fn finished(drafts: Vec<Draft>) -> Vec<QueryFile> {
    let sum = |reads: bool| -> f64 {
        let own = drafts.iter().filter(|draft| draft.reads == reads);
        own.map(|draft| draft.weight).sum()
    };
    let (all_reads, all_writes) = (sum(true), sum(false));
    let mut names = BTreeSet::new();
    let mut queries = Vec::new();
    for draft in drafts {
        let share = match draft.reads {
            true => READS / all_reads,
            false => (100.0 - READS) / all_writes,
        };
        queries.push(QueryFile {
            name: unique(&mut names, &draft.name),
            weight: Some(rounded(draft.weight * share)),
            sql: draft.sql,
            params: draft.bindings.0,
            kind: None,
        });
    }
    queries
}

/// The name, with a number where another query has it already.
fn unique(names: &mut BTreeSet<String>, wanted: &str) -> String {
    let mut name = wanted.to_owned();
    let mut number = 1;
    while !names.insert(name.clone()) {
        number += 1;
        name = format!("{wanted} {number}");
    }
    name
}

/// A weight that people read.
fn rounded(weight: f64) -> f64 {
    ((weight * 100.0).round() / 100.0).max(0.01)
}

#[cfg(test)]
mod tests;
