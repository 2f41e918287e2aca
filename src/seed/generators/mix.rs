//! `mix`: one of several generators, by weight.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{GeneratorSpec, Make, Recipe};
use crate::seed::context::Place;

/// `mix = [{ weight = 3, value = { city = {} } }, { weight = 1, value = { null = {} } }]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Mix(pub Vec<Part>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    pub weight: f64,
    pub value: GeneratorSpec,
}

impl Recipe for Mix {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Err("not made yet".to_owned())
    }
}
