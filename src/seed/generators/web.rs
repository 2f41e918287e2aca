//! `domain` and `url`: addresses on the web, all in domains that are reserved for examples.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Recipe};
use crate::seed::context::Place;

/// The row's company with a reserved domain: `smith-and-sons.example.com`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Domain {
    /// At most so many characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<usize>,
}

/// A page at the row's domain: `https://smith-and-sons.example.com/modern-lamps`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Url {
    /// At most so many characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<usize>,
}

impl Recipe for Domain {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Err("not made yet".to_owned())
    }
}

impl Recipe for Url {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Err("not made yet".to_owned())
    }
}
