//! `point`: a place on a plane; other shapes are drawn around it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};

/// A point, longitude before latitude. For columns of other geometric types: a small shape there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Point {}

impl Recipe for Point {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Points))
    }
}

struct Points;

impl Make for Points {
    fn value<'a>(&'a self, _: u64, dice: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        // To a millionth of a degree, where people live.
        let mut degrees = |from: i64, upto: i64| {
            let millionths = dice.below((upto - from) as u64 * 1_000_000);
            (from * 1_000_000 + millionths as i64) as f64 / 1e6
        };
        let x = degrees(-180, 180);
        Value::Point {
            x,
            y: degrees(-56, 70),
        }
    }

    fn shape(&self) -> Shape {
        Shape::Point
    }
}
