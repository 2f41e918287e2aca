//! `uuid`: random UUIDs, version 4.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};

/// 122 bits that no other row has, but by a chance that no dataset meets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Uuid {}

impl Recipe for Uuid {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Uuids))
    }

    fn is_injective(&self, _: &Place<'_>) -> bool {
        true
    }
}

struct Uuids;

impl Make for Uuids {
    fn value<'a>(&'a self, _: u64, dice: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        let bits = u128::from(dice.roll()) << 64 | u128::from(dice.roll());
        // RFC 9562: the version, 4, in bits 48 to 51, and the variant, 10, in bits 64 and 65.
        let version = bits & !(0xf << 76) | 4 << 76;
        Value::Uuid(version & !(3 << 62) | 2 << 62)
    }

    fn shape(&self) -> Shape {
        Shape::Uuid
    }
}
