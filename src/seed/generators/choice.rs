//! `choice`: one of a few texts, by weight.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};

/// Texts and their weights: `choice = { paid = 8, refunded = 1 }`. The labels of an enum, too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Choice(pub BTreeMap<String, f64>);

impl Recipe for Choice {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        if let Some((label, weight)) = self.0.iter().find(|(_, w)| !w.is_finite() || **w < 0.0) {
            return Err(format!(
                "the weight of {label:?}, {weight}, must be 0 or more"
            ));
        }
        let mut sum = 0.0;
        let choices: Vec<_> = self
            .0
            .iter()
            .filter(|(_, weight)| **weight > 0.0)
            .map(|(label, weight)| {
                sum += weight;
                (sum, label.clone())
            })
            .collect();
        if choices.is_empty() {
            return Err("the weights sum to zero: give one choice a weight above 0".to_owned());
        }
        Ok(Box::new(Choices { choices, sum }))
    }
}

struct Choices {
    /// Each with the sum of the weights up to and with its own.
    choices: Vec<(f64, String)>,
    sum: f64,
}

impl Make for Choices {
    fn value<'a>(&'a self, _: u64, dice: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        let point = dice.unit() * self.sum;
        let at = self.choices.partition_point(|(upto, _)| *upto <= point);
        Value::Text(&self.choices[at.min(self.choices.len() - 1)].1)
    }

    fn shape(&self) -> Shape {
        Shape::Label(
            self.choices
                .iter()
                .map(|(_, label)| label.clone())
                .collect(),
        )
    }
}
