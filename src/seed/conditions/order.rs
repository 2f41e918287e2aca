//! Conditions between two columns of a row: `ends_at > starts_at`.

use std::collections::BTreeMap;

use super::atom::{Op, opposite};
use crate::seed::generators::reference::Reference;
use crate::seed::generators::{GeneratorSpec, after, choice, decimal, float, int, same};
use crate::seed::structure::{Table, TypeKind};

/// What became of the two generators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ordered {
    /// They meet it, perhaps after a change.
    Yes,
    /// Only the server can tell.
    Unknown,
}

type Columns = BTreeMap<String, GeneratorSpec>;

const DAY_S: i64 = 86_400;

/// Makes `left op right` hold by changing generators of columns that `may_change`.
pub(super) fn order(
    table: &Table,
    columns: &mut Columns,
    may_change: &dyn Fn(&str) -> bool,
    (left, op, right): (&str, Op, &str),
) -> Ordered {
    let (Some(one), Some(other)) = (columns.get(left), columns.get(right)) else {
        return Ordered::Unknown;
    };
    if matches!(one, GeneratorSpec::Null(_)) || matches!(other, GeneratorSpec::Null(_)) {
        return Ordered::Yes;
    }
    if op == Op::Equal {
        return equal(columns, may_change, left, right);
    }
    if op == Op::NotEqual && apart(columns, may_change, left, right) {
        return Ordered::Yes;
    }
    let base = |name: &str| match table.column(name).map(|column| &column.ty.base().kind) {
        Some(TypeKind::Base { name, .. }) => name.as_str(),
        _ => "",
    };
    match (base(left), base(right)) {
        ("date" | "timestamp" | "timestamptz", ty @ ("date" | "timestamp" | "timestamptz")) => {
            let is_date = ty == "date" || base(left) == "date";
            times(columns, may_change, (left, op, right), is_date)
        }
        _ if op == Op::NotEqual => unequal(columns, may_change, left, right),
        _ => numbers(columns, may_change, (left, op, right)),
    }
}

/// The generator without what makes NULLs of it.
fn inner(spec: &GeneratorSpec) -> &GeneratorSpec {
    match spec {
        GeneratorSpec::Nullable(nullable) => &nullable.value,
        spec => spec,
    }
}

/// Puts another generator in the place of the column's, with as many NULLs as before.
fn replace(columns: &mut Columns, column: &str, value: GeneratorSpec) {
    let Some(spec) = columns.get_mut(column) else {
        return;
    };
    match spec {
        GeneratorSpec::Nullable(nullable) => *nullable.value = value,
        spec => *spec = value,
    }
}

/// The column that a generator follows in the same row.
fn follows(spec: &GeneratorSpec) -> Option<&str> {
    match inner(spec) {
        GeneratorSpec::After(after) => Some(&after.column),
        GeneratorSpec::Same(same) => Some(&same.column),
        _ => None,
    }
}

/// Whether a column's value depends on the other's.
fn depends(columns: &Columns, column: &str, on: &str) -> bool {
    let next = |name: &str| columns.get(name).and_then(follows).map(str::to_owned);
    let chain = std::iter::successors(Some(column.to_owned()), |name| next(name));
    chain.take(columns.len() + 1).skip(1).any(|name| name == on)
}

fn equal(
    columns: &mut Columns,
    may_change: &dyn Fn(&str) -> bool,
    left: &str,
    right: &str,
) -> Ordered {
    for (changed, column) in [(right, left), (left, right)] {
        if follows(&columns[changed]) == Some(column)
            && matches!(inner(&columns[changed]), GeneratorSpec::Same(_))
        {
            return Ordered::Yes;
        }
        if may_change(changed) && !depends(columns, column, changed) {
            let column = column.to_owned();
            replace(columns, changed, GeneratorSpec::Same(same::Same { column }));
            return Ordered::Yes;
        }
    }
    Ordered::Unknown
}

