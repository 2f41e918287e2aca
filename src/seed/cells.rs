//! Bytes that rows are put together in.

use std::fmt;
use std::ops::Range;

use super::digits;

/// A buffer that is only ever added to, for many short pieces: numbers and words of a few bytes.
///
/// What it has room for is there already, so that a short piece is copied as one or two words of the processor, without
/// a call.
#[derive(Debug, Default)]
pub struct Cells {
    /// Those after `len` mean nothing.
    bytes: Vec<u8>,
    len: usize,
}

/// The cells of a column in some rows.
#[derive(Debug, Default)]
pub struct Column {
    pub cells: Cells,
    /// Where each row's cell ends.
    pub ends: Vec<usize>,
}

impl Column {
    pub fn clear(&mut self) {
        self.cells.clear();
        self.ends.clear();
    }
}

macro_rules! put_numbers {
    ($($name:ident($number:ty),)*) => {
        $(
            #[inline]
            pub fn $name(&mut self, number: $number) {
                const SIZE: usize = size_of::<$number>();
                self.room(SIZE)[..SIZE].copy_from_slice(&number.to_be_bytes());
                self.len += SIZE;
            }
        )*
    };
}

impl Cells {
    pub fn with_capacity(capacity: usize) -> Cells {
        Cells {
            bytes: vec![0; capacity],
            len: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// What was put in, where nothing but texts was.
    pub fn as_str(&self) -> &str {
        self.text_from(0)
    }

    /// What was put in from `start` on, where nothing but texts was.
    pub fn text_from(&self, start: usize) -> &str {
        std::str::from_utf8(&self.bytes[start..self.len]).expect("texts were put together")
    }

    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Forgets all but the first bytes.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    put_numbers! {
        put_u8(u8),
        put_i16(i16),
        put_u16(u16),
        put_i32(i32),
        put_u32(u32),
        put_i64(i64),
        put_u64(u64),
        put_u128(u128),
        put_f32(f32),
        put_f64(f64),
    }

    #[inline]
    pub fn put_slice(&mut self, piece: &[u8]) {
        copy(piece, &mut self.room(piece.len())[..piece.len()]);
        self.len += piece.len();
    }

    #[inline]
    pub fn push_str(&mut self, piece: &str) {
        self.put_slice(piece.as_bytes());
    }

    #[inline]
    pub fn push(&mut self, char: char) {
        match u8::try_from(char) {
            Ok(ascii @ 0..128) => self.put_u8(ascii),
            _ => self.push_str(char.encode_utf8(&mut [0; 4])),
        }
    }

    /// A whole number in digits.
    #[inline]
    pub fn push_int(&mut self, n: i64) {
        match u32::try_from(n) {
            Ok(n @ ..100_000_000) => {
                let (digits, len) = digits::eight(n);
                self.put_padded(&digits, len);
            }
            _ => self.put_slice(digits::int(n).as_bytes()),
        }
    }

    /// Appends a part of others.
    #[inline]
    pub fn put_part(&mut self, others: &Cells, part: Range<usize>) {
        /// Most cells are not longer.
        const SHORT: usize = 32;
        let bytes = &others.bytes[part.start..];
        match bytes.first_chunk::<SHORT>() {
            Some(padded) if part.len() <= SHORT => self.put_padded(padded, part.len()),
            _ => self.put_slice(&bytes[..part.len()]),
        }
    }

    /// The same bytes in an array, of which the first `len` count.
    #[inline]
    pub fn put_padded<const N: usize>(&mut self, bytes: &[u8; N], len: usize) {
        self.room(N)[..N].copy_from_slice(bytes);
        self.len += len.min(N);
    }

    /// Appends what `put` appends, with its length before it.
    #[inline]
    pub fn put_measured<T>(&mut self, put: impl FnOnce(&mut Cells) -> T) -> T {
        let at = self.len;
        self.put_i32(0);
        let put = put(self);
        let len = (self.len - at - 4) as i32;
        self.bytes[at..at + 4].copy_from_slice(&len.to_be_bytes());
        put
    }

    /// At least so many bytes after those that count.
    #[inline]
    fn room(&mut self, room: usize) -> &mut [u8] {
        if self.bytes.len() - self.len < room {
            self.grow(room);
        }
        &mut self.bytes[self.len..]
    }

    #[cold]
    fn grow(&mut self, room: usize) {
        let needed = self.len + room;
        self.bytes.resize(needed.max(2 * self.len).max(64), 0);
    }
}

/// Copies a piece that is short more often than not: two words that may overlap.
#[inline]
fn copy(from: &[u8], to: &mut [u8]) {
    #[inline]
    fn both_ends<const N: usize>(from: &[u8], to: &mut [u8]) {
        let (first, last): ([u8; N], [u8; N]) = (
            from[..N].try_into().expect("it has N bytes"),
            from[from.len() - N..].try_into().expect("it has N bytes"),
        );
        let end = to.len();
        to[..N].copy_from_slice(&first);
        to[end - N..].copy_from_slice(&last);
    }
    match from.len() {
        0 => {}
        1..4 => {
            // The first, the middle and the last, some of which may be one.
            let (middle, last) = (from.len() / 2, from.len() - 1);
            (to[0], to[middle], to[last]) = (from[0], from[middle], from[last]);
        }
        4..8 => both_ends::<4>(from, to),
        8..16 => both_ends::<8>(from, to),
        16..=32 => both_ends::<16>(from, to),
        _ => to.copy_from_slice(from),
    }
}

impl AsRef<[u8]> for Cells {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl fmt::Write for Cells {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.push_str(piece);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_any_length_follow_each_other() {
        let all: Vec<u8> = (0..=255).collect();
        let mut cells = Cells::default();
        let mut expected = Vec::new();
        for len in (0..70).chain([200]) {
            cells.put_slice(&all[..len]);
            expected.extend_from_slice(&all[..len]);
        }
        assert_eq!(cells.as_slice(), expected);
    }

    #[test]
    fn lengths_stand_before_what_they_measure() {
        let mut cells = Cells::default();
        cells.put_measured(|cells| {
            cells.put_padded(b"ab??", 2);
            cells.put_i16(-2);
        });
        cells.put_measured(|_| ());
        assert_eq!(
            cells.as_slice(),
            [0, 0, 0, 4, b'a', b'b', 0xff, 0xfe, 0, 0, 0, 0]
        );
    }
}
