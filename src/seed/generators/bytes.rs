//! `bytes` and `bits`: data without a meaning.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Picker, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::{Dice, mix};
use crate::seed::value::{Scratch, Shape, Value};

/// From `min` to `max` random bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bytes {
    pub min: usize,
    pub max: usize,
}

/// So many random bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bits {
    pub length: usize,
}

/// More than any column should be given by chance.
const LONGEST: usize = 1 << 20;

impl Recipe for Bytes {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let Bytes { min, max } = *self;
        if min > max || max > LONGEST {
            return Err(format!(
                "min = {min} and max = {max} must be in order and at most {LONGEST}"
            ));
        }
        Ok(Box::new(Random {
            min,
            length: Picker::chance((max - min) as u64 + 1, 0.0),
            key: place.number().unwrap_or_else(|| place.key()),
        }))
    }

    fn is_injective(&self, _: &Place<'_>) -> bool {
        self.min >= 8
    }
}

impl Recipe for Bits {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        if self.length > LONGEST {
            return Err(format!("length = {} is above {LONGEST}", self.length));
        }
        let picker = self.choices(place, true).map(|n| place.picker(n, 0.0));
        Ok(Box::new(RandomBits {
            length: self.length,
            picker: picker.filter(|picker| matches!(picker, Picker::Index(_))),
        }))
    }

    fn choices(&self, _: &Place<'_>, _: bool) -> Option<u64> {
        (self.length < 63).then(|| 1 << self.length)
    }
}

struct Random {
    min: usize,
    length: Picker,
    key: u64,
}

impl Make for Random {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let bytes = scratch.bytes();
        let length = self.min + self.length.at(row, dice) as usize;
        // No two rows share the first eight.
        let mut roll = mix(row ^ self.key);
        while bytes.len() < length {
            let more = (length - bytes.len()).min(8);
            bytes.extend_from_slice(&roll.to_be_bytes()[..more]);
            roll = dice.roll();
        }
        Value::Bytes(bytes)
    }

    fn shape(&self) -> Shape {
        Shape::Bytes
    }
}

struct RandomBits {
    length: usize,
    picker: Option<Picker>,
}

impl Make for RandomBits {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let (bytes, len) = (scratch.bytes(), self.length);
        while bytes.len() * 8 < len {
            let roll = match &self.picker {
                // There are fewer than 64 bits: they go first.
                Some(picker) => picker.at(row, dice) << (64 - len),
                None => dice.roll(),
            };
            bytes.extend_from_slice(&roll.to_be_bytes());
        }
        bytes.truncate(len.div_ceil(8));
        // The bits after the last are zeros.
        if let Some(last) = bytes.last_mut().filter(|_| len % 8 > 0) {
            *last &= 0xff << (8 - len % 8);
        }
        Value::Bits { bytes, len }
    }

    fn shape(&self) -> Shape {
        Shape::Bits { len: self.length }
    }
}
