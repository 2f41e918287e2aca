//! A generator whose values meet what is asked of a column.

use super::atom::{Atom, Constant, Of, Op};
use super::held::{self, Held};
use super::{numbers, texts, times};
use crate::seed::generators::{
    GeneratorSpec, array, bool, choice, literal, null, nullable, timestamp,
};
use crate::seed::structure::{Column, ColumnType, TypeKind};

/// What became of a column's generator.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fit {
    /// It meets all as it is.
    Kept,
    Changed(GeneratorSpec),
    /// Only the server can tell whether it does.
    Unknown,
    /// No generator is known that does.
    Impossible,
}

/// Fits a column's generator to the atoms, all of which are about this column alone.
pub(super) fn fit(column: &Column, spec: Option<&GeneratorSpec>, atoms: &[&Atom]) -> Fit {
    let null = GeneratorSpec::Null(null::Null {});
    let must_be_null = atoms.iter().any(|atom| matches!(atom, Atom::Null(_)));
    let must_not_be_null = atoms.iter().any(|atom| matches!(atom, Atom::NotNull(_)));
    let Some(spec) = spec else {
        return match column.default {
            // Its default is the server's, and so is the answer.
            Some(_) => Fit::Unknown,
            None if must_not_be_null => {
                made(column, None, atoms).map_or(Fit::Impossible, Fit::Changed)
            }
            None => Fit::Kept,
        };
    };
    if must_be_null {
        return match (must_not_be_null || column.not_null, *spec == null) {
            (true, _) => Fit::Impossible,
            (false, true) => Fit::Kept,
            (false, false) => Fit::Changed(null),
        };
    }
    let held: Vec<_> = atoms.iter().map(|atom| held::by(spec, atom)).collect();
    if held.iter().all(|held| *held == Held::Yes) {
        return Fit::Kept;
    }
    if !held.contains(&Held::No) {
        return Fit::Unknown;
    }
    let (nulls, inner) = match spec {
        GeneratorSpec::Nullable(nullable) => (nullable.nulls, &*nullable.value),
        GeneratorSpec::Null(_) => (0.0, spec),
        spec => (0.0, spec),
    };
    let about_values: Vec<_> = atoms
        .iter()
        .copied()
        .filter(|atom| !matches!(atom, Atom::NotNull(_)))
        .collect();
    let kept = !matches!(inner, GeneratorSpec::Null(_))
        && about_values
            .iter()
            .all(|atom| held::by(inner, atom) != Held::No);
    let value = if kept {
        Some(inner.clone())
    } else {
        let inner = Some(inner).filter(|inner| !matches!(inner, GeneratorSpec::Null(_)));
        made(column, inner, &about_values)
    };
    match value {
        Some(value) if must_not_be_null || nulls == 0.0 => Fit::Changed(value),
        Some(value) => Fit::Changed(GeneratorSpec::Nullable(nullable::Nullable {
            nulls,
            value: Box::new(value),
        })),
        // NULL meets all that asks for a value, if only there may be one.
        None if !must_not_be_null && !column.not_null => Fit::Changed(null),
        None => Fit::Impossible,
    }
}

/// A generator of the column's type that meets the atoms, none of which is about NULL.
fn made(column: &Column, spec: Option<&GeneratorSpec>, atoms: &[&Atom]) -> Option<GeneratorSpec> {
    let atoms: Vec<_> = atoms
        .iter()
        .copied()
        .filter(|atom| !matches!(atom, Atom::NotNull(_)))
        .collect();
    let made = made_as(column.ty.base(), spec, &atoms)?;
    // What was made is looked at as well: several atoms may not go together.
    let fails = atoms.iter().any(|atom| held::by(&made, atom) == Held::No);
    (!fails).then_some(made)
}

fn made_as(
    ty: &ColumnType,
    spec: Option<&GeneratorSpec>,
    atoms: &[&Atom],
) -> Option<GeneratorSpec> {
    match &ty.kind {
        TypeKind::Enum(labels) => {
            let weights = match spec {
                Some(GeneratorSpec::Choice(choice)) => choice.0.clone(),
                _ => labels.iter().map(|label| (label.clone(), 1.0)).collect(),
            };
            let all = labels.iter().map(|label| (label.clone(), 1.0)).collect();
            texts::chosen(weights, atoms).or_else(|| texts::chosen(all, atoms))
        }
        TypeKind::Array(_) => elements(spec, atoms),
        TypeKind::Base { name, modifier } => match name.as_str() {
            "int2" | "int4" | "int8" | "oid" => numbers::int(name, spec, atoms),
            "numeric" | "float4" | "float8" | "money" => {
                numbers::decimal(name, *modifier, spec, atoms)
            }
            "text" | "varchar" | "bpchar" | "citext" | "name" => {
                texts::made(*modifier, spec, atoms)
            }
            "bool" => boolean(atoms),
            "date" | "timestamp" | "timestamptz" => moments(name, spec, atoms),
            "interval" => numbers::interval(spec, atoms),
            "json" | "jsonb" => json(atoms),
            _ => equal(atoms),
        },
        _ => equal(atoms),
    }
}

fn boolean(atoms: &[&Atom]) -> Option<GeneratorSpec> {
    let holds = |value: bool| {
        atoms.iter().all(|atom| match atom {
            Atom::Compare {
                op,
                with: Constant::Bool(with),
                ..
            } => op.holds(value.cmp(with)),
            _ => true,
        })
    };
    let true_fraction = match (holds(true), holds(false)) {
        (true, true) => 0.5,
        (true, false) => 1.0,
        (false, true) => 0.0,
        (false, false) => return None,
    };
    Some(GeneratorSpec::Bool(bool::Bool { true_fraction }))
}

