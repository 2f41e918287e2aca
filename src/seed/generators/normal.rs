//! `normal`: numbers around a mean.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Recipe};
use crate::seed::context::Place;

/// Bell-shaped around `mean`: whole numbers, or with `scale` digits after the point. What lies
/// outside `min` and `max` becomes the nearer of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Normal {
    pub mean: f64,
    /// The standard deviation.
    pub deviation: f64,
    pub min: f64,
    pub max: f64,
    /// Digits after the point.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub scale: u8,
}

impl Recipe for Normal {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Err("not made yet".to_owned())
    }
}
