//! `after`: a moment after another of the same row.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Recipe};
use crate::seed::context::Place;

/// From `min_s` to `max_s` seconds after the moment in another column of the row; NULL where that is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct After {
    pub column: String,
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub min_s: i64,
    pub max_s: i64,
}

impl Recipe for After {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Err("not made yet".to_owned())
    }
}
