//! `email`: addresses, another for every row, at domains that are reserved for examples.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name::Person;
use super::stamp::End;
use super::words::longest;
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
        let domain = 1 + longest(&DOMAINS);
        let local = self.max.map(|max| max.saturating_sub(domain));
        Ok(Box::new(Emails {
            person: Person::new(place),
            end: End::stamped(place, local, '.')?,
        }))
    }

    fn is_injective(&self, _: &Place<'_>) -> bool {
        true
    }

    fn takes_number(&self) -> bool {
        true
    }
}

struct Emails {
    person: Person,
    end: End,
}

impl Make for Emails {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let text = scratch.text();
        push_letters(self.person.first(row), text);
        text.push('.');
        push_letters(self.person.last(row), text);
        self.end.put(row, text);
        text.push('@');
        text.push_str(dice.word(&DOMAINS));
        Value::Text(text)
    }

    fn shape(&self) -> Shape {
        let names = longest(FIRST_NAMES) + 1 + longest(LAST_NAMES);
        Shape::Text {
            chars: self.end.chars(names) + 1 + longest(&DOMAINS),
        }
    }
}

/// The letters of a name, all small.
pub(super) fn push_letters(name: &str, text: &mut String) {
    let letters = name.chars().filter(char::is_ascii_alphabetic);
    text.extend(letters.map(|letter| letter.to_ascii_lowercase()));
}
