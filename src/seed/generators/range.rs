//! `range`: from a value to a later one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{GeneratorSpec, Make, Recipe};
use crate::seed::context::Place;

/// From a value of `start` on, `min` to `max` long: units of a number, seconds of a timestamp, days of a
/// date. The end does not belong to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    pub start: Box<GeneratorSpec>,
    pub min: u64,
    pub max: u64,
    /// No two rows have ranges that overlap; then `start` only says where they all lie.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub disjoint: bool,
}

impl Recipe for Range {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Err("not made yet".to_owned())
    }
}
