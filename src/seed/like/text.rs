//! The description and the schema as files.

use std::fmt::Write;

use serde::Serialize;

use super::Like;
use crate::postgres::Version;
use crate::seed::dataset::TableSpec;
use crate::seed::snapshot::script::Script;

/// `dataset.toml`: a line for each column, with its reason.
pub fn dataset_toml(like: &Like) -> String {
    let description = &like.description;
    let mut text = String::new();
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    for note in &like.notes {
        line(format!("# {note}"));
    }
    line(format!("about = {}", inline(&description.about)));
    line(format!("main = {}", inline(&description.main)));
    line(format!("seed = {}", description.seed));
    line("# Columns that are not here are inferred from the schema.".to_owned());
    line("infer = true".to_owned());
    for (name, table) in &description.tables {
        let reason = |column: &str| {
            let key = (name.clone(), column.to_owned());
            like.reasons
                .get(&key)
                .map(String::as_str)
                .unwrap_or_default()
        };
        line(String::new());
        line(with_reason(format!("[tables.{}]", key(name)), reason("")));
        for size in sizes(table) {
            line(size);
        }
        let left_open = like
            .reasons
            .keys()
            .filter(|(table, column)| table == name && !column.is_empty());
        let left_open: Vec<&str> = left_open
            .map(|(_, column)| column.as_str())
            .filter(|column| !table.columns.contains_key(*column))
            .collect();
        if !table.columns.is_empty() {
            line(format!("[tables.{}.columns]", key(name)));
        }
        for (column, generator) in &table.columns {
            let written = format!("{} = {}", key(column), inline(generator));
            line(with_reason(written, reason(column)));
        }
        for column in left_open {
            line(format!(
                "# {}: {}",
                one_line(column),
                one_line(reason(column))
            ));
        }
    }
    text
}

fn sizes(table: &TableSpec) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(table.rows.map(|rows| format!("rows = {rows}")));
    lines.extend(
        table
            .rows_per_main
            .map(|ratio| format!("rows_per_main = {ratio:?}")),
    );
    lines.extend(
        table
            .empty
            .as_ref()
            .map(|why| format!("empty = {}", inline(why))),
    );
    lines.extend(
        table
            .aged
            .as_ref()
            .map(|aged| format!("aged = {}", inline(aged))),
    );
    lines
}

fn with_reason(written: String, reason: &str) -> String {
    match reason {
        "" => written,
        reason => format!("{written}  # {}", one_line(reason)),
    }
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

fn inline(value: &impl Serialize) -> String {
    let value = toml::Value::try_from(value).expect("a description is plain data");
    value.to_string()
}

/// Bare where TOML allows it.
fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    match !name.is_empty() && name.chars().all(is_bare) {
        true => name.to_owned(),
        false => inline(&name),
    }
}

/// What `pg_dump --schema-only` wrote, without owners, rights, and what is only for psql.
pub fn schema_sql(dump: &[u8]) -> Result<String, String> {
    let mut script = Script::new(Version(u32::MAX), true);
    let mut out = Vec::new();
    let mut has_begun = false;
    for line in dump.split_inclusive(|byte| *byte == b'\n') {
        // pg_dump's settings would outlive the schema in the session that applies it.
        has_begun |= line.starts_with(b"CREATE ");
        let is_preamble = !has_begun
            && (line.starts_with(b"SET ") || line.starts_with(b"SELECT pg_catalog.set_config"));
        if !is_preamble {
            script.line(line, &mut out)?;
        }
    }
    script.end()?;
    let text = String::from_utf8_lossy(&out);
    let mut tidy = String::new();
    let mut is_blank = true;
    for line in text.lines() {
        if !(line.is_empty() && is_blank) {
            let _ = writeln!(tidy, "{line}");
        }
        is_blank = line.is_empty();
    }
    Ok(tidy)
}
