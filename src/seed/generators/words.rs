//! One of a table's words, as long as it may be and unique where it must.

use std::collections::HashSet;

use super::stamp::End;
use super::written::{Write, Written};
use super::{Make, Picker};
use crate::seed::cells::Cells;
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::words::Table;

/// A generator of words.
pub(super) struct Words {
    words: &'static Table,
    picker: Picker,
    /// What the rolls start from, if other columns share them.
    shared: Option<u64>,
    end: End,
    chars: usize,
}

impl Words {
    pub(super) fn boxed(
        place: &Place<'_>,
        words: &'static Table,
        max: Option<usize>,
        shared: Option<u64>,
    ) -> Result<Box<dyn Make>, String> {
        let picker = place.picker(words.len() as u64, 0.0);
        Ok(Box::new(Written(Words {
            words,
            shared: shared.filter(|_| matches!(picker, Picker::Chance { .. })),
            picker,
            end: End::new(place, max, ' ')?,
            chars: longest(words),
        })))
    }
}

/// How many words there are, if no two are the same and none is cut.
pub(super) fn choices(words: &[impl AsRef<str>], max: Option<usize>) -> Option<u64> {
    let all: HashSet<&str> = words.iter().map(AsRef::as_ref).collect();
    let is_whole = max.is_none_or(|max| longest(words) <= max);
    (is_whole && all.len() == words.len()).then_some(words.len() as u64)
}

/// Characters of the longest word.
pub(super) fn longest(words: &[impl AsRef<str>]) -> usize {
    let chars = words.iter().map(|word| word.as_ref().chars().count());
    chars.max().unwrap_or(0)
}

impl Write for Words {
    fn write(&self, row: u64, dice: &mut Dice, out: &mut Cells) {
        let start = out.len();
        let mut shared = self.shared.map(|key| Dice::new(key, row));
        let dice = shared.as_mut().unwrap_or(dice);
        self.words.put(self.picker.at(row, dice) as usize, out);
        self.end.put(row, out, start);
    }

    fn chars(&self) -> usize {
        self.end.chars(self.chars)
    }

    fn is_plain(&self) -> bool {
        self.words.is_plain()
    }
}