const DAY_US: i64 = 86_400_000_000;

fn moments(ty: &str, spec: Option<&GeneratorSpec>, atoms: &[&Atom]) -> Option<GeneratorSpec> {
    let (mut from, mut until, increasing) = match spec {
        Some(GeneratorSpec::Timestamp(t)) => (
            Some(t.from.as_microsecond()),
            Some(t.until.as_microsecond()),
            t.increasing,
        ),
        _ => (None, None, false),
    };
    let (mut low, mut high) = (i64::MIN, i64::MAX);
    let unit = if ty == "date" { DAY_US } else { 1_000_000 };
    for atom in atoms {
        match atom {
            Atom::Compare {
                of: Of::Value,
                op,
                with,
                ..
            } => match op {
                Op::Greater => low = low.max(times::moment_us(with, false)? + unit),
                Op::GreaterOrEqual => low = low.max(times::moment_us(with, false)?),
                Op::Less => high = high.min(times::moment_us(with, true)? - unit),
                Op::LessOrEqual => high = high.min(times::moment_us(with, true)?),
                Op::Equal => {
                    low = low.max(times::moment_us(with, false)?);
                    high = high.min(times::moment_us(with, true)?);
                }
                Op::NotEqual => {}
            },
            _ => return equal(atoms),
        }
    }
    if low > high {
        return None;
    }
    let year = 365 * DAY_US;
    let is_apart = from.is_some_and(|from| from > high) || until.is_some_and(|until| until < low);
    if is_apart || from.is_none() {
        // Beside what is asked for, as long as before.
        let span = until.zip(from).map_or(year, |(until, from)| until - from);
        from = Some(if low == i64::MIN {
            high.saturating_sub(span)
        } else {
            low
        });
        until = Some(if high == i64::MAX {
            low.saturating_add(span)
        } else {
            high
        });
    }
    let (from, until) = (from?.max(low), until?.min(high));
    Some(GeneratorSpec::Timestamp(timestamp::Timestamp {
        from: times::timestamp(from),
        until: times::timestamp(until),
        increasing,
        days: false,
    }))
}

fn json(atoms: &[&Atom]) -> Option<GeneratorSpec> {
    let wanted = atoms.iter().find_map(|atom| match atom {
        Atom::Compare {
            of: Of::JsonType,
            op: Op::Equal,
            with: Constant::Text(ty),
            ..
        } => Some(ty.as_str()),
        Atom::Among {
            of: Of::JsonType,
            values,
            negated: false,
            ..
        } => match values.first() {
            Some(Constant::Text(ty)) => Some(ty.as_str()),
            _ => None,
        },
        _ => None,
    });
    let any = match wanted {
        Some("object") => vec!["{}", r#"{"a": 1}"#, r#"{"name": "x", "on": true}"#],
        Some("array") => vec!["[]", "[1, 2]", r#"["a", "b", "c"]"#],
        Some("string") => vec![r#""a""#, r#""b""#],
        Some("number") => vec!["1", "2"],
        Some("boolean") => vec!["true", "false"],
        _ => return equal(atoms),
    };
    Some(literals(any))
}

pub(super) fn literals<S: Into<String>>(any: impl IntoIterator<Item = S>) -> GeneratorSpec {
    GeneratorSpec::Literal(literal::Literal {
        any: any.into_iter().map(Into::into).collect(),
        in_order: false,
    })
}

/// Arrays: how many elements, and which.
fn elements(spec: Option<&GeneratorSpec>, atoms: &[&Atom]) -> Option<GeneratorSpec> {
    let Some(GeneratorSpec::Array(array)) = spec else {
        return equal(atoms);
    };
    let array::Array {
        mut min,
        mut max,
        mut value,
    } = array.clone();
    let (mut low, mut high) = (0usize, usize::MAX);
    for atom in atoms {
        match atom {
            Atom::Compare {
                of: Of::Elements,
                op,
                with: Constant::Number(n),
                ..
            } => {
                let n = *n as usize;
                match op {
                    Op::Greater => low = low.max(n + 1),
                    Op::GreaterOrEqual => low = low.max(n),
                    Op::Less => high = high.min(n.checked_sub(1)?),
                    Op::LessOrEqual => high = high.min(n),
                    Op::Equal => (low, high) = (low.max(n), high.min(n)),
                    Op::NotEqual => low = low.max(n + 1),
                }
            }
            Atom::Within { values, .. } => {
                let labels = values
                    .iter()
                    .map(|value| Some((constant_text(value)?, 1.0)));
                value = Box::new(GeneratorSpec::Choice(choice::Choice(
                    labels.collect::<Option<_>>()?,
                )));
            }
            _ => return None,
        }
    }
    if low > high {
        return None;
    }
    (min, max) = (min.clamp(low, high), max.clamp(low, high));
    Some(GeneratorSpec::Array(array::Array { min, max, value }))
}

/// Values that are named, of whatever type.
fn equal(atoms: &[&Atom]) -> Option<GeneratorSpec> {
    let texts = atoms.iter().find_map(|atom| match atom {
        Atom::Compare {
            of: Of::Value,
            op: Op::Equal | Op::GreaterOrEqual | Op::LessOrEqual,
            with,
            ..
        } => constant_text(with).map(|text| vec![text]),
        Atom::Among {
            of: Of::Value,
            values,
            negated: false,
            ..
        } => values.iter().map(constant_text).collect(),
        _ => None,
    });
    texts.map(literals)
}

pub(super) fn constant_text(constant: &Constant) -> Option<String> {
    match constant {
        Constant::Text(text) => Some(text.clone()),
        Constant::Number(number) => Some(number.to_string()),
        Constant::Bool(value) => Some(value.to_string()),
        Constant::Now(_) => None,
    }
}
