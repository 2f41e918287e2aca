//! `mix`: one of several generators, by weight.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::redirect::Redirect;
use super::{Generator, GeneratorSpec, Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::Scratch;

/// `mix = [{ weight = 3, value = { city = {} } }, { weight = 1, value = { null = {} } }]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Mix(pub Vec<Part>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    pub weight: f64,
    pub value: GeneratorSpec,
}

impl Recipe for Mix {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let weights = Weights::new(self.0.iter().map(|part| part.weight))?;
        let part = |(at, part): (usize, &Part)| part.value.build(&place.inside(&at.to_string()));
        Ok(Box::new(Mixed {
            weights,
            parts: self
                .0
                .iter()
                .enumerate()
                .map(part)
                .collect::<Result<_, _>>()?,
        }))
    }
}

/// Which of several, by weight.
pub(super) struct Weights {
    /// Each with those before it.
    sums: Vec<f64>,
}

impl Weights {
    pub(super) fn new(weights: impl Iterator<Item = f64>) -> Result<Weights, String> {
        let mut sum = 0.0;
        let mut sums = Vec::new();
        for weight in weights {
            if !weight.is_finite() || weight < 0.0 {
                return Err(format!("weight = {weight} must be 0 or more"));
            }
            sum += weight;
            sums.push(sum);
        }
        if sum > 0.0 {
            Ok(Weights { sums })
        } else {
            Err("the weights sum to zero: give one a weight above 0".to_owned())
        }
    }

    pub(super) fn pick(&self, dice: &mut Dice) -> usize {
        let sum = self.sums[self.sums.len() - 1];
        let point = dice.unit() * sum;
        let at = self.sums.partition_point(|upto| *upto <= point);
        at.min(self.sums.len() - 1)
    }
}

/// One of several generators for each row.
pub(super) struct Mixed {
    pub(super) weights: Weights,
    /// As many as there are weights.
    pub(super) parts: Vec<Generator>,
}

impl Redirect for Mixed {
    fn target<'a>(
        &'a self,
        row: u64,
        dice: &mut Dice,
        _: &mut Scratch,
    ) -> Option<(&'a Generator, u64)> {
        Some((&self.parts[self.weights.pick(dice)], row))
    }

    fn targets(&self) -> Vec<&Generator> {
        self.parts.iter().collect()
    }
}
