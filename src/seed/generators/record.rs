//! `record`: a value of a composite type.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{GeneratorSpec, Make, Recipe};
use crate::seed::context::Place;

/// The fields of a composite type, by name: `record = { street = { street = {} } }`; others are NULL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Record(pub BTreeMap<String, GeneratorSpec>);

impl Recipe for Record {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Err("not made yet".to_owned())
    }
}
