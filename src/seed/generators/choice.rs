//! `choice`: one of a few texts, by weight.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::json;
use super::mix::Weights;
use super::{Make, Picker, Recipe};
use crate::seed::cells::Cells;
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};
use crate::seed::words::Table;

/// Texts and their weights: `choice = { paid = 8, refunded = 1 }`. The labels of an enum, too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Choice(pub BTreeMap<String, f64>);

impl Recipe for Choice {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        if let Some((label, weight)) = self.0.iter().find(|(_, w)| !w.is_finite() || **w < 0.0) {
            return Err(format!(
                "the weight of {label:?}, {weight}, must be 0 or more"
            ));
        }
        let choices = self.possible();
        if choices.is_empty() {
            return Err("the weights sum to zero: give one choice a weight above 0".to_owned());
        }
        Ok(Box::new(Choices {
            picker: place.picker(choices.len() as u64, 0.0),
            weights: Weights::new(choices.iter().map(|(_, weight)| *weight))?,
            quoted: Table::new(choices.iter().map(|(label, _)| quoted(label))),
            choices: choices.into_iter().map(|(label, _)| label).collect(),
        }))
    }

    fn choices(&self, _: &Place<'_>, _: bool) -> Option<u64> {
        Some(self.possible().len() as u64)
    }
}

impl Choice {
    fn possible(&self) -> Vec<(String, f64)> {
        let possible = self.0.iter().filter(|(_, weight)| **weight > 0.0);
        possible
            .map(|(label, weight)| (label.clone(), *weight))
            .collect()
    }
}

fn quoted(label: &str) -> String {
    let mut out = Cells::default();
    json::push_text(&mut out, label);
    out.as_str().to_owned()
}

struct Choices {
    choices: Vec<String>,
    /// The same as JSON.
    quoted: Table,
    weights: Weights,
    picker: Picker,
}

impl Choices {
    fn at(&self, row: u64, dice: &mut Dice) -> usize {
        match &self.picker {
            Picker::Index(index) => index.at(row) as usize,
            Picker::Chance { .. } => self.weights.pick(dice),
        }
    }
}

impl Make for Choices {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        Value::Text(&self.choices[self.at(row, dice)])
    }

    fn json(&self, row: u64, dice: &mut Dice, _: &mut Scratch, out: &mut Cells) {
        self.quoted.put(self.at(row, dice), out);
    }

    fn shape(&self) -> Shape {
        Shape::Label(self.choices.clone())
    }
}
