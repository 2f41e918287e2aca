//! `username`: names to log in with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Recipe};
use crate::seed::context::Place;

/// The row's person with a number: `olivia.smith3k`; another for every row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Username {
    /// At most so many characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<usize>,
}

impl Recipe for Username {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Err("not made yet".to_owned())
    }
}
