//! Generators that give other generators' values.

use std::ops::Range;

use super::{Generator, Make};
use crate::seed::cells::{Cells, Column};
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

    fn put_all(
        &self,
        key: u64,
        rows: Range<u64>,
        scratch: &mut Scratch,
        encoding: &Encoding,
        column: &mut Column,
    ) -> Result<(), Misfit> {
        // Rows that follow each other mostly have the same generator, which then makes several at once.
        let mut run = Run::default();
        for row in rows {
            let mut dice = Dice::new(key, row);
            let target = self.target(row, &mut dice, scratch);
            if !run.takes(target) {
                run.put(scratch, encoding, column)?;
            }
            match target {
                Some((generator, row)) => run.add(generator, row),
                None => {
                    encoding.put_cell(Value::Null, &mut column.cells)?;
                    column.ends.push(column.cells.len());
                }
            }
        }
        run.put(scratch, encoding, column)
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

/// Rows of one generator that are to be made.
#[derive(Default)]
struct Run<'a> {
    generator: Option<&'a Generator>,
    rows: [u64; 32],
    len: usize,
}

impl<'a> Run<'a> {
    fn takes(&self, target: Option<(&'a Generator, u64)>) -> bool {
        let is_same = match (self.generator, target) {
            (None, Some(_)) => true,
            (Some(own), Some((other, _))) => std::ptr::eq(own, other),
            (_, None) => false,
        };
        is_same && self.len < self.rows.len()
    }

    fn add(&mut self, generator: &'a Generator, row: u64) {
        self.generator = Some(generator);
        self.rows[self.len] = row;
        self.len += 1;
    }

    /// Makes them.
    fn put(
        &mut self,
        scratch: &mut Scratch,
        encoding: &Encoding,
        column: &mut Column,
    ) -> Result<(), Misfit> {
        let rows = &self.rows[..std::mem::take(&mut self.len)];
        match self.generator.take() {
            Some(generator) => generator.put_each(rows, scratch, encoding, column),
            None => Ok(()),
        }
    }
}
