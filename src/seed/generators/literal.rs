//! `literal`: texts that the server reads as values of the column's type, whatever that is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Picker, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};

/// One of these texts, all as likely: `literal = { any = ["POINT(1 2)"] }`; or, row by row, one after the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Literal {
    pub any: Vec<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_order: bool,
}

impl Recipe for Literal {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        if self.any.is_empty() {
            return Err("any = [] gives nothing to choose from".to_owned());
        }
        Ok(Box::new(Literals {
            any: self.any.clone(),
            picker: (!self.in_order).then(|| place.picker(self.any.len() as u64, 0.0)),
        }))
    }

    fn choices(&self, _: &Place<'_>, _: bool) -> Option<u64> {
        Some(self.any.len() as u64)
    }
}

struct Literals {
    any: Vec<String>,
    /// `None` where the row's number says which.
    picker: Option<Picker>,
}

impl Make for Literals {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        let at = match &self.picker {
            Some(picker) => picker.at(row, dice),
            None => row % self.any.len() as u64,
        };
        Value::Text(&self.any[at as usize])
    }

    fn shape(&self) -> Shape {
        Shape::Label(self.any.clone())
    }
}
