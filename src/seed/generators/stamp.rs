//! Texts that are no longer than they may be, and unique where they must.

use crate::seed::context::Place;
use crate::seed::permutation::Permutation;

/// 32 characters, five bits each, without those that are easily confused.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

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

    pub(super) fn push(&self, row: u64, text: &mut String) {
        let number = self.order.at(row);
        for digit in (0..self.chars).rev() {
            let digit = DIGITS[(number >> (5 * digit) & 31) as usize];
            text.push(digit.into());
        }
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

    /// Whether a text of so many characters stays as it is.
    pub(super) fn keeps(&self, chars: usize) -> bool {
        self.stamp.is_none() && self.max.is_none_or(|max| chars <= max)
    }

    /// Ends the text, of which the part from `start` on is this one's.
    pub(super) fn put(&self, row: u64, text: &mut String) {
        let room = match (&self.stamp, self.max) {
            (_, None) => usize::MAX,
            (Some(stamp), Some(max)) => max.saturating_sub(stamp.chars + 1),
            (None, Some(max)) => max,
        };
        if text.len() > room {
            let cut = text.char_indices().nth(room).map(|(at, _)| at);
            text.truncate(cut.unwrap_or(text.len()));
            let trimmed = text
                .trim_end_matches([' ', '-', '.', ',', self.separator])
                .len();
            // A text that must not be empty keeps what it has.
            text.truncate(if trimmed > 0 { trimmed } else { text.len() });
        }
        if let Some(stamp) = &self.stamp {
            if !text.is_empty() {
                text.push(self.separator);
            }
            stamp.push(row, text);
        }
    }

    /// Characters of the longest result, if there are `chars` before the end.
    pub(super) fn chars(&self, chars: usize) -> usize {
        let stamp = self.stamp.as_ref().map_or(0, |stamp| stamp.chars + 1);
        self.max.map_or(chars + stamp, |max| max.min(chars + stamp))
    }
}
