//! What makes a column's values: one file per generator.

pub mod sequence;
pub mod int;
pub mod decimal;
pub mod price;
pub mod float;
pub mod normal;
pub mod bool;
pub mod choice;
pub mod literal;
pub mod null;
pub mod code;
pub mod hex;
pub mod pattern;
pub mod text;
pub mod title;
pub mod name;
pub mod username;
pub mod email;
pub mod phone;
pub mod address;
pub mod company;
pub mod web;
pub mod product;
pub mod fake;
pub mod uuid;
pub mod timestamp;
pub mod after;
pub mod time;
pub mod bytes;
pub mod network;
pub mod point;
pub mod lexemes;
pub mod json;
pub mod array;
pub mod range;
pub mod record;
pub mod reference;
pub mod parent;
pub mod same;
pub mod by;
pub mod sum;
pub mod nullable;
pub mod mix;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::context::Place;
use super::dice::Dice;
use super::value::{Scratch, Shape, Value};

/// The enum of all generators, and the recipe behind each.
macro_rules! generators {
    ($($name:ident($recipe:ty),)*) => {
        /// A generator as a dataset or a workload asks for it: `{ int = { min = 1, max = 9 } }`.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case", deny_unknown_fields)]
        pub enum GeneratorSpec {
            $($name($recipe),)*
        }

        impl GeneratorSpec {
            fn recipe(&self) -> &dyn Recipe {
                match self {
                    $(GeneratorSpec::$name(recipe) => recipe,)*
                }
            }
        }
    };
}

generators! {
    Sequence(sequence::Sequence),
    Int(int::Int),
    Decimal(decimal::Decimal),
    Price(price::Price),
    Float(float::Float),
    Normal(normal::Normal),
    Bool(bool::Bool),
    Choice(choice::Choice),
    Literal(literal::Literal),
    Null(null::Null),
    Code(code::Code),
    Hex(hex::Hex),
    Pattern(pattern::Pattern),
    Text(text::Text),
    Title(title::Title),
    Slug(title::Slug),
    FirstName(name::FirstName),
    LastName(name::LastName),
    FullName(name::FullName),
    Username(username::Username),
    Email(email::Email),
    Phone(phone::Phone),
    Street(address::Street),
    City(address::City),
    Postcode(address::Postcode),
    Country(address::Country),
    Company(company::Company),
    Domain(web::Domain),
    Url(web::Url),
    Product(product::Product),
    Fake(fake::Fake),
    Uuid(uuid::Uuid),
    Timestamp(timestamp::Timestamp),
    After(after::After),
    Time(time::Time),
    Interval(time::Interval),
    Bytes(bytes::Bytes),
    Bits(bytes::Bits),
    Ip(network::Ip),
    Network(network::Network),
    Mac(network::Mac),
    Point(point::Point),
    Lexemes(lexemes::Lexemes),
    Pairs(lexemes::Pairs),
    Json(json::Json),
    Array(array::Array),
    Range(range::Range),
    Record(record::Record),
    Reference(reference::Reference),
    Parent(parent::Parent),
    Ordinal(parent::Ordinal),
    Same(same::Same),
    By(by::By),
    Sum(sum::Sum),
    Nullable(nullable::Nullable),
    Mix(mix::Mix),
}

impl GeneratorSpec {
    /// The generator, ready to make values; an error is a mistake in the dataset or the workload.
    pub fn build(&self, place: &Place<'_>) -> Result<Generator, String> {
        Ok(Generator {
            key: place.key(),
            make: self.recipe().build(place)?,
        })
    }
}

/// Whether a dataset file can do without it.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
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
