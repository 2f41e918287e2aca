//! What an application asks a table for: a row by its key, lists by each index, rows with their parents.

use std::collections::BTreeSet;

use squawk_syntax::quote::quote_quoted_ident;

use super::Draft;
use super::data::{Bindings, Path, Subject, is_time};
use super::row::RowKey;
use super::values::looked_for;
use crate::seed::structure::{ForeignKey, KeyPart};

/// How popular the popular rows are: a few are read far more often than the rest.
const SKEW: f64 = 0.7;

/// With more rows for a value than this, sorting them all would cost more than the list is worth.
const SORTED_MAX: u64 = 1_000;

/// All reads of a table, the most common first.
pub(super) fn all(subject: Subject<'_>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let key = RowKey::of(subject, SKEW);
    drafts.extend(key.as_ref().map(|key| by_key(subject, key)));
    let mut seen = BTreeSet::new();
    for path in subject.paths() {
        let is_key = key.as_ref().and_then(RowKey::single);
        let is_known =
            matches!(path.parts, [KeyPart::Column(only)] if Some(only.as_str()) == is_key);
        if !is_known && seen.insert(format!("{:?}", (path.parts.first(), path.predicate))) {
            drafts.extend(by_path(subject, path, key.as_ref()));
        }
    }
    for foreign_key in &subject.table.foreign_keys {
        drafts.extend(with_parent(subject, foreign_key, key.as_ref()));
    }
    if drafts.is_empty() && subject.rows() > 0 {
        drafts.push(first_rows(subject));
    }
    drafts
}

fn by_key(subject: Subject<'_>, key: &RowKey<'_>) -> Draft {
    let mut bindings = Bindings::default();
    let rows = key.first_from("", &mut bindings);
    let sql = format!(
        "SELECT {} FROM {} {rows}",
        subject.columns(""),
        subject.sql()
    );
    let name = format!("{} by {}", subject.title(), key.title());
    Draft::new(name, 30.0, sql, bindings)
}

/// A list by the first part of an index, in the order of the second.
fn by_path(subject: Subject<'_>, path: Path<'_>, key: Option<&RowKey<'_>>) -> Option<Draft> {
    let first = match path.parts.first()? {
        KeyPart::Column(column) => column,
        KeyPart::Expression { sql, columns } => {
            return by_expression(subject, path, sql, columns, key);
        }
    };
    let is_tree = path.method == "btree";
    if !is_tree && path.method != "hash" {
        return None;
    }
    let found = subject.column(first)?;
    let own = quote_quoted_ident(first);
    let mut bindings = Bindings::default();
    let value = match looked_for(subject, first, SKEW, &mut bindings) {
        Some(value) => value,
        // What a row that is found otherwise has.
        None => {
            let key = key?;
            let row = key.first_from("", &mut bindings);
            format!("(SELECT {own} FROM {} {row})", subject.sql())
        }
    };
    let is_recent = is_tree && is_time(&found.ty);
    let condition = match is_recent {
        true => format!("{own} <= {value}"),
        false => format!("{own} = {value}"),
    };
    let order = match is_recent {
        true => Some(own),
        false if is_tree => order_within(subject, path, first, key),
        false => None,
    };
    let name = match is_recent {
        true => format!("{} recent by {first}", subject.title()),
        false => format!("{} by {first}", subject.title()),
    };
    let weight = if path.finds_one() { 15.0 } else { 12.0 };
    let sql = list_of(subject, path, &condition, order.as_deref());
    Some(Draft::new(name, weight, sql, bindings))
}

/// The columns of rows that an index leads to.
fn list_of(subject: Subject<'_>, path: Path<'_>, condition: &str, order: Option<&str>) -> String {
    let mut sql = format!(
        "SELECT {} FROM {} WHERE {condition}",
        subject.columns(""),
        subject.sql()
    );
    if let Some(predicate) = path.predicate {
        sql.push_str(&format!(" AND {predicate}"));
    }
    if let Some(order) = order {
        sql.push_str(&format!(" ORDER BY {order} DESC"));
    }
    if !(path.finds_one()) {
        sql.push_str(" LIMIT 20");
    }
    sql
}

