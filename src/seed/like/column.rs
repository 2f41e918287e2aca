//! Which generator gives a column the shape that it has there.

mod values;

use super::fit;
use super::statistics::ColumnShape;
use crate::seed::generators::choice::Choice;
use crate::seed::generators::mix::{Mix, Part};
use crate::seed::generators::null::Null;
use crate::seed::generators::nullable::Nullable;
use crate::seed::generators::pool::Pool;
use crate::seed::generators::sequence::Sequence;
use crate::seed::generators::{GeneratorSpec, bool};
use crate::seed::structure::{Column, ColumnType, FilledBy, KeyPart, Table, TypeKind};

/// More common values than that make no difference that anybody sees.
const MOST_COMMON: usize = 100;
/// What was seen less often is common by chance.
const SEEN_OFTEN: f64 = 20.0;
/// From this correlation on a column follows the order of the rows.
const IN_ORDER: f64 = 0.95;
/// As good as every row has a value of its own.
const ALL_DIFFERENT: f64 = 0.995;

/// What is known of the values that are not NULL.
pub(super) struct Seen<'a> {
    pub(super) shape: &'a ColumnShape,
    /// How many there are.
    pub(super) rows: f64,
    /// With those that are NULL.
    all_rows: f64,
    /// How many different ones; `None` where they cannot be told apart.
    pub(super) distinct: Option<f64>,
    /// Every row has its own.
    pub(super) unique: bool,
    /// Parts of them that have the most common values.
    pub(super) common: Vec<f64>,
    pub(super) in_order: bool,
}

/// The generator and the reason for it; an error is why the column is left to inference.
pub(super) fn choose(
    table: &Table,
    column: &Column,
    shape: Option<&ColumnShape>,
    rows: f64,
) -> Result<(GeneratorSpec, String), String> {
    match column.filled_by {
        FilledBy::Generated => return Err("the server computes it".to_owned()),
        FilledBy::Sequence => {
            let sequence = GeneratorSpec::Sequence(Sequence::default());
            return Ok((sequence, "it has a sequence".to_owned()));
        }
        FilledBy::Default => {}
    }
    if let Some(why) = bound(table, column) {
        return Err(format!("inferred: {why}"));
    }
    let shape = shape.ok_or("inferred: it has no statistics, or they are not ours to see")?;
    if shape.nulls > 0.9999 && !column.not_null {
        return Ok((GeneratorSpec::Null(Null {}), "always NULL there".to_owned()));
    }
    let seen = Seen::of(table, column, shape, rows);
    let value = match reference(table, column, &seen) {
        Some(pool) => pool,
        None => of_type(&column.ty, &seen).ok_or_else(|| {
            format!(
                "inferred: values of {} have no shape to keep",
                column.ty.sql
            )
        })?,
    };
    let nulls = fit::rounded(shape.nulls, 4);
    let value = match nulls > 0.0 && !column.not_null {
        true => GeneratorSpec::Nullable(Nullable {
            nulls,
            value: Box::new(value),
        }),
        false => value,
    };
    Ok((value, seen.in_words()))
}

/// What else decides on the column's values: inference knows how to satisfy it.
fn bound(table: &Table, column: &Column) -> Option<String> {
    let name = &column.name;
    let is_in = |parts: &[KeyPart]| {
        parts.iter().any(|part| match part {
            KeyPart::Column(one) => one == name,
            KeyPart::Expression { columns, .. } => columns.contains(name),
        })
    };
    let check = table
        .checks
        .iter()
        .find(|check| check.columns.contains(name));
    if let Some(check) = check {
        return Some(format!("CHECK {}", check.name));
    }
    if let TypeKind::Domain { checks, .. } = &column.ty.kind
        && !checks.is_empty()
    {
        return Some(format!("the domain {} has a CHECK", column.ty.sql));
    }
    if let Some(key) = table
        .keys
        .iter()
        .find(|key| is_in(&key.parts) && (key.parts.len() > 1 || key.predicate.is_some()))
    {
        return Some(format!("a part of the key {}", key.name));
    }
    let parts = |exclusion: &crate::seed::structure::Exclusion| {
        exclusion
            .parts
            .iter()
            .map(|(part, _)| part.clone())
            .collect::<Vec<_>>()
    };
    if let Some(exclusion) = table.exclusions.iter().find(|one| is_in(&parts(one))) {
        return Some(format!("the exclusion constraint {}", exclusion.name));
    }
    if table
        .partitioned_by
        .as_ref()
        .is_some_and(|by| is_in(&by.parts))
    {
        return Some("rows are shared among partitions by it".to_owned());
    }
    let several = |key: &&crate::seed::structure::ForeignKey| {
        key.columns.contains(name) && key.columns.len() > 1
    };
    let key = table.foreign_keys.iter().find(several)?;
    Some(format!("foreign key {} of several columns", key.name))
}

