//! `username`: names to log in with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name::Person;
use super::stamp::End;
use super::words::longest;
use super::written::{Write, Written};
use super::{Make, Recipe};
use crate::seed::cells::Cells;
use crate::seed::context::Place;
use crate::seed::dice::Dice;
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
        Ok(Box::new(Written(Usernames {
            person: Person::new(place),
            end: End::stamped(place, self.max, '_')?,
        })))
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

impl Write for Usernames {
    fn write(&self, row: u64, _: &mut Dice, out: &mut Cells) {
        let start = out.len();
        self.person.write_letters(row, b'_', out);
        self.end.put(row, out, start);
    }

    fn chars(&self) -> usize {
        let names = longest(&FIRST_NAMES) + 1 + longest(&LAST_NAMES);
        self.end.chars(names)
    }
}
