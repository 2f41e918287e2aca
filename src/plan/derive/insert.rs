//! A new row. It must not fail on any constraint: where values cannot be made for sure, they are an existing row's.

use squawk_syntax::quote::quote_quoted_ident;

use super::Draft;
use super::data::{Bindings, Subject, is_int, list, type_name};
use super::row::RowKey;
use super::values::{Made, by_name};
use crate::seed::structure::{Check, Column, FilledBy, ForeignKey, Key, KeyPart};

/// Of all pairs of parents at most one in this many has a child already.
const ROOM: u64 = 4;

/// An insert, if there is one that the table's constraints take each time.
pub(super) fn insert(subject: Subject<'_>) -> Option<Draft> {
    // Which rows exclude each other is not known, and numbers of two bytes are soon used up.
    let is_short =
        |column: &Column| column.filled_by == FilledBy::Sequence && type_name(&column.ty) == "int2";
    if !subject.table.exclusions.is_empty() || subject.table.columns.iter().any(is_short) {
        return None;
    }
    let (sql, bindings) = of_values(subject).or_else(|| of_a_row(subject))?;
    let name = format!("{} insert", subject.title());
    Some(Draft::new(name, 6.0, sql, bindings))
}

/// `INSERT … VALUES ($1, …)`, as an application writes it: made values, parents that are there, defaults.
fn of_values(subject: Subject<'_>) -> Option<(String, Bindings)> {
    let table = subject.table;
    if table.partitioned_by.is_some() || table.foreign_keys.iter().any(|key| key.columns.len() > 1)
    {
        return None;
    }
    let given: Vec<&Column> = table
        .columns
        .iter()
        .filter(|c| is_given(subject, c))
        .collect();
    let is_given = |name: &String| given.iter().any(|column| column.name == *name);
    for check in &table.checks {
        // A check of one column is met by its generator, one of several by rows as a whole.
        let by_default = !check.columns.iter().any(is_given);
        let of_one = check.columns.len() == 1 && subject.foreign_key(&check.columns[0]).is_none();
        if !by_default && !of_one {
            return None;
        }
    }
    let mut may_conflict = false;
    for key in &table.keys {
        may_conflict |= match room(subject, key, &is_given)? {
            Room::Always => false,
            Room::Mostly => true,
        };
    }
    let mut bindings = Bindings::default();
    let mut values = Vec::new();
    for column in &given {
        values.push(value(subject, column, &mut bindings)?);
    }
    let columns = list(given.iter().map(|column| quote_quoted_ident(&column.name)));
    let table = subject.sql();
    let sql = match values.is_empty() {
        true => format!("INSERT INTO {table} DEFAULT VALUES"),
        false => {
            let values = values.join(", ");
            let conflict = on_conflict(subject, may_conflict)?;
            format!("INSERT INTO {table} ({columns}) VALUES ({values}){conflict}")
        }
    };
    Some((sql, bindings))
}

/// Whether the statement gives the column a value; its default does otherwise, or it stays NULL.
fn is_given(subject: Subject<'_>, column: &Column) -> bool {
    match subject.foreign_key(&column.name) {
        _ if column.filled_by != FilledBy::Default => false,
        Some(key) => column.not_null || subject.data.rows(&key.parent) > 0,
        None if fills_itself(column) => false,
        None => column.not_null || Made::of(subject, &column.name).is_some(),
    }
}

/// Whether the default gives a value without help.
fn fills_itself(column: &Column) -> bool {
    let is_value = |sql: &String| !sql.starts_with("NULL") && !sql.contains("current_setting(");
    column.default.as_ref().is_some_and(is_value)
}

fn value(subject: Subject<'_>, column: &Column, bindings: &mut Bindings) -> Option<String> {
    match subject.foreign_key(&column.name) {
        Some(key) => a_parent(subject, key, bindings),
        None => Some(Made::of(subject, &column.name)?.bind(bindings)),
    }
}

