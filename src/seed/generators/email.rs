//! `email`: addresses, another for every row, at domains that are reserved for examples.

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
        Ok(Box::new(Written(Emails {
            person: Person::new(place),
            end: End::stamped(place, local, '.')?,
        })))
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

impl Write for Emails {
    fn write(&self, row: u64, dice: &mut Dice, out: &mut Cells) {
        let start = out.len();
        self.person.write_letters(row, b'.', out);
        self.end.put(row, out, start);
        out.push('@');
        out.push_str(dice.word(&DOMAINS));
    }

    fn chars(&self) -> usize {
        let names = longest(&FIRST_NAMES) + 1 + longest(&LAST_NAMES);
        self.end.chars(names) + 1 + longest(&DOMAINS)
    }
}
