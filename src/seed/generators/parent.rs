//! `parent` and `ordinal`: a child's ties to its parent, in a table with `children_of`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::redirect::Redirect;
use super::{Generator, Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::fan::Fan;
use crate::seed::unique;
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

    fn is_injective(&self, place: &Place<'_>) -> bool {
        let table = place
            .table
            .and_then(|table| place.context.tables.get(table));
        let children = table.and_then(|table| table.children_of.as_ref());
        children.is_some_and(|children| {
            children.max == 1 && unique::is_key(place.context, &children.table, &self.column)
        })
    }
}

impl Recipe for Ordinal {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let (_, fan) = family(place)?;
        let table = place
            .table
            .and_then(|table| place.context.tables.get(table));
        let children = table.and_then(|table| table.children_of.as_ref());
        let most = children.map_or(u32::MAX, |children| children.max);
        Ok(Box::new(Ordinals { fan, most }))
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

impl Redirect for Parents {
    fn target<'a>(
        &'a self,
        row: u64,
        _: &mut Dice,
        _: &mut Scratch,
    ) -> Option<(&'a Generator, u64)> {
        let (parent, _) = self.fan.parent(row);
        Some((&self.target, parent))
    }

    fn targets(&self) -> Vec<&Generator> {
        vec![&self.target]
    }
}

struct Ordinals {
    fan: Fan,
    /// Children of one parent.
    most: u32,
}

impl Make for Ordinals {
    fn value<'a>(&'a self, row: u64, _: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        let (_, place) = self.fan.parent(row);
        Value::Int(place as i64 + 1)
    }

    fn shape(&self) -> Shape {
        Shape::Int {
            min: 1,
            max: i64::from(self.most),
        }
    }
}