/// The key of a row that is there. Between whole numbers there may be gaps, from an insert that failed, say: the next
/// one is taken.
fn a_parent(subject: Subject<'_>, key: &ForeignKey, bindings: &mut Bindings) -> Option<String> {
    let parent = subject.data.subject(&key.parent)?;
    let its = &key.parent_columns[0];
    let found = parent.column(its).filter(|found| found.not_null)?;
    if parent.rows() == 0 {
        return None;
    }
    let number = bindings.bind(by_name(&key.parent, its, 0.7)?);
    if !is_int(&found.ty) {
        return Some(number);
    }
    let its = quote_quoted_ident(its);
    Some(format!(
        "(SELECT {its} FROM {} WHERE {its} >= {number} ORDER BY {its} LIMIT 1)",
        parent.sql()
    ))
}

/// Whether a new row's key is free.
enum Room {
    Always,
    /// Nothing is inserted where it is not.
    Mostly,
}

fn room(subject: Subject<'_>, key: &Key, is_given: &impl Fn(&String) -> bool) -> Option<Room> {
    let columns: Vec<String> = key.parts.iter().flat_map(KeyPart::columns).collect();
    let is_new = |name: &String| {
        let column = subject.column(name);
        !is_given(name) && column.is_some_and(makes_new) && subject.foreign_key(name).is_none()
    };
    if columns.iter().any(is_new) {
        return Some(Room::Always);
    }
    let is_rich = |name: &String| {
        let made = Made::of(subject, name).filter(|_| subject.foreign_key(name).is_none());
        is_given(name) && made.is_some_and(|made| made.is_rich())
    };
    if columns.iter().any(is_rich) {
        return Some(Room::Mostly);
    }
    let parents = |name: &String| Some(subject.data.rows(&subject.foreign_key(name)?.parent));
    let pairs = columns.iter().map(parents).collect::<Option<Vec<u64>>>()?;
    let pairs = pairs.into_iter().fold(1u64, u64::saturating_mul);
    (pairs >= subject.rows().saturating_mul(ROOM)).then_some(Room::Mostly)
}

/// Whether what a column gets by itself is new each time.
fn makes_new(column: &Column) -> bool {
    let default = column.default.as_deref().unwrap_or_default();
    column.filled_by == FilledBy::Sequence || default.contains("uuid") || default.contains("random")
}

