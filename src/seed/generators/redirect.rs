//! Generators that give other generators' values.

use super::{Generator, Make};
use crate::seed::cells::Cells;
use crate::seed::dice::Dice;
use crate::seed::encode::{Encoding, Misfit};
use crate::seed::value::{Scratch, Shape, Value};

/// A generator whose every value is another generator's, or NULL.
pub(super) trait Redirect: Send + Sync {
    /// Whose value of which row it is; `None` for NULL.
    fn target<'a>(
        &'a self,
        row: u64,
        dice: &mut Dice,
        scratch: &mut Scratch,
    ) -> Option<(&'a Generator, u64)>;

    /// All generators whose values it may give.
    fn targets(&self) -> Vec<&Generator>;

    /// Whether there may be no target.
    fn misses(&self) -> bool {
        false
    }
}

impl<R: Redirect> Make for R {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        match self.target(row, dice, scratch) {
            Some((generator, row)) => generator.value(row, scratch),
            None => Value::Null,
        }
    }

    fn put(
        &self,
        row: u64,
        dice: &mut Dice,
        scratch: &mut Scratch,
        encoding: &Encoding,
        out: &mut Cells,
    ) -> Result<(), Misfit> {
        match self.target(row, dice, scratch) {
            Some((generator, row)) => generator.put(row, scratch, encoding, out),
            None => encoding.put_cell(Value::Null, out),
        }
    }

    fn json(&self, row: u64, dice: &mut Dice, scratch: &mut Scratch, out: &mut Cells) {
        match self.target(row, dice, scratch) {
            Some((generator, row)) => generator.json(row, scratch, out),
            None => out.push_str("null"),
        }
    }

    fn shape(&self) -> Shape {
        Shape::any(self.targets().into_iter().map(Generator::shape))
    }

    fn gives_null(&self) -> bool {
        self.misses() || self.targets().into_iter().any(Generator::gives_null)
    }

    fn source(
        &self,
        row: u64,
        dice: &mut Dice,
        scratch: &mut Scratch,
    ) -> Option<(&Generator, u64)> {
        self.target(row, dice, scratch)
    }
}
