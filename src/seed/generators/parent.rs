//! `parent` and `ordinal`: a child's ties to its parent, in a table with `children_of`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Generator, Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::fan::Fan;
use crate::seed::value::{Scratch, Shape, Value};

/// What a column of the parent's row holds: its key, or anything that a child repeats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Parent {
    #[serde(skip_serializing_if = "is_id")]
    pub column: String,
}

fn is_id(column: &String) -> bool {
    column == "id"
}

impl Default for Parent {
    fn default() -> Parent {
        Parent {
            column: "id".to_owned(),
        }
    }
}

/// The child's number among its siblings, from 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ordinal {}

impl Recipe for Parent {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let (table, fan) = family(place)?;
        let (target, _) = place.other(table, &self.column)?;
        Ok(Box::new(Parents { target, fan }))
    }
}

impl Recipe for Ordinal {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let (_, fan) = family(place)?;
        Ok(Box::new(Ordinals { fan }))
    }
}

/// The table of the parents, and who is whose child.
fn family<'a>(place: &Place<'a>) -> Result<(&'a str, Fan), String> {
    place
        .table
        .and_then(|table| place.context.fan(table))
        .ok_or_else(|| "only a table with children_of has parents".to_owned())
}

struct Parents {
    target: Generator,
    fan: Fan,
}

impl Make for Parents {
    fn value<'a>(&'a self, row: u64, _: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let (parent, _) = self.fan.parent(row);
        self.target.value(parent, scratch)
    }

    fn shape(&self) -> Shape {
        self.target.shape()
    }

    fn gives_null(&self) -> bool {
        self.target.gives_null()
    }
}

struct Ordinals {
    fan: Fan,
}

impl Make for Ordinals {
    fn value<'a>(&'a self, row: u64, _: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        let (_, place) = self.fan.parent(row);
        Value::Int(place as i64 + 1)
    }

    fn shape(&self) -> Shape {
        // A parent has at most u16::MAX children: see the dataset's checks.
        Shape::Int {
            min: 1,
            max: i64::from(u16::MAX) / 2,
        }
    }
}
