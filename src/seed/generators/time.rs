//! `time` and `interval`: the time of a day, and how long something takes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Recipe};
use crate::seed::context::Place;

/// A time of day, to the second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Time {}

/// A time from `min_s` to `max_s` seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    pub min_s: i64,
    pub max_s: i64,
}

impl Recipe for Time {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Err("not made yet".to_owned())
    }
}

impl Recipe for Interval {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Err("not made yet".to_owned())
    }
}
