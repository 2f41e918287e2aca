//! `username`: names to log in with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::email::push_letters;
use super::name::Person;
use super::stamp::End;
use super::words::longest;
use super::{Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};
use crate::seed::words::{FIRST_NAMES, LAST_NAMES};

/// The row's person with a number: `olivia_smith_4k2f`; another for every row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Username {
    /// At most so many characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<usize>,
}

impl Recipe for Username {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Usernames {
            person: Person::new(place),
            end: End::stamped(place, self.max, '_')?,
        }))
    }

    fn is_injective(&self, _: &Place<'_>) -> bool {
        true
    }

    fn takes_number(&self) -> bool {
        true
    }
}

struct Usernames {
    person: Person,
    end: End,
}

impl Make for Usernames {
    fn value<'a>(&'a self, row: u64, _: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let text = scratch.text();
        push_letters(self.person.first(row), text);
        text.push('_');
        push_letters(self.person.last(row), text);
        self.end.put(row, text);
        Value::Text(text)
    }

    fn shape(&self) -> Shape {
        let names = longest(FIRST_NAMES) + 1 + longest(LAST_NAMES);
        Shape::Text {
            chars: self.end.chars(names),
        }
    }
}
