//! `email`: addresses, another for every row, at domains that are reserved for examples.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::code::Unique;
use super::name::longest;
use super::{Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};
use crate::seed::words::{FIRST_NAMES, LAST_NAMES};

/// `olivia.smith.4k2f9q0z@example.com`: unique by construction, so it suits a unique column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Email {
    /// At most so many characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<usize>,
}

const DOMAINS: [&str; 3] = ["example.com", "example.org", "example.net"];

impl Recipe for Email {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Emails { key: place.key() }))
    }
}

struct Emails {
    key: u64,
}

impl Make for Emails {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let text = scratch.text();
        for name in [dice.pick(FIRST_NAMES), dice.pick(LAST_NAMES)] {
            text.extend(name.chars().filter(char::is_ascii_alphabetic));
            text.push('.');
        }
        text.make_ascii_lowercase();
        let domain = dice.pick(&DOMAINS);
        let _ = write!(text, "{}@{domain}", Unique::new(row, self.key));
        Value::Text(text)
    }

    fn shape(&self) -> Shape {
        let names = longest(FIRST_NAMES) + 1 + longest(LAST_NAMES) + 1;
        Shape::Text {
            chars: names + Unique::CHARS + 1 + longest(&DOMAINS),
        }
    }
}
