//! Traffic that a server has counted: the texts of `pg_stat_statements`, with values for their parameters.

mod places;

use std::collections::{BTreeMap, BTreeSet};

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::data::{Bindings, Data, Subject};
use super::values::{Made, by_name, looked_for};
use crate::plan::scenario::QueryFile;
use crate::plan::statement::{ParsedQuery, parse_query};
use crate::rehearse::workload::Param;
use crate::seed::dataset::TableSpec;
use crate::seed::generators::{GeneratorSpec, int::Int};
use crate::seed::schema::identifier;
use crate::seed::structure::{KeyPart, Structure};
use places::{Place, place, relations};

/// A row of `pg_stat_statements`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The normalised text, with `$1` for each constant.
    pub sql: String,
    pub calls: u64,
}

/// What the rows come to.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// The most common first; weights are per cent of all calls.
    pub queries: Vec<QueryFile>,
    /// The most common first.
    pub left_out: Vec<LeftOut>,
}

/// A statement that cannot be sent again.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftOut {
    pub sql: String,
    /// A lower-case fragment.
    pub why: String,
    /// Its part of all calls, from 0 to 1.
    pub share: f64,
}

/// Makes queries of what was counted. Each parameter gets values of the column that it is compared with, inserted into
/// or set. Statements that begin or end transactions count for nothing.
pub fn queries(
    observed: &[Observed],
    structure: &Structure,
    tables: &BTreeMap<String, TableSpec>,
    rows: &BTreeMap<String, u64>,
) -> Traffic {
    let data = Data {
        structure,
        tables,
        rows,
    };
    let mut sorted: Vec<&Observed> = observed.iter().filter(|row| !is_frame(&row.sql)).collect();
    sorted.sort_by_key(|row| std::cmp::Reverse(row.calls));
    let all: u64 = sorted.iter().map(|row| row.calls).sum();
    let mut traffic = Traffic::default();
    let mut names = BTreeSet::new();
    for row in sorted {
        let share = row.calls as f64 / all.max(1) as f64;
        match query(data, &row.sql) {
            Ok((name, sql, params)) => traffic.queries.push(QueryFile {
                name: super::unique(&mut names, &name),
                weight: Some(super::rounded(100.0 * share)),
                sql,
                params,
                kind: None,
            }),
            Err(why) => traffic.left_out.push(LeftOut {
                sql: row.sql.clone(),
                why,
                share,
            }),
        }
    }
    traffic
}

/// What stands around queries, not for one.
fn is_frame(sql: &str) -> bool {
    let word = sql.trim().split(|c: char| !c.is_ascii_alphabetic()).next();
    let word = word.unwrap_or_default().to_ascii_lowercase();
    [
        "begin",
        "start",
        "commit",
        "end",
        "rollback",
        "abort",
        "savepoint",
        "release",
        "set",
        "reset",
        "show",
        "discard",
    ]
    .contains(&word.as_str())
}

fn query(data: Data<'_>, sql: &str) -> Result<(String, String, Vec<Param>), String> {
    let parsed = parse_query(sql).map_err(|mistake| mistake.message)?;
    let verb = match parsed.node.kind() {
        SyntaxKind::SELECT | SyntaxKind::COMPOUND_SELECT | SyntaxKind::PAREN_SELECT => "select",
        SyntaxKind::INSERT => "insert",
        SyntaxKind::UPDATE => "update",
        SyntaxKind::DELETE => "delete",
        _ => return Err("it is neither SELECT nor INSERT, UPDATE or DELETE".to_owned()),
    };
    let relations = relations(&parsed.node);
    if let Some(system) = relations.iter().find(|r| r.name.starts_with("pg_")) {
        return Err(format!("it asks the system's {}", system.name));
    }
    let (sql, params) = bound(data, &parsed, &relations, sql)?;
    let table = relations
        .first()
        .map_or("", |relation| relation.name.as_str());
    Ok((format!("{table} {verb}").trim().to_owned(), sql, params))
}

/// The text with each `$1` as it is to be sent.
fn bound(
    data: Data<'_>,
    parsed: &ParsedQuery,
    relations: &[places::Relation],
    sql: &str,
) -> Result<(String, Vec<Param>), String> {
    let mut bindings = Bindings::default();
    let mut written: BTreeMap<usize, String> = BTreeMap::new();
    let mut edits = Vec::new();
    for literal in parsed
        .node
        .descendants()
        .filter(|node| node.kind() == SyntaxKind::LITERAL)
    {
        let text = literal.text().to_string();
        let Some(number) = text.strip_prefix('$').and_then(|n| n.parse::<usize>().ok()) else {
            continue;
        };
        let value = match written.get(&number) {
            Some(value) => value.clone(),
            None => value(data, relations, &literal, &mut bindings)
                .map_err(|why| format!("{text} {why}"))?,
        };
        written.insert(number, value.clone());
        edits.push((literal.text_range(), value));
    }
    if parsed
        .params
        .iter()
        .any(|number| !written.contains_key(number))
    {
        return Err("a parameter stands where no value does".to_owned());
    }
    let offset = usize::from(parsed.node.text_range().start());
    let mut out = sql[offset..usize::from(parsed.node.text_range().end())].to_owned();
    for (range, value) in edits.into_iter().rev() {
        let (start, end) = (usize::from(range.start()), usize::from(range.end()));
        out.replace_range(start - offset..end - offset, &value);
    }
    Ok((out.trim().trim_end_matches(';').to_owned(), bindings.0))
}

