//! Texts that are no longer than they may be, and unique where they must.

use crate::seed::cells::Cells;
use crate::seed::context::Place;
use crate::seed::permutation::Permutation;

/// 32 characters, five bits each, without those that are easily confused.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Appends the lowest of a number's digits, at most 13, the highest of them first.
#[inline]
pub(super) fn push_digits(number: u64, chars: usize, out: &mut Cells) {
    let mut digits = [0; 13];
    for (at, digit) in digits[..chars].iter_mut().rev().enumerate() {
        *digit = DIGITS[(number >> (5 * at) & 31) as usize];
    }
    out.put_padded(&digits, chars);
}

/// A few letters and digits, others for each row.
#[derive(Clone, Debug)]
pub(super) struct Stamp {
    order: Permutation,
    chars: usize,
}

impl Stamp {
    /// As short as the rows allow.
    pub(super) fn new(place: &Place<'_>, key: u64) -> Stamp {
        let rows = place.rows().unwrap_or(1 << 40).max(1 << 15);
        let chars = (64 - (rows - 1).leading_zeros()).div_ceil(5);
        Stamp {
            order: Permutation::new(1 << (5 * chars).min(63), key),
            chars: chars as usize,
        }
    }

    pub(super) fn chars(&self) -> usize {
        self.chars
    }

    #[inline]
    pub(super) fn push(&self, row: u64, out: &mut Cells) {
        push_digits(self.order.at(row), self.chars, out);
    }
}

/// How a text ends: where it may be no longer, and with a stamp where it must be unique.
#[derive(Clone, Debug)]
pub(super) struct End {
    max: Option<usize>,
    separator: char,
    stamp: Option<Stamp>,
}

impl End {
    pub(super) fn new(
        place: &Place<'_>,
        max: Option<usize>,
        separator: char,
    ) -> Result<End, String> {
        let stamp = place.number().map(|key| Stamp::new(place, key));
        End::with(max, separator, stamp)
    }

    /// With a stamp whether the place asks for it or not.
    pub(super) fn stamped(
        place: &Place<'_>,
        max: Option<usize>,
        separator: char,
    ) -> Result<End, String> {
        let key = place.number().unwrap_or_else(|| place.key());
        End::with(max, separator, Some(Stamp::new(place, key)))
    }

    fn with(max: Option<usize>, separator: char, stamp: Option<Stamp>) -> Result<End, String> {
        let chars = stamp.as_ref().map_or(1, Stamp::chars);
        match max {
            Some(max) if max < chars => Err(format!(
                "max = {max} is too short: it takes {chars} characters to tell the rows apart"
            )),
            _ => Ok(End {
                max,
                separator,
                stamp,
            }),
        }
    }

    /// Ends the text that begins at `start`.
    #[inline]
    pub(super) fn put(&self, row: u64, out: &mut Cells, start: usize) {
        if let Some(max) = self.max {
            let room = match &self.stamp {
                Some(stamp) => max.saturating_sub(stamp.chars + 1),
                None => max,
            };
            self.cut(room, out, start);
        }
        if let Some(stamp) = &self.stamp {
            if out.len() > start {
                out.push(self.separator);
            }
            stamp.push(row, out);
        }
    }

    /// Leaves so many characters of the text, and no blank or its like at its end.
    fn cut(&self, room: usize, out: &mut Cells, start: usize) {
        if out.len() - start <= room {
            return;
        }
        let text = out.text_from(start);
        let cut = text
            .char_indices()
            .nth(room)
            .map_or(text.len(), |(at, _)| at);
        let trimmed = text[..cut].trim_end_matches([' ', '-', '.', ',', self.separator]);
        // A text that must not be empty keeps what it has.
        let len = if trimmed.is_empty() {
            cut
        } else {
            trimmed.len()
        };
        out.truncate(start + len);
    }

    /// Characters of the longest result, if there are `chars` before the end.
    pub(super) fn chars(&self, chars: usize) -> usize {
        let stamp = self.stamp.as_ref().map_or(0, |stamp| stamp.chars + 1);
        self.max.map_or(chars + stamp, |max| max.min(chars + stamp))
    }
}
