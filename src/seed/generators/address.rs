//! `street`, `city`, `postcode`, `country`: the parts of an address.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stamp::End;
use super::words::{self, Words, longest};
use super::written::{Write, Written};
use super::{Make, Picker, Recipe};
use crate::seed::cells::Cells;
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::digits;
use crate::seed::skew::Skew;
use crate::seed::words::{CITIES, COUNTRY_CODES, STREETS};

/// A number and a street: `118 Walker Avenue`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Street {}

/// A town.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct City {}

/// Five digits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Postcode {}

/// A country's two letters, all countries as likely: a `choice` weighs a few.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Country {}

impl Recipe for Street {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Written(Streets {
            number: Skew::drawn_often(HOUSES, 0.6),
            end: End::new(place, None, ' ')?,
        })))
    }

    fn takes_number(&self) -> bool {
        true
    }
}

impl Recipe for City {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Words::boxed(place, &CITIES, None, None)
    }

    fn choices(&self, _: &Place<'_>, _: bool) -> Option<u64> {
        words::choices(&CITIES, None)
    }

    fn takes_number(&self) -> bool {
        true
    }
}

impl Recipe for Postcode {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Written(Postcodes(place.picker(POSTCODES, 0.0)))))
    }

    fn choices(&self, _: &Place<'_>, _: bool) -> Option<u64> {
        Some(POSTCODES)
    }
}

impl Recipe for Country {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Words::boxed(place, &COUNTRY_CODES, None, None)
    }

    fn choices(&self, _: &Place<'_>, _: bool) -> Option<u64> {
        words::choices(&COUNTRY_CODES, None)
    }
}

/// Houses of the longest street.
const HOUSES: u64 = 999;
/// From 01000 on.
const POSTCODES: u64 = 99_000;

struct Streets {
    number: Skew,
    end: End,
}

impl Write for Streets {
    fn write(&self, row: u64, dice: &mut Dice, out: &mut Cells) {
        let start = out.len();
        out.push_str(digits::int(self.number.rank(dice) as i64 + 1).as_str());
        out.push(' ');
        STREETS.put_any(dice, out);
        self.end.put(row, out, start);
    }

    fn chars(&self) -> usize {
        self.end.chars("999 ".len() + longest(&STREETS))
    }
}

struct Postcodes(Picker);

impl Write for Postcodes {
    fn write(&self, row: u64, dice: &mut Dice, out: &mut Cells) {
        out.push_str(digits::padded::<5>(1_000 + self.0.at(row, dice)).as_str());
    }

    fn chars(&self) -> usize {
        5
    }
}
