//! `first_name`, `last_name`, `full_name`: people.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stamp::End;
use super::words::{self, Words, longest};
use super::written::{Write, Written};
use super::{Make, Picker, Recipe};
use crate::seed::cells::Cells;
use crate::seed::context::Place;
use crate::seed::dice::Dice;
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
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Words::boxed(place, &FIRST_NAMES, None, Some(place.shared_key(FIRST)))
    }

    fn choices(&self, _: &Place<'_>, _: bool) -> Option<u64> {
        words::choices(&FIRST_NAMES, None)
    }

    fn takes_number(&self) -> bool {
        true
    }
}

impl Recipe for LastName {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Words::boxed(place, &LAST_NAMES, None, Some(place.shared_key(LAST) ^ 1))
    }

    fn choices(&self, _: &Place<'_>, _: bool) -> Option<u64> {
        words::choices(&LAST_NAMES, None)
    }

    fn takes_number(&self) -> bool {
        true
    }
}

impl Recipe for FullName {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let first = FIRST_NAMES.len() as u64;
        let picker = place.picker(first * LAST_NAMES.len() as u64, 0.0);
        Ok(Box::new(Written(FullNames {
            person: Person::new(place),
            picker: Some(picker).filter(|picker| matches!(picker, Picker::Index(_))),
            end: End::new(place, None, ' ')?,
        })))
    }

    fn choices(&self, _: &Place<'_>, _: bool) -> Option<u64> {
        let first = words::choices(&FIRST_NAMES, None)?;
        Some(first * words::choices(&LAST_NAMES, None)?)
    }

    fn takes_number(&self) -> bool {
        true
    }
}

const FIRST: &str = "first_name";
const LAST: &str = "last_name";

/// Who a row is about: all columns of the row with a person's names have the same ones.
pub(super) struct Person {
    first_key: u64,
    last_key: u64,
}

impl Person {
    pub(super) fn new(place: &Place<'_>) -> Person {
        Person {
            first_key: place.shared_key(FIRST),
            // Of a parameter both keys are the same, and must not be.
            last_key: place.shared_key(LAST) ^ 1,
        }
    }

    #[inline]
    fn first(&self, row: u64) -> usize {
        Dice::new(self.first_key, row).below(FIRST_NAMES.len() as u64) as usize
    }

    #[inline]
    fn last(&self, row: u64) -> usize {
        Dice::new(self.last_key, row).below(LAST_NAMES.len() as u64) as usize
    }

    /// Both names in small letters, as addresses have them.
    pub(super) fn write_letters(&self, row: u64, separator: u8, out: &mut Cells) {
        FIRST_NAMES.put_letters(self.first(row), out);
        out.put_u8(separator);
        LAST_NAMES.put_letters(self.last(row), out);
    }
}

struct FullNames {
    person: Person,
    picker: Option<Picker>,
    end: End,
}

impl Write for FullNames {
    fn write(&self, row: u64, dice: &mut Dice, out: &mut Cells) {
        let start = out.len();
        let (first, last) = match &self.picker {
            Some(picker) => {
                let (n, count) = (picker.at(row, dice), FIRST_NAMES.len() as u64);
                ((n % count) as usize, (n / count) as usize)
            }
            None => (self.person.first(row), self.person.last(row)),
        };
        FIRST_NAMES.put(first, out);
        out.push(' ');
        LAST_NAMES.put(last, out);
        self.end.put(row, out, start);
    }

    fn chars(&self) -> usize {
        let chars = longest(&FIRST_NAMES) + 1 + longest(&LAST_NAMES);
        self.end.chars(chars)
    }
}
