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
pub mod label;
pub mod steps;
pub mod pool;

mod picker;
mod stamp;
mod written;
mod words;
mod redirect;
pub(super) mod cases;

use std::fmt;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cells::{Cells, Column};
use super::context::Place;
use super::dice::Dice;
use super::encode::{Encoding, Misfit};
use super::value::{Scratch, Shape, Value};

pub use picker::Picker;

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
    Label(label::Label),
    Steps(steps::Steps),
    Pool(pool::Pool),
}

impl GeneratorSpec {
    /// The generator, ready to make values; an error is a mistake in the dataset or the workload.
    pub fn build(&self, place: &Place<'_>) -> Result<Generator, String> {
        Ok(Generator {
            key: place.key(),
            make: self.recipe().build(place)?,
        })
    }

    /// The generators of all values that are not NULL.
    pub fn cores(&self) -> Vec<&GeneratorSpec> {
        match self {
            GeneratorSpec::Null(_) => Vec::new(),
            GeneratorSpec::Nullable(nullable) => nullable.value.cores(),
            GeneratorSpec::Mix(mix) => mix.0.iter().flat_map(|p| p.value.cores()).collect(),
            GeneratorSpec::By(by) => {
                let all = by.values.values().chain(by.otherwise.as_deref());
                all.flat_map(GeneratorSpec::cores).collect()
            }
            one => vec![one],
        }
    }

    pub(super) fn is_injective(&self, place: &Place<'_>) -> bool {
        self.recipe().is_injective(place)
    }

    pub(super) fn choices(&self, place: &Place<'_>, fine: bool) -> Option<u64> {
        self.recipe().choices(place, fine)
    }

    pub(super) fn takes_number(&self) -> bool {
        self.recipe().takes_number()
    }
}

/// Whether a dataset file can do without it.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A generator on paper, which can be made real in its place.
trait Recipe {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String>;

    /// Whether each row has another value, whatever the place asks for.
    fn is_injective(&self, _: &Place<'_>) -> bool {
        false
    }

    /// How many different values it can give one by one, if the place asks for it; with those that
    /// a column may round away, or without.
    fn choices(&self, _: &Place<'_>, _fine: bool) -> Option<u64> {
        None
    }

    /// Whether the number of the row can be worked in, if the place asks for it.
    fn takes_number(&self) -> bool {
        false
    }
}

/// A generator at work.
trait Make: Send + Sync {
    /// The value of a row: the same whenever it is asked for with the same dice.
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, scratch: &'a mut Scratch) -> Value<'a>;

    /// Appends the value with its length, as a cell of COPY BINARY.
    fn put(
        &self,
        row: u64,
        dice: &mut Dice,
        scratch: &mut Scratch,
        encoding: &Encoding,
        out: &mut Cells,
    ) -> Result<(), Misfit> {
        encoding.put_cell(self.value(row, dice, scratch), out)
    }

    /// Appends the values of many rows, one after the other, and notes where each ends.
    fn put_all(
        &self,
        key: u64,
        rows: Range<u64>,
        scratch: &mut Scratch,
        encoding: &Encoding,
        column: &mut Column,
    ) -> Result<(), Misfit> {
        // Here the generator is known: nothing is called by way of a table, and rows are made in each other's shadow.
        for row in rows {
            let mut dice = Dice::new(key, row);
            self.put(row, &mut dice, scratch, encoding, &mut column.cells)?;
            column.ends.push(column.cells.len());
        }
        Ok(())
    }

    /// The same of rows that do not follow each other.
    fn put_each(
        &self,
        key: u64,
        rows: &[u64],
        scratch: &mut Scratch,
        encoding: &Encoding,
        column: &mut Column,
    ) -> Result<(), Misfit> {
        for row in rows {
            let mut dice = Dice::new(key, *row);
            self.put(*row, &mut dice, scratch, encoding, &mut column.cells)?;
            column.ends.push(column.cells.len());
        }
        Ok(())
    }

    /// Appends the value as JSON.
    fn json(&self, row: u64, dice: &mut Dice, scratch: &mut Scratch, out: &mut Cells) {
        json::push(out, self.value(row, dice, scratch));
    }

    /// What all its values have in common.
    fn shape(&self) -> Shape;

    fn gives_null(&self) -> bool {
        false
    }

    /// Whose value of which row this is, if it is another generator's.
    fn source(&self, _: u64, _: &mut Dice, _: &mut Scratch) -> Option<(&Generator, u64)> {
        None
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

    /// Appends the value of a row with its length before it, or the mark of NULL: a cell of COPY BINARY.
    pub fn put(
        &self,
        row: u64,
        scratch: &mut Scratch,
        encoding: &Encoding,
        out: &mut Cells,
    ) -> Result<(), Misfit> {
        let mut dice = Dice::new(self.key, row);
        self.make.put(row, &mut dice, scratch, encoding, out)
    }

    /// Replaces what is in the column with the values of these rows.
    pub fn put_all(
        &self,
        rows: Range<u64>,
        scratch: &mut Scratch,
        encoding: &Encoding,
        column: &mut Column,
    ) -> Result<(), Misfit> {
        column.clear();
        self.make.put_all(self.key, rows, scratch, encoding, column)
    }

    /// Appends the values of these rows to what is in the column.
    fn put_each(
        &self,
        rows: &[u64],
        scratch: &mut Scratch,
        encoding: &Encoding,
        column: &mut Column,
    ) -> Result<(), Misfit> {
        self.make
            .put_each(self.key, rows, scratch, encoding, column)
    }

    fn json(&self, row: u64, scratch: &mut Scratch, out: &mut Cells) {
        let mut dice = Dice::new(self.key, row);
        self.make.json(row, &mut dice, scratch, out);
    }

    /// Which generator's value of which row it is in the end: two that agree are the same value.
    fn origin(&self, row: u64, scratch: &mut Scratch) -> (u64, u64) {
        let (origin, row) = self.source(row, scratch, |_| false);
        (origin.key, row)
    }

    /// Of which row of a certain generator its value is, if it is one of that one's.
    fn row_of(&self, key: u64, row: u64, scratch: &mut Scratch) -> Option<u64> {
        let (found, row) = self.source(row, scratch, |generator| generator.key == key);
        (found.key == key).then_some(row)
    }

    /// Whose value of which row it is: the first that is wanted, or the last.
    fn source(
        &self,
        row: u64,
        scratch: &mut Scratch,
        is_wanted: impl Fn(&Generator) -> bool,
    ) -> (&Generator, u64) {
        let mut at = (self, row);
        loop {
            let (generator, row) = at;
            if is_wanted(generator) {
                return at;
            }
            let mut dice = Dice::new(generator.key, row);
            match generator.make.source(row, &mut dice, scratch) {
                Some(source) => at = source,
                None => return at,
            }
        }
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
