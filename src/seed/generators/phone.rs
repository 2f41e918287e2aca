//! `phone`: telephone numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::written::{Write, Written};
use super::{Make, Picker, Recipe};
use crate::seed::cells::Cells;
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::digits;

/// `+49 30 5550 1234`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Phone {}

/// Codes of countries with many telephones.
const COUNTRIES: [u8; 10] = [1, 31, 33, 34, 39, 44, 46, 48, 49, 91];

/// Areas of each country, and numbers of each area.
const AREAS: u64 = 90;
const NUMBERS: u64 = 100_000_000;
const COUNT: u64 = COUNTRIES.len() as u64 * AREAS * NUMBERS;

impl Recipe for Phone {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Written(Phones(place.picker(COUNT, 0.0)))))
    }

    fn choices(&self, _: &Place<'_>, _: bool) -> Option<u64> {
        Some(COUNT)
    }
}

struct Phones(Picker);

impl Write for Phones {
    fn write(&self, row: u64, dice: &mut Dice, out: &mut Cells) {
        let n = self.0.at(row, dice);
        let (n, number) = (n / NUMBERS, n % NUMBERS);
        let country = COUNTRIES[(n / AREAS) as usize];
        out.push('+');
        out.push_str(digits::int(country.into()).as_str());
        out.push(' ');
        out.push_str(digits::padded::<2>(10 + n % AREAS).as_str());
        for four in [number / 10_000, number] {
            out.push(' ');
            out.push_str(digits::padded::<4>(four).as_str());
        }
    }

    fn chars(&self) -> usize {
        16
    }
}
