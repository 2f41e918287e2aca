//! `title` and `slug`: what a page is called, and how its address says it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stamp::End;
use super::words::{Words, longest};
use super::{Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};
use crate::seed::words::{SLUGS, TITLES};

/// A few words: `Multi-layered modular throughput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Title {
    /// At most so many characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<usize>,
}

/// The words of the row's title as an address has them: `multi-layered-modular-throughput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Slug {
    /// At most so many characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<usize>,
}

/// What the rolls of a row's title start from, its slug's, too.
pub(super) const SHARED: &str = "title";

impl Recipe for Title {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Words::boxed(
            place,
            TITLES.as_slice(),
            self.max,
            Some(place.shared_key(SHARED)),
        )
    }

    fn takes_number(&self) -> bool {
        true
    }
}

impl Recipe for Slug {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Slugs {
            key: place.shared_key(SHARED),
            end: End::new(place, self.max, '-')?,
            chars: longest(&SLUGS),
        }))
    }

    fn takes_number(&self) -> bool {
        true
    }
}

struct Slugs {
    key: u64,
    end: End,
    chars: usize,
}

impl Make for Slugs {
    fn value<'a>(&'a self, row: u64, _: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let slug = Dice::new(self.key, row).word(&SLUGS);
        if self.end.keeps(self.chars) {
            return Value::Text(slug);
        }
        let text = scratch.text();
        text.push_str(slug);
        self.end.put(row, text);
        Value::Text(text)
    }

    fn shape(&self) -> Shape {
        Shape::Text {
            chars: self.end.chars(self.chars),
        }
    }
}
