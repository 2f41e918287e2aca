//! `nullable`: another generator's values, or NULL.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::redirect::Redirect;
use super::{Generator, GeneratorSpec, Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::Scratch;

/// NULL in the fraction `nulls` of rows: `nullable = { nulls = 0.7, value = { text = { … } } }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nullable {
    pub nulls: f64,
    pub value: Box<GeneratorSpec>,
}

impl Recipe for Nullable {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        super::bool::check_fraction("nulls", self.nulls)?;
        Ok(Box::new(Sometimes {
            nulls: self.nulls,
            value: self.value.build(&place.inside("value"))?,
        }))
    }
}

struct Sometimes {
    nulls: f64,
    value: Generator,
}

impl Redirect for Sometimes {
    fn target<'a>(
        &'a self,
        row: u64,
        dice: &mut Dice,
        _: &mut Scratch,
    ) -> Option<(&'a Generator, u64)> {
        (dice.unit() >= self.nulls).then_some((&self.value, row))
    }

    fn targets(&self) -> Vec<&Generator> {
        vec![&self.value]
    }

    fn misses(&self) -> bool {
        true
    }
}