fn value(
    data: Data<'_>,
    relations: &[places::Relation],
    literal: &SyntaxNode,
    bindings: &mut Bindings,
) -> Result<String, String> {
    let nothing = || "is neither compared with a column nor put into one".to_owned();
    let made = |min, max, skew| Param::Made(GeneratorSpec::Int(Int { min, max, skew }));
    let (node, is_new, is_array) = match place(literal).ok_or_else(nothing)? {
        Place::Limit => return Ok(bindings.bind(made(10, 50, 0.0))),
        Place::Offset => return Ok(bindings.bind(made(0, 100, 1.0))),
        Place::Result => return Ok("1".to_owned()),
        Place::Compared { with, in_array } => (with, false, in_array),
        Place::Put { into } => (into, true, false),
        Place::PutAt { into, at } => {
            let subject = target(data, relations, &into).ok_or_else(nothing)?;
            let column = subject.table.columns.get(at).ok_or_else(nothing)?;
            return new_value(subject, &column.name, bindings);
        }
    };
    let (subject, column) = column(data, relations, &node).ok_or_else(nothing)?;
    if is_new {
        return match node
            .ancestors()
            .any(|outer| outer.kind() == SyntaxKind::INSERT)
        {
            true => new_value(subject, &column, bindings),
            false => set_value(subject, &column, bindings),
        };
    }
    let value = looked_for(subject, &column, 0.5, bindings)
        .or_else(|| Some(Made::of(subject, &column)?.bind(bindings)));
    let value = value.ok_or_else(|| no_values(subject, &column))?;
    Ok(match is_array {
        true => format!("ARRAY[{value}]"),
        false => value,
    })
}

fn no_values(subject: Subject<'_>, column: &str) -> String {
    format!(
        "is for {}.{column}, of which no values are known",
        subject.name
    )
}

/// A value for a row that is new: one that no key forbids.
fn new_value(
    subject: Subject<'_>,
    column: &str,
    bindings: &mut Bindings,
) -> Result<String, String> {
    let mut keys = subject.table.keys.iter();
    let in_key = keys.any(|key| {
        key.parts
            .iter()
            .flat_map(KeyPart::columns)
            .any(|c| c == column)
    });
    let made = Made::of(subject, column);
    if in_key && !made.is_some_and(|made| made.is_new()) {
        return Err(format!(
            "is for {}.{column}, where a new row needs a new value",
            subject.name
        ));
    }
    set_value(subject, column, bindings)
}

fn set_value(
    subject: Subject<'_>,
    column: &str,
    bindings: &mut Bindings,
) -> Result<String, String> {
    if let Some(key) = subject.foreign_key(column) {
        let parent = by_name(&key.parent, &key.parent_columns[0], 0.5);
        let parent = parent.filter(|_| subject.data.rows(&key.parent) > 0);
        return parent
            .map(|param| bindings.bind(param))
            .ok_or_else(|| no_values(subject, column));
    }
    let made = Made::of(subject, column).map(|made| made.bind(bindings));
    made.ok_or_else(|| no_values(subject, column))
}

/// The table and the column that an expression names first.
fn column<'a>(
    data: Data<'a>,
    relations: &[places::Relation],
    node: &SyntaxNode,
) -> Option<(Subject<'a>, String)> {
    for inner in node.descendants() {
        let found = match inner.kind() {
            SyntaxKind::FIELD_EXPR => {
                let mut parts = inner.children();
                let (base, column) = (identifier(&parts.next()?)?, identifier(&parts.next()?)?);
                let relation = relations.iter().find(|relation| relation.alias == base);
                relation.and_then(|relation| Some((subject(data, relation)?, column)))
            }
            SyntaxKind::NAME_REF | SyntaxKind::COLUMN_NAME_REF => {
                let column = identifier(&inner)?;
                let mut subjects = relations
                    .iter()
                    .filter_map(|relation| subject(data, relation));
                let subject = subjects.find(|subject| subject.column(&column).is_some());
                subject.map(|subject| (subject, column))
            }
            _ => None,
        };
        if let Some((subject, column)) = found.filter(|(subject, c)| subject.column(c).is_some()) {
            return Some((subject, column));
        }
    }
    None
}

/// The table that an INSERT puts rows into.
fn target<'a>(
    data: Data<'a>,
    relations: &[places::Relation],
    insert: &SyntaxNode,
) -> Option<Subject<'a>> {
    let start = usize::from(insert.text_range().start());
    let first = relations.iter().find(|relation| relation.byte >= start)?;
    subject(data, first)
}

/// The table of that name: in the schema that is written, else in `public` before any other.
fn subject<'a>(data: Data<'a>, relation: &places::Relation) -> Option<Subject<'a>> {
    if let Some(schema) = relation
        .schema
        .as_deref()
        .filter(|schema| *schema != "public")
    {
        return data.subject(&format!("{schema}.{}", relation.name));
    }
    data.subject(&relation.name).or_else(|| {
        let end = format!(".{}", relation.name);
        let mut names = data.structure.tables.keys();
        data.subject(names.find(|name| name.ends_with(&end))?)
    })
}

#[cfg(test)]
mod tests;
