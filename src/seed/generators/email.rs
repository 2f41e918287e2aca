//! `email`: addresses, another for every row, at domains that are reserved for examples.

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
        Ok(Box::new(Emails {
            key: place.key(),
            first: parts(FIRST_NAMES),
            last: parts(LAST_NAMES),
        }))
    }
}

struct Emails {
    key: u64,
    /// The names as they stand in addresses: `olivia.`
    first: Vec<String>,
    last: Vec<String>,
}

fn parts(names: &[impl AsRef<str>]) -> Vec<String> {
    let letters = |name: &str| -> String {
        let letters = name.chars().filter(char::is_ascii_alphabetic);
        letters.map(|letter| letter.to_ascii_lowercase()).collect()
    };
    let parts = names.iter().map(|name| letters(name.as_ref()) + ".");
    parts.collect()
}

impl Make for Emails {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let text = scratch.text();
        for names in [&self.first, &self.last] {
            text.push_str(dice.word(names));
        }
        let domain = dice.pick(&DOMAINS);
        Unique::new(row, self.key).push_to(text);
        text.push('@');
        text.push_str(domain);
        Value::Text(text)
    }

    fn shape(&self) -> Shape {
        let names = longest(FIRST_NAMES) + 1 + longest(LAST_NAMES) + 1;
        Shape::Text {
            chars: names + Unique::CHARS + 1 + longest(&DOMAINS),
        }
    }
}
