//! What makes a column's values: one file per generator.

pub mod sequence;
pub mod int;
pub mod decimal;
pub mod price;
pub mod bool;
pub mod choice;
pub mod code;
pub mod text;
pub mod name;
pub mod email;
pub mod phone;
pub mod address;
pub mod company;
pub mod product;
pub mod uuid;
pub mod timestamp;
pub mod json;
pub mod reference;
pub mod parent;
pub mod nullable;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::context::Place;
use super::dice::Dice;
use super::value::{Scratch, Shape, Value};

/// A generator as a dataset or a workload asks for it: `{ int = { min = 1, max = 9 } }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum GeneratorSpec {
    Sequence(sequence::Sequence),
    Int(int::Int),
    Decimal(decimal::Decimal),
    Price(price::Price),
    Bool(bool::Bool),
    Choice(choice::Choice),
    Code(code::Code),
    Text(text::Text),
    FirstName(name::FirstName),
    LastName(name::LastName),
    FullName(name::FullName),
    Email(email::Email),
    Phone(phone::Phone),
    Street(address::Street),
    City(address::City),
    Postcode(address::Postcode),
    Country(address::Country),
    Company(company::Company),
    Product(product::Product),
    Uuid(uuid::Uuid),
    Timestamp(timestamp::Timestamp),
    Json(json::Json),
    Reference(reference::Reference),
    Parent(parent::Parent),
    Ordinal(parent::Ordinal),
    Nullable(nullable::Nullable),
}

impl GeneratorSpec {
    /// The generator, ready to make values; an error is a mistake in the dataset or the workload.
    pub fn build(&self, place: &Place<'_>) -> Result<Generator, String> {
        Ok(Generator {
            key: place.key(),
            make: self.recipe().build(place)?,
        })
    }

    fn recipe(&self) -> &dyn Recipe {
        match self {
            GeneratorSpec::Sequence(recipe) => recipe,
            GeneratorSpec::Int(recipe) => recipe,
            GeneratorSpec::Decimal(recipe) => recipe,
            GeneratorSpec::Price(recipe) => recipe,
            GeneratorSpec::Bool(recipe) => recipe,
            GeneratorSpec::Choice(recipe) => recipe,
            GeneratorSpec::Code(recipe) => recipe,
            GeneratorSpec::Text(recipe) => recipe,
            GeneratorSpec::FirstName(recipe) => recipe,
            GeneratorSpec::LastName(recipe) => recipe,
            GeneratorSpec::FullName(recipe) => recipe,
            GeneratorSpec::Email(recipe) => recipe,
            GeneratorSpec::Phone(recipe) => recipe,
            GeneratorSpec::Street(recipe) => recipe,
            GeneratorSpec::City(recipe) => recipe,
            GeneratorSpec::Postcode(recipe) => recipe,
            GeneratorSpec::Country(recipe) => recipe,
            GeneratorSpec::Company(recipe) => recipe,
            GeneratorSpec::Product(recipe) => recipe,
            GeneratorSpec::Uuid(recipe) => recipe,
            GeneratorSpec::Timestamp(recipe) => recipe,
            GeneratorSpec::Json(recipe) => recipe,
            GeneratorSpec::Reference(recipe) => recipe,
            GeneratorSpec::Parent(recipe) => recipe,
            GeneratorSpec::Ordinal(recipe) => recipe,
            GeneratorSpec::Nullable(recipe) => recipe,
        }
    }
}

/// A generator on paper, which can be made real in its place.
trait Recipe {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String>;
}

/// A generator at work.
trait Make: Send + Sync {
    /// The value of a row: the same whenever it is asked for with the same dice.
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, scratch: &'a mut Scratch) -> Value<'a>;

    /// What all its values have in common.
    fn shape(&self) -> Shape;

    fn gives_null(&self) -> bool {
        false
    }
}

/// Makes the values of one column, or of one parameter.
pub struct Generator {
    key: u64,
    make: Box<dyn Make>,
}

impl Generator {
    /// The value of a row, or of the n-th query: seed, place and number determine it.
    pub fn value<'a>(&'a self, row: u64, scratch: &'a mut Scratch) -> Value<'a> {
        let mut dice = Dice::new(self.key, row);
        self.make.value(row, &mut dice, scratch)
    }

    /// What all its values but NULL have in common.
    pub fn shape(&self) -> Shape {
        self.make.shape()
    }

    pub fn gives_null(&self) -> bool {
        self.make.gives_null()
    }
}

impl fmt::Debug for Generator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Generator({:?})", self.shape())
    }
}

#[cfg(test)]
mod tests;
