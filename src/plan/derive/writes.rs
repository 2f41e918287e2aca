//! What an application changes of rows that are there: one column of a row, or the whole row, which goes and comes back.

use squawk_syntax::quote::quote_quoted_ident;

use super::Draft;
use super::data::{Bindings, Subject, is_time, list};
use super::row::RowKey;
use super::values::Made;
use crate::seed::structure::{Column, FilledBy};

/// Writes are spread more evenly than reads: those of popular rows would wait for each other.
const SKEW: f64 = 0.2;

/// An update of one row's column, one that nothing else depends on if there is such a column.
pub(super) fn update(subject: Subject<'_>) -> Option<Draft> {
    let key = RowKey::of(subject, SKEW)?;
    let mut bindings = Bindings::default();
    let rows = key.condition(&mut bindings);
    let columns = || subject.table.columns.iter();
    let free: Vec<&Column> = columns()
        .filter(|column| is_free(subject, column))
        .collect();
    // What a person would change is no moment that the application keeps for itself.
    let chosen = free
        .iter()
        .filter_map(|column| Some((*column, Made::of(subject, &column.name)?)))
        .min_by_key(|(column, _)| is_time(&column.ty));
    let (column, value) = match chosen {
        Some((column, made)) => (column, made.bind(&mut bindings)),
        // The same value makes a new version of the row, too.
        None => {
            let takes_value = |column: &&Column| {
                column.filled_by != FilledBy::Generated && !key.has(&column.name)
            };
            let column = free.first().copied().or_else(|| {
                columns().find(|column| takes_value(column) && !is_elsewhere(subject, &column.name))
            })?;
            (column, quote_quoted_ident(&column.name))
        }
    };
    let sql = format!(
        "UPDATE {} SET {} = {value} {rows}",
        subject.sql(),
        quote_quoted_ident(&column.name)
    );
    let name = format!("{} update {}", subject.title(), column.name);
    Some(Draft::new(name, 5.0, sql, bindings))
}

/// Whether any value of its kind will do: no key, index, reference, check or partition looks at it.
fn is_free(subject: Subject<'_>, column: &Column) -> bool {
    let table = subject.table;
    let named = |sql: &Option<String>| {
        let names = sql.as_ref().map(|sql| table.names_in(sql));
        names.is_some_and(|names| names.contains(&column.name))
    };
    let in_key = |parts: &[crate::seed::structure::KeyPart]| {
        parts
            .iter()
            .any(|part| part.columns().contains(&column.name))
    };
    column.filled_by == FilledBy::Default
        && !is_elsewhere(subject, &column.name)
        && !table
            .indexes
            .iter()
            .any(|index| in_key(&index.parts) || named(&index.predicate))
        && !table
            .checks
            .iter()
            .any(|check| check.columns.contains(&column.name))
}

/// Whether a key, a reference, an exclusion or a partition looks at the column.
pub(super) fn is_elsewhere(subject: Subject<'_>, column: &str) -> bool {
    let table = subject.table;
    let is_in = |sql: &Option<String>| {
        let names = sql.as_ref().map(|sql| table.names_in(sql));
        names.is_some_and(|names| names.iter().any(|name| name == column))
    };
    let has = |columns: Vec<String>| columns.iter().any(|name| name == column);
    let by = table.partitioned_by.iter().flat_map(|by| &by.parts);
    let excluded = table.exclusions.iter();
    table
        .keys
        .iter()
        .any(|key| key.parts.iter().any(|part| has(part.columns())) || is_in(&key.predicate))
        || table
            .foreign_keys
            .iter()
            .any(|key| has(key.columns.clone()))
        || by.into_iter().any(|part| has(part.columns()))
        || excluded.into_iter().any(|exclusion| {
            exclusion.parts.iter().any(|(part, _)| has(part.columns()))
                || is_in(&exclusion.predicate)
        })
}

/// One statement that deletes a row and inserts it again, so that the table keeps its size. Not where a foreign key
/// leads to the table, whatever it does on delete: a child that is inserted meanwhile would find its parent gone.
pub(super) fn delete_and_insert(subject: Subject<'_>) -> Option<Draft> {
    let data = subject.data;
    let is_parent = data.references(subject.name).next().is_some();
    let has_heirs = data
        .structure
        .tables
        .values()
        .any(|table| table.inherits.iter().any(|parent| parent == subject.name));
    let is_watched = subject
        .table
        .triggers
        .iter()
        .any(|trigger| trigger.on_delete);
    if is_parent || has_heirs || is_watched {
        return None;
    }
    let key = RowKey::of(subject, SKEW)?;
    let mut bindings = Bindings::default();
    let rows = key.condition(&mut bindings);
    let given = subject.table.columns.iter();
    let given = given.filter(|column| column.filled_by != FilledBy::Generated);
    let columns = list(given.map(|column| quote_quoted_ident(&column.name)));
    let table = subject.sql();
    let sql = format!(
        "WITH gone AS (DELETE FROM {table} {rows} RETURNING {columns}) \
         INSERT INTO {table} ({columns}){} SELECT {columns} FROM gone",
        overriding(subject)
    );
    let name = format!("{} delete and insert", subject.title());
    Some(Draft::new(name, 2.0, sql, bindings))
}

/// An identity column may take values only from its sequence, unless one insists.
fn overriding(subject: Subject<'_>) -> &'static str {
    let is_identity =
        |column: &Column| column.filled_by == FilledBy::Sequence && column.default.is_none();
    match subject.table.columns.iter().any(is_identity) {
        true => " OVERRIDING SYSTEM VALUE",
        false => "",
    }
}
