//! Whether the values that a generator makes meet an atom, found by looking at some of them.

use std::collections::BTreeMap;

use super::atom::{Atom, Constant, Of, Op};
use super::times;
use crate::seed::context::Context;
use crate::seed::generators::{GeneratorSpec, mix, pattern::are};
use crate::seed::value::{Scratch, Shape, Value};

/// What is known of a generator's values and an atom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    Yes,
    No,
    /// They depend on other tables or rows, or only the server understands the condition.
    Unknown,
}

/// Values that are looked at.
const LOOKED_AT: u64 = 150;

pub(super) fn by(spec: &GeneratorSpec, atom: &Atom) -> Held {
    match (spec, atom) {
        (GeneratorSpec::Null(_), Atom::NotNull(_)) => return Held::No,
        (GeneratorSpec::Null(_), Atom::Opaque { .. }) => return Held::Unknown,
        (GeneratorSpec::Null(_), _) => return Held::Yes,
        (GeneratorSpec::Nullable(nullable), Atom::NotNull(_)) if nullable.nulls > 0.0 => {
            return Held::No;
        }
        (GeneratorSpec::Nullable(nullable), Atom::Null(_)) if nullable.nulls >= 1.0 => {
            return Held::Yes;
        }
        (_, Atom::Null(_)) => return Held::No,
        (GeneratorSpec::Mix(mix), Atom::NotNull(_)) => return by_all(mix, atom),
        (_, Atom::NotNull(_)) => return Held::Yes,
        (GeneratorSpec::Nullable(nullable), _) => return by(&nullable.value, atom),
        (
            GeneratorSpec::Sequence(sequence),
            Atom::Compare {
                of: Of::Value,
                op,
                with: Constant::Number(with),
                ..
            },
        ) => {
            let start = sequence.start as f64;
            return match op {
                Op::Greater | Op::GreaterOrEqual if op.holds(start.total_cmp(with)) => Held::Yes,
                Op::NotEqual if start > *with => Held::Yes,
                // A table that holds no more rows than a number allows has few.
                Op::Equal => Held::No,
                Op::Less | Op::LessOrEqual if *with < 1e6 => Held::No,
                _ => Held::Unknown,
            };
        }
        (
            GeneratorSpec::Json(_),
            Atom::Compare {
                of: Of::JsonType,
                op: Op::Equal,
                with,
                ..
            },
        ) => {
            let is_object = *with == Constant::Text("object".to_owned());
            return if is_object { Held::Yes } else { Held::No };
        }
        (
            GeneratorSpec::Array(array),
            Atom::Compare {
                of: Of::Elements,
                op,
                with: Constant::Number(with),
                ..
            },
        ) => {
            let holds = |elements: usize| op.holds((elements as f64).total_cmp(with));
            return yes_or_no(holds(array.min) && holds(array.max) && *op != Op::NotEqual);
        }
        (GeneratorSpec::Array(array), Atom::Within { column, values }) => {
            let of_element = Atom::Among {
                column: column.clone(),
                of: Of::Value,
                values: values.clone(),
                negated: false,
            };
            return by(&array.value, &of_element);
        }
        _ => {}
    }
    looked_at(spec, atom)
}

/// Whether all parts of a mix meet an atom.
fn by_all(mix: &mix::Mix, atom: &Atom) -> Held {
    let parts = mix.0.iter().map(|part| by(&part.value, atom));
    parts.fold(
        Held::Yes,
        |all, held| if all == Held::No { all } else { held },
    )
}

fn yes_or_no(held: bool) -> Held {
    if held { Held::Yes } else { Held::No }
}

fn looked_at(spec: &GeneratorSpec, atom: &Atom) -> Held {
    let none = BTreeMap::new();
    let context = Context {
        tables: &none,
        rows: BTreeMap::new(),
        seed: 0,
        is_snapshot: false,
    };
    // What draws from other columns or tables cannot be made here.
    let Ok(generator) = spec.build(&context.free("looked at")) else {
        return Held::Unknown;
    };
    let Some(test) = Test::of(atom) else {
        return Held::Unknown;
    };
    match limits(&generator.shape(), atom) {
        Held::Unknown => {}
        held => return held,
    }
    let mut scratch = Scratch::default();
    let mut all = Held::Yes;
    for row in 0..LOOKED_AT {
        match test.holds(generator.value(row, &mut scratch)) {
            Some(true) => {}
            Some(false) => return Held::No,
            None => all = Held::Unknown,
        }
    }
    all
}

