//! `same`: what another column of the row holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::redirect::Redirect;
use super::{Generator, Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::unique;
use crate::seed::value::Scratch;

/// The value of another column of the same row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Same {
    pub column: String,
}

impl Recipe for Same {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let other = place.sibling(&self.column)?;
        Ok(Box::new(Sames { other }))
    }

    fn is_injective(&self, place: &Place<'_>) -> bool {
        // A column that is the same as itself is told of when it is built.
        let is_other = !place.path.ends_with(&format!(".{}", self.column));
        is_other
            && place
                .table
                .is_some_and(|table| unique::is_key(place.context, table, &self.column))
    }
}

struct Sames {
    other: Generator,
}

impl Redirect for Sames {
    fn target<'a>(
        &'a self,
        row: u64,
        _: &mut Dice,
        _: &mut Scratch,
    ) -> Option<(&'a Generator, u64)> {
        Some((&self.other, row))
    }

    fn targets(&self) -> Vec<&Generator> {
        vec![&self.other]
    }
}
