//! `first_name`, `last_name`, `full_name`: people.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};
use crate::seed::words::{FIRST_NAMES, LAST_NAMES};

/// A given name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstName {}

/// A family name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LastName {}

/// A given and a family name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FullName {}

impl Recipe for FirstName {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Words(FIRST_NAMES)))
    }
}

impl Recipe for LastName {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Words(LAST_NAMES)))
    }
}

impl Recipe for FullName {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(FullNames))
    }
}

/// One of a table's words, all as likely.
pub(super) struct Words<T: 'static>(pub(super) &'static [T]);

impl<T: AsRef<str> + Send + Sync> Make for Words<T> {
    fn value<'a>(&'a self, _: u64, dice: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        Value::Text(dice.word(self.0))
    }

    fn shape(&self) -> Shape {
        Shape::Text {
            chars: longest(self.0),
        }
    }
}

/// Characters of the longest word.
pub(super) fn longest(words: &[impl AsRef<str>]) -> usize {
    let chars = words.iter().map(|word| word.as_ref().chars().count());
    chars.max().unwrap_or(0)
}

struct FullNames;

impl Make for FullNames {
    fn value<'a>(&'a self, _: u64, dice: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let text = scratch.text();
        text.push_str(dice.word(FIRST_NAMES));
        text.push(' ');
        text.push_str(dice.word(LAST_NAMES));
        Value::Text(text)
    }

    fn shape(&self) -> Shape {
        Shape::Text {
            chars: longest(FIRST_NAMES) + 1 + longest(LAST_NAMES),
        }
    }
}
