//! A completed dataset in the form of its file, with a reason behind each line.

use std::fmt::Write;

use serde::Serialize;

use super::dataset::TableSpec;
use super::infer::Inferred;
use super::structure::Structure;

/// Reasons begin here, where lines are shorter.
const REASON_AT: usize = 60;

/// The dataset file: read back, it gives exactly the same tables. Columns in the order of the table.
pub fn toml(inferred: &Inferred, structure: &Structure) -> String {
    let mut out = format!(
        "main = {}\nseed = {}\n",
        inline(&inferred.main),
        inferred.seed
    );
    for (name, spec) in &inferred.tables {
        let reasons = inferred.reasons.get(name);
        let why_rows = reasons.map_or("", |reasons| reasons.rows.as_str());
        let _ = write!(out, "\n[tables.{}]", key(name));
        let size = size(spec);
        if size.is_empty() && !why_rows.is_empty() {
            let _ = write!(out, "  # {}", one_line(why_rows));
        }
        out.push('\n');
        for (at, line_of) in size.iter().enumerate() {
            line(&mut out, line_of, if at == 0 { why_rows } else { "" });
        }
        columns(&mut out, name, spec, structure, inferred);
    }
    for (name, why) in &inferred.empty {
        let _ = write!(out, "\n[tables.{}]\nempty = {}\n", key(name), inline(why));
    }
    out
}

/// What is said of a table before its columns.
fn size(spec: &TableSpec) -> Vec<String> {
    let mut lines = Vec::new();
    let mut say = |key: &str, value: Option<String>| {
        lines.extend(value.map(|value| format!("{key} = {value}")));
    };
    say("rows", spec.rows.map(|rows| rows.to_string()));
    say("rows_per_main", spec.rows_per_main.as_ref().map(inline));
    say("children_of", spec.children_of.as_ref().map(inline));
    say("kept", spec.kept.then(|| "true".to_owned()));
    say(
        "unique",
        (!spec.unique.is_empty()).then(|| inline(&spec.unique)),
    );
    say("aged", spec.aged.as_ref().map(inline));
    say("cases", (!spec.cases.is_empty()).then(|| cases(spec)));
    lines
}

/// One case a line.
fn cases(spec: &TableSpec) -> String {
    let cases: Vec<String> = spec
        .cases
        .iter()
        .map(|case| format!("    {},\n", inline(case)))
        .collect();
    format!("[\n{}]", cases.concat())
}

fn columns(
    out: &mut String,
    name: &str,
    spec: &TableSpec,
    structure: &Structure,
    inferred: &Inferred,
) {
    if spec.columns.is_empty() {
        return;
    }
    let _ = write!(out, "\n[tables.{}.columns]\n", key(name));
    let in_table = structure
        .tables
        .get(name)
        .into_iter()
        .flat_map(|table| &table.columns);
    let ordered: Vec<&String> = in_table.map(|column| &column.name).collect();
    let others = spec
        .columns
        .keys()
        .filter(|column| !ordered.contains(column));
    for column in ordered.iter().copied().chain(others) {
        let Some(generator) = spec.columns.get(column) else {
            continue;
        };
        let reasons = inferred.reasons.get(name);
        let why = reasons.and_then(|reasons| reasons.columns.get(column));
        let text = format!("{} = {}", key(column), inline(generator));
        line(out, &text, why.map_or("as described", String::as_str));
    }
}

fn line(out: &mut String, text: &str, why: &str) {
    if why.is_empty() {
        let _ = writeln!(out, "{text}");
    } else {
        let _ = writeln!(out, "{text:<REASON_AT$}  # {}", one_line(why));
    }
}

/// A comment ends with its line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A key, quoted where it must be.
pub fn key(name: &str) -> String {
    let is_bare = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    if !name.is_empty() && name.chars().all(is_bare) {
        name.to_owned()
    } else {
        inline(&name)
    }
}

/// A value as TOML has it within a line.
pub fn inline<T: Serialize + ?Sized>(value: &T) -> String {
    let mut out = String::new();
    let written = value.serialize(toml::ser::ValueSerializer::new(&mut out));
    written.expect("what a dataset holds can be written as TOML");
    out
}