fn times(
    columns: &mut Columns,
    may_change: &dyn Fn(&str) -> bool,
    (left, op, right): (&str, Op, &str),
    is_date: bool,
) -> Ordered {
    // As `earlier < later`.
    let (earlier, later, op) = match op {
        Op::Greater | Op::GreaterOrEqual => (right, left, op.flipped()),
        op => (left, right, op),
    };
    let min_s = match op {
        Op::LessOrEqual => 0,
        _ if is_date => DAY_S,
        _ => 1,
    };
    if are_in_order(columns, earlier, later, min_s) {
        return Ordered::Yes;
    }
    if may_change(later) && !depends(columns, earlier, later) {
        let max_s = match inner(&columns[later]) {
            GeneratorSpec::After(after) => after.max_s.max(min_s),
            _ => 30 * DAY_S,
        };
        let column = earlier.to_owned();
        let follower = after::After {
            column,
            min_s,
            max_s,
        };
        replace(columns, later, GeneratorSpec::After(follower));
        return Ordered::Yes;
    }
    if may_change(earlier) && !depends(columns, later, earlier) {
        let column = later.to_owned();
        let leader = after::After {
            column,
            min_s: -30 * DAY_S,
            max_s: -min_s,
        };
        replace(columns, earlier, GeneratorSpec::After(leader));
        return Ordered::Yes;
    }
    Ordered::Unknown
}

fn are_in_order(columns: &Columns, earlier: &str, later: &str, min_s: i64) -> bool {
    match (inner(&columns[earlier]), inner(&columns[later])) {
        (_, GeneratorSpec::After(after)) if after.column == earlier => after.min_s >= min_s,
        (GeneratorSpec::After(after), _) if after.column == later => after.max_s <= -min_s,
        (GeneratorSpec::Timestamp(one), GeneratorSpec::Timestamp(other)) => {
            other.from.as_second() - one.until.as_second() >= min_s.max(1)
        }
        _ => false,
    }
}

/// Numbers between two others, and how far apart they are at least.
struct Span {
    min: f64,
    max: f64,
    unit: f64,
}

fn span(spec: &GeneratorSpec) -> Option<Span> {
    let (min, max, unit) = match inner(spec) {
        GeneratorSpec::Int(int) => (int.min as f64, int.max as f64, 1.0),
        GeneratorSpec::Decimal(d) => (d.min, d.max, 10f64.powi(-i32::from(d.scale))),
        GeneratorSpec::Price(price) => (price.min, price.max, 0.01),
        GeneratorSpec::Float(float) => (float.min, float.max, 0.01),
        GeneratorSpec::Normal(normal) => {
            (normal.min, normal.max, 10f64.powi(-i32::from(normal.scale)))
        }
        _ => return None,
    };
    Some(Span { min, max, unit })
}

/// The generator, limited to other bounds.
fn limited(spec: &GeneratorSpec, min: f64, max: f64) -> GeneratorSpec {
    match inner(spec) {
        GeneratorSpec::Int(int) => GeneratorSpec::Int(int::Int {
            min: min.ceil() as i64,
            max: max.floor() as i64,
            skew: int.skew,
        }),
        GeneratorSpec::Decimal(decimal) => GeneratorSpec::Decimal(decimal::Decimal {
            min,
            max,
            scale: decimal.scale,
        }),
        GeneratorSpec::Float(_) => GeneratorSpec::Float(float::Float { min, max }),
        GeneratorSpec::Normal(normal) if normal.scale == 0 => GeneratorSpec::Int(int::Int {
            min: min.ceil() as i64,
            max: max.floor() as i64,
            skew: 0.0,
        }),
        _ => GeneratorSpec::Decimal(decimal::Decimal { min, max, scale: 2 }),
    }
}

