//! How large a dataset will be: rows exactly, bytes roughly.

use std::collections::BTreeMap;

use super::Spec;
use super::context::Context;
use super::dataset::TableSpec;
use super::generators::Generator;
use super::schema::Column;
use super::value::{Scratch, Value};

pub(super) fn table_rows(spec: &Spec) -> BTreeMap<String, u64> {
    let tables = spec.dataset.tables.iter();
    tables
        .map(|(name, table)| (name.clone(), rows(spec, name, table)))
        .collect()
}

fn rows(spec: &Spec, name: &str, table: &TableSpec) -> u64 {
    if table.empty.is_some() {
        return 0;
    }
    if let Some(rows) = table.rows {
        return rows;
    }
    if let Some(ratio) = table.rows_per_main {
        return ((spec.rows as f64 * ratio).round() as u64).max(1);
    }
    if let Some(children) = &table.children_of {
        let parents = rows(spec, &children.table, &spec.dataset.tables[&children.table]);
        return children.fan(spec.seed, name).children(parents);
    }
    spec.rows
}

/// A page's room for rows: 8192 bytes less its header.
const PAGE_BYTES: f64 = 8_168.0;
/// A fresh database's catalogue.
const EMPTY_DATABASE_BYTES: u64 = 8 << 20;
/// Rows that are made to see how wide they are.
const SAMPLES: u64 = 256;

pub(super) fn estimated_bytes(spec: &Spec) -> u64 {
    let context = Context::new(spec);
    let tables = spec.dataset.tables.iter();
    let tables = tables.map(|(name, table)| table_bytes(spec, &context, name, table));
    EMPTY_DATABASE_BYTES + tables.sum::<u64>()
}

fn table_bytes(spec: &Spec, context: &Context<'_>, name: &str, table: &TableSpec) -> u64 {
    let rows = context.rows[name];
    let widths = column_widths(spec, context, name, table, rows);
    // A row: its pointer, its header, its columns, and half an alignment that is lost.
    let row = 4.0 + 24.0 + widths.values().sum::<f64>() + 4.0;
    let rows_per_page = (PAGE_BYTES / row).floor().max(0.5);
    let heap = rows as f64 / rows_per_page * 8_192.0;
    let indexes = spec.dataset.schema.indexes.iter();
    let indexes =
        indexes.filter(|index| index.table == name.strip_prefix("public.").unwrap_or(name));
    let indexes: f64 = indexes
        .map(|index| {
            let column = |on: &String| {
                let exact = widths.get(on.split(' ').next().unwrap_or_default());
                let inside = || widths.iter().find(|(name, _)| on.contains(name.as_str()));
                exact
                    .or_else(|| inside().map(|(_, width)| width))
                    .copied()
                    .unwrap_or(8.0)
            };
            // An entry: pointer, header, key; b-trees are built nine tenths full.
            let key: f64 = index.on.iter().map(column).sum();
            rows as f64 * (4.0 + 8.0 + (key / 8.0).ceil() * 8.0) / 0.9
        })
        .sum();
    (heap + indexes) as u64 + 65_536
}

/// The average bytes of each column, from a sample of rows spread over the table.
fn column_widths(
    spec: &Spec,
    context: &Context<'_>,
    name: &str,
    table: &TableSpec,
    rows: u64,
) -> BTreeMap<String, f64> {
    let in_schema = spec.dataset.schema.table(name);
    let columns = table.filled().into_iter().filter_map(|column| {
        let generator = context.build(name, column).ok()?;
        let ty = in_schema.and_then(|table| table.column(column));
        Some((column.to_owned(), average_width(&generator, ty, rows)))
    });
    let mut widths: BTreeMap<_, _> = columns.collect();
    for column in in_schema.iter().flat_map(|table| &table.columns) {
        // What a default fills in: a moment or a number, mostly.
        let width = if column.has_default { 8.0 } else { 0.0 };
        widths.entry(column.name.clone()).or_insert(width);
    }
    widths
}

fn average_width(generator: &Generator, ty: Option<&Column>, rows: u64) -> f64 {
    let mut scratch = Scratch::default();
    let samples = rows.clamp(1, SAMPLES);
    let bytes: f64 = (0..samples)
        .map(|sample| sample * (rows / samples).max(1))
        .map(|row| width(generator.value(row, &mut scratch), ty))
        .sum();
    bytes / samples as f64
}

/// Bytes of one value on disk: texts with their header, before any compression.
fn width(value: Value<'_>, ty: Option<&Column>) -> f64 {
    let ty = ty.map_or("", |column| column.type_name.as_str());
    match value {
        Value::Null => 0.0,
        Value::Bool(_) => 1.0,
        Value::Int(_) if ty.starts_with("int4") || ty.starts_with("integer") || ty == "int" => 4.0,
        Value::Int(_) if ty.starts_with("small") || ty == "int2" => 2.0,
        Value::Int(_) if ty == "serial" => 4.0,
        Value::Int(_) | Value::Float(_) => 8.0,
        Value::TimestampUs(_) if ty == "date" => 4.0,
        Value::TimestampUs(_) | Value::TimeUs(_) => 8.0,
        Value::IntervalUs(_) | Value::Point { .. } => 16.0,
        Value::Ip { .. } | Value::Mac(_) => 7.0,
        Value::Bits { bytes, .. } => bytes.len() as f64 + 5.0,
        Value::Bytes(bytes) => bytes.len() as f64 + 4.0,
        Value::Lexemes(text) | Value::Pairs(text) | Value::Composed(text) => {
            text.len() as f64 * 1.5 + 16.0
        }
        Value::Decimal { .. } => 7.0,
        Value::Uuid(_) => 16.0,
        Value::Text(_) if is_enum(ty) => 4.0,
        Value::Text(text) => text.len() as f64 + if text.len() < 127 { 1.0 } else { 4.0 },
        // jsonb spends four bytes on every key and value, and saves the punctuation.
        Value::Json(text) => text.len() as f64 * 1.2 + 8.0,
    }
}

/// A text in a type of the user's own is, most likely, the label of an enum.
fn is_enum(ty: &str) -> bool {
    const TEXTS: [&str; 6] = ["text", "varchar", "char", "bpchar", "citext", "name"];
    !ty.is_empty() && !TEXTS.iter().any(|text| ty.starts_with(text))
}
