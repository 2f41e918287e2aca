//! `company`: names of companies.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name::Words;
use super::{Make, Recipe};
use crate::seed::context::Place;
use crate::seed::words::COMPANIES;

/// A company.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Company {}

impl Recipe for Company {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Words(COMPANIES.as_slice())))
    }
}
