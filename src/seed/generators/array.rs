//! `array`: several values of another generator.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{GeneratorSpec, Make, Recipe};
use crate::seed::context::Place;

/// From `min` to `max` elements: `array = { min = 0, max = 5, value = { choice = { a = 1 } } }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Array {
    pub min: usize,
    pub max: usize,
    pub value: Box<GeneratorSpec>,
}

impl Recipe for Array {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Err("not made yet".to_owned())
    }
}
