//! `hex`: digests and tokens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Recipe};
use crate::seed::context::Place;

/// So many hexadecimal digits, another text for every row if there are enough.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hex {
    pub length: usize,
}

impl Recipe for Hex {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Err("not made yet".to_owned())
    }
}
