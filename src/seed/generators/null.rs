//! `null`: nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};

/// Always NULL.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Null {}

impl Recipe for Null {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Nulls))
    }
}

struct Nulls;

impl Make for Nulls {
    fn value<'a>(&'a self, _: u64, _: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        Value::Null
    }

    fn shape(&self) -> Shape {
        Shape::Null
    }

    fn gives_null(&self) -> bool {
        true
    }
}