/// What is skipped instead of failing. A key that is checked at the end of a transaction cannot be asked.
fn on_conflict(subject: Subject<'_>, may_conflict: bool) -> Option<&'static str> {
    match may_conflict {
        false => Some(""),
        true if subject.table.keys.iter().any(|key| key.deferrable) => None,
        true => Some(" ON CONFLICT DO NOTHING"),
    }
}

/// `INSERT … SELECT` of an existing row with new values in its keys.
fn of_a_row(subject: Subject<'_>) -> Option<(String, Bindings)> {
    let key = RowKey::of(subject, 0.0);
    let mut fresh: Vec<(String, Fresh)> = Vec::new();
    for key in &subject.table.keys {
        let columns: Vec<String> = key.parts.iter().flat_map(KeyPart::columns).collect();
        if !columns
            .iter()
            .any(|name| fresh.iter().any(|(known, _)| known == name))
        {
            let found = columns
                .iter()
                .filter_map(|name| Some((name.clone(), Fresh::of(subject, key, name)?)));
            // What is surely new before what may not be.
            fresh.push(found.min_by_key(|(_, fresh)| fresh.may_conflict)?);
        }
    }
    let may_conflict = fresh.iter().any(|(_, fresh)| fresh.may_conflict);
    let mut columns = Vec::new();
    let mut values = Vec::new();
    for column in &subject.table.columns {
        let value = match fresh.iter().find(|(name, _)| *name == column.name) {
            Some((_, fresh)) => fresh.sql.clone(),
            None if column.filled_by == FilledBy::Default => {
                Some(format!("r.{}", quote_quoted_ident(&column.name)))
            }
            None => None,
        };
        if let Some(value) = value {
            columns.push(quote_quoted_ident(&column.name));
            values.push(value);
        }
    }
    let mut bindings = Bindings::default();
    let row = match key {
        Some(key) => key.first_from("r.", &mut bindings),
        None => "LIMIT 1".to_owned(),
    };
    let table = subject.sql();
    let conflict = on_conflict(subject, may_conflict)?;
    let (columns, values) = (columns.join(", "), values.join(", "));
    let sql = format!(
        "INSERT INTO {table} ({columns}) SELECT {values} FROM {table} AS r {row}{conflict}"
    );
    (!columns.is_empty() && subject.rows() > 0).then_some((sql, bindings))
}

/// A value that no row has yet.
struct Fresh {
    /// `None`: the column is left out.
    sql: Option<String>,
    may_conflict: bool,
}

impl Fresh {
    fn of(subject: Subject<'_>, key: &Key, name: &str) -> Option<Fresh> {
        let table = subject.table;
        let column = subject.column(name)?;
        let is_bound = |columns: &[String]| columns.iter().any(|bound| bound == name);
        let mut parts = table.partitioned_by.iter().flat_map(|by| &by.parts);
        if column.filled_by == FilledBy::Generated
            || table
                .checks
                .iter()
                .any(|check| is_bound(&check.columns) && !only_tells_apart(check))
            || table.foreign_keys.iter().any(|key| is_bound(&key.columns))
            || parts.any(|part| is_bound(&part.columns()))
        {
            return None;
        }
        let sure = |sql: Option<&str>| Fresh {
            sql: sql.map(str::to_owned),
            may_conflict: false,
        };
        if makes_new(column) {
            return Some(sure(None));
        }
        let is_domain = column.ty.base() != &column.ty;
        let length = column
            .ty
            .sql
            .split(['(', ')'])
            .nth(1)
            .map(str::parse::<usize>);
        match (type_name(&column.ty), length) {
            ("uuid", _) => Some(sure(Some("gen_random_uuid()"))),
            ("text" | "varchar" | "citext", None) if !is_domain => {
                Some(sure(Some("gen_random_uuid()::text")))
            }
            ("varchar", Some(Ok(n @ 12..))) if !is_domain => Some(Fresh {
                sql: Some(format!("left(md5(random()::text), {n})")),
                may_conflict: true,
            }),
            ("timestamptz" | "timestamp", _) if !is_domain => Some(Fresh {
                sql: Some("clock_timestamp()".to_owned()),
                may_conflict: true,
            }),
            ("int4" | "int8", _) if !is_domain => next_number(subject, key, name),
            _ if !column.not_null && !key.nulls_equal && key.predicate.is_none() => {
                Some(sure(Some("NULL")))
            }
            _ => None,
        }
    }
}

/// Whether a check is `a <> b`: a new value differs from all others.
fn only_tells_apart(check: &Check) -> bool {
    let inner = check.sql.trim_matches(['(', ')']);
    let is_name = |side: &str| {
        side.chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '"')
    };
    inner
        .split_once(" <> ")
        .is_some_and(|(a, b)| check.columns.len() == 2 && is_name(a) && is_name(b))
}

/// One more than the greatest number of rows that agree in the key's columns before it.
fn next_number(subject: Subject<'_>, key: &Key, name: &str) -> Option<Fresh> {
    let mut before = Vec::new();
    for part in &key.parts {
        match part {
            KeyPart::Column(column) if column == name => break,
            KeyPart::Column(column) => {
                let column = quote_quoted_ident(column);
                before.push(format!("x.{column} = r.{column}"));
            }
            KeyPart::Expression { .. } => return None,
        }
    }
    let condition = match before.is_empty() {
        true => String::new(),
        false => format!(" WHERE {}", before.join(" AND ")),
    };
    let sql = format!(
        "(SELECT coalesce(max(x.{}), 0) + 1 FROM {} AS x{condition})",
        quote_quoted_ident(name),
        subject.sql()
    );
    Some(Fresh {
        sql: Some(sql),
        may_conflict: true,
    })
}
