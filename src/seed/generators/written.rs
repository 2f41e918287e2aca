//! Texts that are put together from pieces, right where they go.

use super::Make;
use super::json;
use crate::seed::cells::Cells;
use crate::seed::dice::Dice;
use crate::seed::encode::{Encoding, Misfit};
use crate::seed::value::{Scratch, Shape, Value};

/// A text of several pieces.
pub(super) trait Write: Send + Sync {
    /// Appends the row's text.
    fn write(&self, row: u64, dice: &mut Dice, out: &mut Cells);

    /// Characters of the longest.
    fn chars(&self) -> usize;

    /// Whether they mean in JSON what they are.
    fn is_plain(&self) -> bool {
        false
    }
}

/// A generator that writes its texts.
pub(super) struct Written<W>(pub(super) W);

impl<W: Write> Make for Written<W> {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let out = scratch.cells();
        self.0.write(row, dice, out);
        Value::Text(out.as_str())
    }

    fn put(
        &self,
        row: u64,
        dice: &mut Dice,
        scratch: &mut Scratch,
        encoding: &Encoding,
        out: &mut Cells,
    ) -> Result<(), Misfit> {
        match encoding {
            Encoding::Text => out.put_measured(|out| self.0.write(row, dice, out)),
            _ => return encoding.put_cell(self.value(row, dice, scratch), out),
        }
        Ok(())
    }

    fn json(&self, row: u64, dice: &mut Dice, _: &mut Scratch, out: &mut Cells) {
        if !self.0.is_plain() {
            return json::put_quoted(out, |out| self.0.write(row, dice, out));
        }
        out.put_u8(b'"');
        self.0.write(row, dice, out);
        out.put_u8(b'"');
    }

    fn shape(&self) -> Shape {
        Shape::Text {
            chars: self.0.chars(),
        }
    }
}