impl<'a> Seen<'a> {
    fn of(table: &Table, column: &Column, shape: &'a ColumnShape, all_rows: f64) -> Seen<'a> {
        let filled = (1.0 - shape.nulls).max(1e-6);
        let rows = (all_rows * filled).max(1.0);
        let distinct = shape
            .distinct_of(all_rows)
            .map(|distinct| distinct.min(rows));
        let unique = super::is_unique(table, &column.name)
            || distinct.is_none_or(|distinct| distinct >= ALL_DIFFERENT * rows);
        let in_order = shape.correlation.is_some_and(|c| c > IN_ORDER);
        let mut common: Vec<f64> = match unique {
            true => Vec::new(),
            false => shape.frequencies.iter().map(|f| f / filled).collect(),
        };
        common.truncate(MOST_COMMON);
        Seen {
            shape,
            rows,
            all_rows,
            distinct: distinct.filter(|_| !unique),
            unique,
            common,
            in_order,
        }
    }

    /// A pool of as many values as show, the common ones as common; or all of the values, each in a row of its own.
    pub(super) fn drawn(
        &self,
        value: impl FnOnce(u64) -> Option<GeneratorSpec>,
    ) -> Option<GeneratorSpec> {
        match self.distinct {
            None => value(self.rows as u64),
            Some(_) => {
                let (pool, size) = self.pool();
                let value = Some(Box::new(value(size)?));
                Some(GeneratorSpec::Pool(Pool { value, ..pool }))
            }
        }
    }

    /// The pool without its values, and how many they are.
    pub(super) fn pool(&self) -> (Pool, u64) {
        let distinct = self.distinct.unwrap_or(self.rows).round().max(1.0);
        // The tail is common, too, where all of it has been listed.
        let all_listed = self.common.len() as f64 >= distinct;
        let tail = (1.0 - self.common.iter().sum::<f64>()).max(0.0);
        let rest = distinct - self.common.len() as f64;
        let even = if rest > 0.0 { tail / rest } else { 0.0 };
        let mut common: Vec<f64> = self.common.clone();
        if !all_listed {
            common.retain(|part| *part > 2.0 * even && part * self.rows >= SEEN_OFTEN);
        }
        let rest = (distinct - common.len() as f64).max(0.0);
        let tail = (1.0 - common.iter().sum::<f64>()).max(0.0);
        let rest = match rest >= 1.0 && !self.in_order {
            true => fit::pool_size(rest, (self.rows * tail).max(rest)),
            false => rest as u64,
        };
        let size = (rest + common.len() as u64).max(1);
        // Where the server thinks that there are more of them the more rows there are, so do we.
        let grows = self.shape.distinct < 0.0;
        let pool = Pool {
            size: if grows { 0 } else { size },
            per_row: grows.then(|| fit::rounded(size as f64 / self.all_rows, 6)),
            common: normal(common, rest == 0),
            increasing: self.in_order,
            ..Pool::default()
        };
        (pool, size)
    }

    fn in_words(&self) -> String {
        let mut words = Vec::new();
        if self.shape.nulls > 0.0 {
            words.push(format!("{:.1} % NULL", self.shape.nulls * 100.0));
        }
        words.push(match self.distinct {
            Some(distinct) => format!("{distinct:.0} different values"),
            None if self.shape.distinct == 0.0 => "values that cannot be compared".to_owned(),
            None => "all values different".to_owned(),
        });
        words.push(format!("{} bytes wide", self.shape.width));
        if self.in_order {
            words.push("in the order of the rows".to_owned());
        }
        words.join(", ")
    }
}

/// Rounded, and never more than 1 together; exactly 1 where there is nothing else.
fn normal(common: Vec<f64>, is_all: bool) -> Vec<f64> {
    let sum: f64 = common.iter().sum();
    let scale = if is_all || sum > 1.0 {
        1.0 / sum.max(1e-9)
    } else {
        1.0
    };
    let cut = |part: &f64| {
        let digits = 10f64.powi(if is_all { 6 } else { 4 });
        (part * scale * digits).floor() / digits
    };
    common.iter().map(cut).filter(|part| *part > 0.0).collect()
}

/// A foreign key: parents, some of them with more children than others.
fn reference(table: &Table, column: &Column, seen: &Seen<'_>) -> Option<GeneratorSpec> {
    let key = table
        .foreign_keys
        .iter()
        .find(|key| key.columns == [column.name.clone()])?;
    let of = format!("{}.{}", key.parent, key.parent_columns.first()?);
    let pool = match seen.unique {
        // Each parent once.
        true => Pool {
            per_row: Some(1.0),
            increasing: true,
            ..Pool::default()
        },
        false => seen.pool().0,
    };
    Some(GeneratorSpec::Pool(Pool {
        of: Some(of),
        ..pool
    }))
}

fn of_type(ty: &ColumnType, seen: &Seen<'_>) -> Option<GeneratorSpec> {
    match &ty.kind {
        TypeKind::Domain { of, .. } => of_type(of, seen),
        TypeKind::Enum(labels) => Some(labelled(labels, seen)),
        TypeKind::Base { name, .. } if name == "bool" => Some(truth(seen)),
        TypeKind::Base { name, modifier } => {
            let made = seen.drawn(|size| values::base(name, *modifier, seen, size))?;
            Some(with_values(name, made, seen))
        }
        TypeKind::Array(of) => seen.drawn(|_| values::array(of, seen)),
        _ => None,
    }
}

/// Labels are of the schema. Which of them is how common is not told unless it is asked for.
fn labelled(labels: &[String], seen: &Seen<'_>) -> GeneratorSpec {
    let named: &[String] = seen.shape.common.as_deref().unwrap_or(labels);
    let mut weights: Vec<(String, f64)> = Vec::new();
    for (label, part) in named.iter().zip(&seen.common) {
        weights.push((label.clone(), fit::rounded(*part, 4)));
    }
    let distinct = seen.distinct.map_or(labels.len(), |d| d.round() as usize);
    let left = 1.0 - weights.iter().map(|(_, part)| part).sum::<f64>();
    let rare: Vec<String> = labels
        .iter()
        .filter(|label| weights.iter().all(|(other, _)| other != *label))
        .take(distinct.saturating_sub(weights.len()))
        .cloned()
        .collect();
    for label in &rare {
        let part = (left / rare.len() as f64).max(1e-6);
        weights.push((label.clone(), fit::rounded(part, 4)));
    }
    if weights.is_empty() {
        weights.extend(labels.iter().map(|label| (label.clone(), 1.0)));
    }
    GeneratorSpec::Choice(Choice(weights.into_iter().collect()))
}

fn truth(seen: &Seen<'_>) -> GeneratorSpec {
    let most = seen.common.first().copied().unwrap_or(0.5).min(1.0);
    let is_true =
        matches!(&seen.shape.common, Some(common) if common.first().is_some_and(|c| c == "t"));
    let share = if is_true { most } else { 1.0 - most };
    GeneratorSpec::Bool(bool::Bool {
        true_fraction: fit::rounded(share, 4),
    })
}

/// With the common texts themselves, where they are asked for.
fn with_values(name: &str, made: GeneratorSpec, seen: &Seen<'_>) -> GeneratorSpec {
    let is_text = ["text", "varchar", "bpchar", "citext"].contains(&name);
    let (Some(common), true, false) = (&seen.shape.common, is_text, seen.common.is_empty()) else {
        return made;
    };
    let choices = common.iter().cloned().zip(seen.common.iter().copied());
    let choice = GeneratorSpec::Choice(Choice(choices.collect()));
    let sum: f64 = seen.common.iter().sum();
    let GeneratorSpec::Pool(pool) = made else {
        return made;
    };
    if sum > 0.999 {
        return choice;
    }
    let rest = Pool {
        size: match pool.size {
            0 => 0,
            size => size.saturating_sub(pool.common.len() as u64).max(1),
        },
        common: Vec::new(),
        ..pool
    };
    GeneratorSpec::Mix(Mix(vec![
        Part {
            weight: fit::rounded(sum, 4),
            value: choice,
        },
        Part {
            weight: fit::rounded(1.0 - sum, 4),
            value: GeneratorSpec::Pool(rest),
        },
    ]))
}
