//! `company`: names of companies.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::words::{self, Words};
use super::{Make, Recipe};
use crate::seed::context::Place;
use crate::seed::words::COMPANIES;

/// A company.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Company {}

/// What the rolls of a row's company start from, its domain's, too.
pub(super) const SHARED: &str = "company";

impl Recipe for Company {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Words::boxed(place, &COMPANIES, None, Some(place.shared_key(SHARED)))
    }

    fn choices(&self, _: &Place<'_>, _: bool) -> Option<u64> {
        words::choices(&COMPANIES, None)
    }

    fn takes_number(&self) -> bool {
        true
    }
}
