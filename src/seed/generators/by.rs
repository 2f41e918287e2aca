//! `by`: values that depend on another column of the row.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{GeneratorSpec, Make, Recipe};
use crate::seed::context::Place;

/// One generator for each value of another column: a city that is in the row's country.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct By {
    pub column: String,
    /// By the other column's value as text.
    pub values: BTreeMap<String, GeneratorSpec>,
    /// For all other values; without it they get NULL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Box<GeneratorSpec>>,
}

impl Recipe for By {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Err("not made yet".to_owned())
    }
}