/// Bounds of all values, where the generator tells them.
fn limits(shape: &Shape, atom: &Atom) -> Held {
    let Atom::Compare {
        of,
        op,
        with: Constant::Number(with),
        ..
    } = atom
    else {
        return Held::Unknown;
    };
    if matches!(op, Op::Equal | Op::NotEqual) {
        return Held::Unknown;
    }
    let holds = |value: f64| op.holds(value.total_cmp(with));
    let scaled = |unscaled: i64, scale: u8| unscaled as f64 / 10f64.powi(scale.into());
    match (of, shape) {
        (Of::Value, Shape::Int { min, max }) => yes_or_no(holds(*min as f64) && holds(*max as f64)),
        (Of::Value, Shape::Decimal { min, max, scale }) => {
            yes_or_no(holds(scaled(*min, *scale)) && holds(scaled(*max, *scale)))
        }
        (Of::Chars | Of::Bytes, Shape::Text { chars })
            if matches!(op, Op::Less | Op::LessOrEqual) =>
        {
            if holds(*chars as f64) {
                Held::Yes
            } else {
                Held::No
            }
        }
        _ => Held::Unknown,
    }
}

/// An atom, ready to be asked of values.
enum Test<'a> {
    Atom(&'a Atom),
    Matches(regex::Regex, bool),
}

impl Test<'_> {
    fn of(atom: &Atom) -> Option<Test<'_>> {
        match atom {
            Atom::Matches {
                regex,
                insensitive,
                negated,
                ..
            } => {
                let matcher = are::translate(regex, *insensitive).ok()?.matcher().ok()?;
                Some(Test::Matches(matcher, !negated))
            }
            Atom::Compare { .. } | Atom::Among { .. } => Some(Test::Atom(atom)),
            _ => None,
        }
    }

    fn holds(&self, value: Value<'_>) -> Option<bool> {
        match (self, value) {
            (_, Value::Null) => Some(true),
            (Test::Matches(matcher, wanted), Value::Text(text)) => {
                Some(matcher.is_match(text) == *wanted)
            }
            (Test::Matches(..), _) => None,
            (Test::Atom(Atom::Compare { of, op, with, .. }), value) => {
                compare(value, *of, *op, with)
            }
            (
                Test::Atom(Atom::Among {
                    of,
                    values,
                    negated,
                    ..
                }),
                value,
            ) => {
                let equal = values
                    .iter()
                    .map(|with| compare(value, *of, Op::Equal, with));
                let equal: Vec<_> = equal.collect::<Option<_>>()?;
                Some(equal.contains(&true) != *negated)
            }
            (Test::Atom(_), _) => None,
        }
    }
}

fn compare(value: Value<'_>, of: Of, op: Op, with: &Constant) -> Option<bool> {
    let ordering = match (of, value, with) {
        (Of::Value, Value::Bool(value), Constant::Bool(with)) => value.cmp(with),
        (Of::Value, Value::TimestampUs(value), with) => {
            let moment = times::moment_us(with, matches!(op, Op::Less | Op::LessOrEqual))?;
            value.cmp(&moment)
        }
        (Of::Value, Value::Text(value), Constant::Text(with)) => match op {
            Op::Equal | Op::NotEqual => value.cmp(with),
            // The order of texts is the collation's.
            _ => return None,
        },
        (Of::Value, value, Constant::Number(with)) => number(value)?.total_cmp(with),
        (Of::Value, value, Constant::Text(with)) => {
            number(value)?.total_cmp(&with.trim().parse().ok()?)
        }
        (Of::Chars, Value::Text(value), Constant::Number(with)) => {
            (value.chars().count() as f64).total_cmp(with)
        }
        (Of::Bytes, Value::Text(value), Constant::Number(with)) => {
            (value.len() as f64).total_cmp(with)
        }
        (Of::Lower, Value::Text(value), Constant::Text(with)) => value.to_lowercase().cmp(with),
        (Of::Upper, Value::Text(value), Constant::Text(with)) => value.to_uppercase().cmp(with),
        (Of::Trimmed, Value::Text(value), Constant::Text(with)) => {
            value.trim_matches(' ').cmp(with)
        }
        _ => return None,
    };
    Some(op.holds(ordering))
}

fn number(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Int(value) => Some(value as f64),
        Value::Float(value) => Some(value),
        Value::Decimal { unscaled, scale } => Some(unscaled as f64 / 10f64.powi(scale.into())),
        _ => None,
    }
}
