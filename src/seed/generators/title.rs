//! `title` and `slug`: what a page is called, and how its address says it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stamp::End;
use super::words::{Words, longest};
use super::written::{Write, Written};
use super::{Make, Recipe};
use crate::seed::cells::Cells;
use crate::seed::context::Place;
use crate::seed::dice::Dice;
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
        Words::boxed(place, &TITLES, self.max, Some(place.shared_key(SHARED)))
    }

    fn takes_number(&self) -> bool {
        true
    }
}

impl Recipe for Slug {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Written(Slugs {
            key: place.shared_key(SHARED),
            end: End::new(place, self.max, '-')?,
            chars: longest(&SLUGS),
        })))
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

impl Write for Slugs {
    fn write(&self, row: u64, _: &mut Dice, out: &mut Cells) {
        let start = out.len();
        SLUGS.put_any(&mut Dice::new(self.key, row), out);
        self.end.put(row, out, start);
    }

    fn chars(&self) -> usize {
        self.end.chars(self.chars)
    }
}
