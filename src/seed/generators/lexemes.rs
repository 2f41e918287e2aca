//! `lexemes` and `pairs`: words to search, and words with their values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Picker, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};
use crate::seed::words::LEXEMES;

/// From `min` to `max` words with their positions, for tsvector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lexemes {
    pub min: usize,
    pub max: usize,
}

/// From `min` to `max` keys with their values, for hstore.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pairs {
    pub min: usize,
    pub max: usize,
}

impl Recipe for Lexemes {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let length = length(self.min, self.max)?;
        Ok(Box::new(Vectors {
            min: self.min,
            length,
        }))
    }
}

impl Recipe for Pairs {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let length = length(self.min, self.max)?;
        Ok(Box::new(Stores {
            min: self.min,
            length,
        }))
    }
}

/// How many above `min`, if there are as many words.
fn length(min: usize, max: usize) -> Result<Picker, String> {
    let most = LEXEMES.len();
    if min > max || max > most {
        return Err(format!(
            "min = {min} and max = {max} must be in order and at most {most}"
        ));
    }
    Ok(Picker::chance((max - min) as u64 + 1, 0.0))
}

/// Different words for one value: every so many of the table, from somewhere on.
fn words(count: usize, dice: &mut Dice) -> impl Iterator<Item = &'static str> {
    let start = dice.below(LEXEMES.len() as u64) as usize;
    let step = LEXEMES.len() / count.max(1);
    let word = move |at: usize| LEXEMES[(start + at * step) % LEXEMES.len()].as_str();
    (0..count).map(word)
}

struct Vectors {
    min: usize,
    length: Picker,
}

impl Make for Vectors {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let text = scratch.text();
        let count = self.min + self.length.at(row, dice) as usize;
        for word in words(count, dice) {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
        }
        Value::Lexemes(text)
    }

    fn shape(&self) -> Shape {
        Shape::Lexemes
    }
}

struct Stores {
    min: usize,
    length: Picker,
}

impl Make for Stores {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let text = scratch.text();
        let count = self.min + self.length.at(row, dice) as usize;
        let start = dice.below(LEXEMES.len() as u64) as usize;
        for (at, key) in words(count, dice).enumerate() {
            if !text.is_empty() {
                text.push('\t');
            }
            text.push_str(key);
            text.push('\t');
            text.push_str(&LEXEMES[(start + at) % LEXEMES.len()]);
        }
        Value::Pairs(text)
    }

    fn shape(&self) -> Shape {
        Shape::Pairs
    }
}