/// The one stays below a number in the middle, the other above.
fn numbers(
    columns: &mut Columns,
    may_change: &dyn Fn(&str) -> bool,
    (left, op, right): (&str, Op, &str),
) -> Ordered {
    let (small, large, op) = match op {
        Op::Greater | Op::GreaterOrEqual => (right, left, op.flipped()),
        op => (left, right, op),
    };
    let (Some(low), Some(high)) = (span(&columns[small]), span(&columns[large])) else {
        return Ordered::Unknown;
    };
    let unit = low.unit.max(high.unit);
    let gap = if op == Op::Less { unit } else { 0.0 };
    if low.max + gap <= high.min {
        return Ordered::Yes;
    }
    let middle = match (may_change(small), may_change(large)) {
        (true, true) => {
            let middle = f64::midpoint(low.min.max(high.min), low.max.min(high.max));
            (middle / unit).floor() * unit
        }
        (true, false) => high.min - gap,
        (false, true) => low.max,
        (false, false) => return Ordered::Unknown,
    };
    if middle < low.min || middle + gap > high.max {
        return Ordered::Unknown;
    }
    let (one, other) = (
        limited(&columns[small], low.min, low.max.min(middle)),
        limited(&columns[large], high.min.max(middle + gap), high.max),
    );
    if may_change(small) && low.max > middle {
        replace(columns, small, one);
    }
    if may_change(large) {
        replace(columns, large, other);
    }
    Ordered::Yes
}

/// Two references to one column take different rows.
fn apart(
    columns: &mut Columns,
    may_change: &dyn Fn(&str) -> bool,
    left: &str,
    right: &str,
) -> bool {
    for (changed, column) in [(right, left), (left, right)] {
        let (GeneratorSpec::Reference(one), GeneratorSpec::Reference(other)) =
            (inner(&columns[changed]), inner(&columns[column]))
        else {
            return false;
        };
        let is_plain = !one.earlier && one.same.is_none() && one.pick.is_none();
        if one.column == other.column
            && is_plain
            && other.other_than.as_deref() != Some(changed)
            && may_change(changed)
        {
            let apart = Reference {
                other_than: Some(column.to_owned()),
                ..one.clone()
            };
            replace(columns, changed, GeneratorSpec::Reference(apart));
            return true;
        }
    }
    false
}

/// Labels that the two do not share, or numbers.
fn unequal(
    columns: &mut Columns,
    may_change: &dyn Fn(&str) -> bool,
    left: &str,
    right: &str,
) -> Ordered {
    let (GeneratorSpec::Choice(one), GeneratorSpec::Choice(other)) =
        (inner(&columns[left]), inner(&columns[right]))
    else {
        return numbers(
            columns,
            may_change,
            (left, opposite(Op::GreaterOrEqual), right),
        );
    };
    let without = |some: &choice::Choice, others: &choice::Choice| {
        let rest = some
            .0
            .iter()
            .filter(|(label, _)| !others.0.contains_key(*label));
        let rest: BTreeMap<_, _> = rest
            .map(|(label, weight)| (label.clone(), *weight))
            .collect();
        (!rest.is_empty()).then_some(GeneratorSpec::Choice(choice::Choice(rest)))
    };
    let half = |some: &choice::Choice, first: bool| {
        let at = some.0.len() / 2;
        let labels = some
            .0
            .iter()
            .enumerate()
            .filter(|(n, _)| (*n < at) == first);
        let labels: BTreeMap<_, _> = labels
            .map(|(_, (label, weight))| (label.clone(), *weight))
            .collect();
        (!labels.is_empty()).then_some(GeneratorSpec::Choice(choice::Choice(labels)))
    };
    if !one.0.keys().any(|label| other.0.contains_key(label)) {
        return Ordered::Yes;
    }
    let (fewer_left, fewer_right) = (without(one, other), without(other, one));
    let halves = half(one, true)
        .zip(half(one, false))
        .filter(|_| one.0.keys().eq(other.0.keys()));
    match (may_change(left), may_change(right)) {
        (_, true) if fewer_right.is_some() => fewer_right
            .into_iter()
            .for_each(|spec| replace(columns, right, spec)),
        (true, _) if fewer_left.is_some() => fewer_left
            .into_iter()
            .for_each(|spec| replace(columns, left, spec)),
        (true, true) => match halves {
            Some((first, second)) => {
                replace(columns, left, first);
                replace(columns, right, second);
            }
            None => return Ordered::Unknown,
        },
        _ => return Ordered::Unknown,
    }
    Ordered::Yes
}
