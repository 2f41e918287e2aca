//! `array`: several values of another generator.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Generator, GeneratorSpec, Make, Picker, Recipe};
use crate::seed::cells::Cells;
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::encode::{Encoding, Misfit};
use crate::seed::value::{Scratch, Shape, Value, text};

/// From `min` to `max` elements: `array = { min = 0, max = 5, value = { choice = { a = 1 } } }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Array {
    pub min: usize,
    pub max: usize,
    pub value: Box<GeneratorSpec>,
}

/// More elements than a row should have.
const LONGEST: usize = 100_000;

impl Recipe for Array {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let Array { min, max, .. } = *self;
        if min > max || max > LONGEST {
            return Err(format!(
                "min = {min} and max = {max} must be in order and at most {LONGEST}"
            ));
        }
        Ok(Box::new(Arrays {
            min: min as u64,
            max: max as u64,
            length: Picker::chance((max - min) as u64 + 1, 0.0),
            value: self.value.build(&place.part("value"))?,
        }))
    }
}

struct Arrays {
    min: u64,
    max: u64,
    length: Picker,
    value: Generator,
}

impl Arrays {
    /// The elements of a row, each by the number of a row of its own.
    fn elements(&self, row: u64, dice: &mut Dice) -> impl Iterator<Item = u64> {
        let length = self.min + self.length.at(row, dice);
        let first = row.wrapping_mul(self.max);
        (0..length).map(move |at| first.wrapping_add(at))
    }
}

impl Make for Arrays {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let (out, inner) = scratch.nested();
        out.push('{');
        for (at, element) in self.elements(row, dice).enumerate() {
            if at > 0 {
                out.push(',');
            }
            push_part(self.value.value(element, inner), "NULL", out);
        }
        out.push('}');
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
        let Encoding::Array {
            element_oid,
            element,
        } = encoding.composed()
        else {
            return encoding.put_cell(self.value(row, dice, scratch), out);
        };
        // `array_send`: dimensions, is there a NULL, the type; for each dimension its length and its
        // lowest number.
        out.put_measured(|out| {
            let elements = self.elements(row, dice);
            let length = elements.size_hint().0;
            out.put_i32(i32::from(length > 0));
            out.put_i32(i32::from(self.value.gives_null()));
            out.put_u32(*element_oid);
            if length > 0 {
                out.put_i32(length as i32);
                out.put_i32(1);
            }
            for at in elements {
                self.value.put(at, scratch, element, out)?;
            }
            Ok(())
        })
    }

    fn json(&self, row: u64, dice: &mut Dice, scratch: &mut Scratch, out: &mut Cells) {
        out.push('[');
        for (at, element) in self.elements(row, dice).enumerate() {
            if at > 0 {
                out.push(',');
            }
            self.value.json(element, scratch, out);
        }
        out.push(']');
    }

    fn shape(&self) -> Shape {
        Shape::Array(Box::new(self.value.shape()))
    }
}

/// Appends a part of an array, a record or a range in quotation marks, as all of them are read.
pub(super) fn push_part(value: Value<'_>, null: &str, out: &mut Cells) {
    if value == Value::Null {
        return out.push_str(null);
    }
    let start = out.len();
    out.push('"');
    text::write(value, out);
    let plain = out.text_from(start + 1);
    if plain.contains(['"', '\\']) {
        let plain = plain.to_owned();
        out.truncate(start + 1);
        for char in plain.chars() {
            if matches!(char, '"' | '\\') {
                out.push('\\');
            }
            out.push(char);
        }
    }
    out.push('"');
}