/// What a list is ordered by without being sorted for long: the index's next column, or the key where it has few rows.
fn order_within(
    subject: Subject<'_>,
    path: Path<'_>,
    first: &str,
    key: Option<&RowKey<'_>>,
) -> Option<String> {
    match path.parts.get(1) {
        Some(KeyPart::Column(next)) => return Some(quote_quoted_ident(next)),
        Some(KeyPart::Expression { .. }) => return None,
        None if path.unique => return None,
        None => {}
    }
    let parent = &subject.foreign_key(first)?.parent;
    let has_few = subject.rows() / subject.data.rows(parent).max(1) <= SORTED_MAX;
    let key = key.and_then(RowKey::single).filter(|_| has_few)?;
    Some(quote_quoted_ident(key))
}

/// By an expression's value of a row that is there.
fn by_expression(
    subject: Subject<'_>,
    path: Path<'_>,
    expression: &str,
    columns: &[String],
    key: Option<&RowKey<'_>>,
) -> Option<Draft> {
    if path.method != "btree" {
        return None;
    }
    let mut bindings = Bindings::default();
    let row = key?.first_from("", &mut bindings);
    let condition = format!(
        "{expression} = (SELECT {expression} FROM {} {row})",
        subject.sql()
    );
    let name = format!(
        "{} by {}",
        subject.title(),
        match columns {
            [] => expression.to_owned(),
            columns => format!("an expression of {}", columns.join(", ")),
        }
    );
    let sql = list_of(subject, path, &condition, None);
    Some(Draft::new(name, 8.0, sql, bindings))
}

/// Rows with the row that a foreign key leads to: a parent's children where an index has them, else one row.
fn with_parent(
    subject: Subject<'_>,
    foreign_key: &ForeignKey,
    key: Option<&RowKey<'_>>,
) -> Option<Draft> {
    let parent = subject.data.subject(&foreign_key.parent)?;
    if parent.rows() == 0 {
        return None;
    }
    let pairs = foreign_key.columns.iter().zip(&foreign_key.parent_columns);
    let on: Vec<String> = pairs
        .map(|(own, its)| {
            format!(
                "p.{} = c.{}",
                quote_quoted_ident(its),
                quote_quoted_ident(own)
            )
        })
        .collect();
    let mut bindings = Bindings::default();
    let first = &foreign_key.columns[0];
    let is_listed = foreign_key.columns.len() == 1 && subject.leads_a_path(first);
    let by_parent = match is_listed {
        true => looked_for(subject, first, SKEW, &mut bindings),
        false => None,
    };
    let rows = match by_parent {
        Some(value) => {
            let its = quote_quoted_ident(&foreign_key.parent_columns[0]);
            format!("WHERE p.{its} = {value} LIMIT 20")
        }
        None => key?.first_from("c.", &mut bindings),
    };
    let sql = format!(
        "SELECT {}, {} FROM {} AS c JOIN {} AS p ON {} {rows}",
        subject.columns("c."),
        parent.columns("p."),
        subject.sql(),
        parent.sql(),
        on.join(" AND "),
    );
    let name = format!(
        "{} with {} by {}",
        subject.title(),
        parent.title(),
        foreign_key.columns.join(", ")
    );
    Some(Draft::new(name, 10.0, sql, bindings))
}

/// A table without keys and indexes is read from its beginning.
fn first_rows(subject: Subject<'_>) -> Draft {
    let sql = format!(
        "SELECT {} FROM {} LIMIT 20",
        subject.columns(""),
        subject.sql()
    );
    let name = format!("{} first rows", subject.title());
    Draft::new(name, 10.0, sql, Bindings::default())
}
