//! `pattern`: texts that a regular expression matches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Recipe};
use crate::seed::context::Place;

/// A text that matches `regex`, which is written as Postgres reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    pub regex: String,
}

impl Recipe for Pattern {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Err("not made yet".to_owned())
    }
}
