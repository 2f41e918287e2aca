//! `range`: from a value to a later one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::array::push_part;
use super::timestamp::Shares;
use super::{Generator, GeneratorSpec, Make, Picker, Recipe};
use crate::seed::cells::Cells;
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::digits::{DAY_US, SECOND_US};
use crate::seed::encode::{Encoding, Misfit};
use crate::seed::value::{Scratch, Shape, Value};

/// From a value of `start` on, `min` to `max` long: units of a number, seconds of a timestamp, days of a
/// date. The end does not belong to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    pub start: Box<GeneratorSpec>,
    pub min: u64,
    pub max: u64,
    /// No two rows have ranges that overlap; then `start` only says where they all lie.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub disjoint: bool,
}

impl Recipe for Range {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let Range { min, max, .. } = *self;
        if min > max || max > 1 << 40 {
            return Err(format!(
                "min = {min} is above max = {max}, or that above 2^40"
            ));
        }
        let start = self.start.build(&place.inside("start"))?;
        let span = Span::of(&start.shape())?;
        let slots = match (self.disjoint, place.rows()) {
            (false, _) => None,
            (true, Some(rows)) => Some(Slots::new(span, rows.max(1), min)?),
            (true, None) => return Err("disjoint needs rows, and a parameter has none".to_owned()),
        };
        Ok(Box::new(Ranges {
            start,
            span,
            slots,
            min,
            length: Picker::chance(max - min + 1, 0.0),
        }))
    }

    fn is_injective(&self, place: &Place<'_>) -> bool {
        self.disjoint || self.start.is_injective(place)
    }

    fn choices(&self, place: &Place<'_>, fine: bool) -> Option<u64> {
        self.start.choices(place, fine)
    }
}

/// Where ranges may start.
#[derive(Clone, Copy)]
struct Span {
    min: i64,
    max: i64,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Int,
    Decimal(u8),
    Moment,
}

impl Span {
    fn of(shape: &Shape) -> Result<Span, String> {
        let (min, max, kind) = match *shape {
            Shape::Int { min, max } => (min, max, Kind::Int),
            Shape::Decimal { min, max, scale } => (min, max, Kind::Decimal(scale)),
            Shape::Timestamp { min_us, max_us } => (min_us, max_us, Kind::Moment),
            _ => {
                return Err(format!(
                    "start gives {shape:?}: it must be numbers or timestamps"
                ));
            }
        };
        Ok(Span { min, max, kind })
    }

    /// How much a length of 1 is; days of dates are told apart from seconds when they are sent.
    fn unit(self, is_date: bool) -> i64 {
        match self.kind {
            Kind::Int => 1,
            Kind::Decimal(scale) => 10i64.pow(scale.into()),
            Kind::Moment if is_date => DAY_US,
            Kind::Moment => SECOND_US,
        }
    }

    fn value(self, at: i64) -> Value<'static> {
        match self.kind {
            Kind::Int => Value::Int(at),
            Kind::Decimal(scale) => Value::Decimal {
                unscaled: at,
                scale,
            },
            Kind::Moment => Value::TimestampUs(at),
        }
    }
}

/// A part of the span for each row, so that no two ranges meet.
struct Slots(Shares);

impl Slots {
    fn new(span: Span, rows: u64, min: u64) -> Result<Slots, String> {
        let unit = span.unit(false) as u64;
        let each = span.max.abs_diff(span.min) / rows;
        if each < min.max(1).saturating_mul(unit) {
            let room = span.max.abs_diff(span.min) / min.max(1).saturating_mul(unit);
            return Err(format!(
                "disjoint: start has room for {room} ranges of at least {min}, but there are {rows} rows; \
                 give start a wider span or the table fewer rows"
            ));
        }
        Ok(Slots(Shares::new(span.max.abs_diff(span.min), rows)))
    }
}

struct Ranges {
    start: Generator,
    span: Span,
    slots: Option<Slots>,
    min: u64,
    length: Picker,
}

impl Ranges {
    /// Both ends; the second does not belong to it.
    fn ends(
        &self,
        row: u64,
        dice: &mut Dice,
        scratch: &mut Scratch,
        is_date: bool,
    ) -> Option<(i64, i64)> {
        let unit = self.span.unit(is_date);
        let length = (self.min + self.length.at(row, dice)) as i64 * unit;
        if let Some(slots) = &self.slots {
            let edge = |row: u64| {
                let at = self.span.min.wrapping_add_unsigned(slots.0.start(row));
                at.div_euclid(unit) * unit
            };
            let (from, until) = (edge(row), edge(row + 1));
            let room = until - from;
            let length = length.min(room);
            let before = dice.below(((room - length) / unit) as u64 + 1) as i64 * unit;
            return Some((from + before, from + before + length));
        }
        let from = match self.start.value(row, scratch) {
            Value::Int(int) => int,
            Value::Decimal { unscaled, .. } => unscaled,
            Value::TimestampUs(us) => us,
            _ => return None,
        };
        Some((from, from.saturating_add(length)))
    }
}

impl Make for Ranges {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let (out, inner) = scratch.nested();
        let Some((from, until)) = self.ends(row, dice, inner, false) else {
            return Value::Null;
        };
        out.push('[');
        push_part(self.span.value(from), "", out);
        out.push(',');
        push_part(self.span.value(until), "", out);
        out.push(')');
        Value::Composed(out.as_str())
    }

    fn put(
        &self,
        row: u64,
        dice: &mut Dice,
        scratch: &mut Scratch,
        encoding: &Encoding,
        out: &mut Cells,
    ) -> Result<(), Misfit> {
        match encoding.composed() {
            // `multirange_send`: the number of ranges, then each with its length.
            Encoding::Multirange(element) => out.put_measured(|out| {
                out.put_i32(1);
                self.put(row, dice, scratch, &Encoding::Range(element.clone()), out)
            }),
            // `range_send`: flags, of which 2 says that the lower end belongs to it and 1 that it is
            // empty; both ends.
            Encoding::Range(element) => out.put_measured(|out| {
                let is_date = matches!(element.composed(), Encoding::Date);
                match self.ends(row, dice, scratch, is_date) {
                    Some((from, until)) if until > from => {
                        out.put_u8(2);
                        element.put_cell(self.span.value(from), out)?;
                        element.put_cell(self.span.value(until), out)
                    }
                    _ => {
                        out.put_u8(1);
                        Ok(())
                    }
                }
            }),
            _ => encoding.put_cell(self.value(row, dice, scratch), out),
        }
    }

    fn shape(&self) -> Shape {
        Shape::Range(Box::new(self.start.shape()))
    }

    fn gives_null(&self) -> bool {
        self.start.gives_null()
    }
}
