//! Words that are copied a great many times.

use std::ops::Deref;

use crate::seed::cells::Cells;
use crate::seed::dice::Dice;
use crate::seed::generators::json;

/// Words, each also in a block of one size: to pick and to copy one takes neither a decision that the processor
/// would guess wrong nor a second place of memory.
#[derive(Debug)]
pub struct Table {
    words: Vec<String>,
    blocks: Blocks,
    is_plain: bool,
}

/// Each a word and, as its last byte, its length with what is known of it.
#[derive(Debug)]
enum Blocks {
    Short(Vec<[u8; 16]>),
    /// Some words may be too long for their block.
    Long(Vec<[u8; 32]>),
}

/// In a block's last byte beside the length: the word has nothing but letters.
const LETTERS: u8 = 0x40;
/// Instead of the length: the word is too long for a block.
const TOO_LONG: u8 = 0x80;

impl Table {
    pub fn new<W: Into<String>>(words: impl IntoIterator<Item = W>) -> Table {
        let words: Vec<String> = words.into_iter().map(W::into).collect();
        let is_short = words.iter().all(|word| word.len() < 16);
        Table {
            blocks: match is_short {
                true => Blocks::Short(words.iter().map(|word| block(word)).collect()),
                false => Blocks::Long(words.iter().map(|word| block(word)).collect()),
            },
            is_plain: words.iter().all(|word| json::is_plain(word.as_bytes())),
            words,
        }
    }

    /// Whether all words mean in JSON what they are.
    pub fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Appends a word.
    #[inline]
    pub fn put(&self, at: usize, out: &mut Cells) {
        let is_put = match &self.blocks {
            Blocks::Short(blocks) => put(&blocks[at], out),
            Blocks::Long(blocks) => put(&blocks[at], out),
        };
        if !is_put {
            out.push_str(&self.words[at]);
        }
    }

    /// Appends any of the words.
    #[inline]
    pub fn put_any(&self, dice: &mut Dice, out: &mut Cells) {
        self.put(dice.below(self.words.len() as u64) as usize, out);
    }

    /// Appends the letters of a word, all small, and nothing else of it.
    #[inline]
    pub fn put_letters(&self, at: usize, out: &mut Cells) {
        let is_put = match &self.blocks {
            Blocks::Short(blocks) => put_letters(&blocks[at], out),
            Blocks::Long(blocks) => put_letters(&blocks[at], out),
        };
        if !is_put {
            let letters = self.words[at].chars().filter(char::is_ascii_alphabetic);
            letters.for_each(|letter| out.push(letter.to_ascii_lowercase()));
        }
    }
}

fn block<const N: usize>(word: &str) -> [u8; N] {
    let mut block = [0; N];
    block[N - 1] = TOO_LONG;
    if word.len() < N {
        block[..word.len()].copy_from_slice(word.as_bytes());
        let is_letters = word.bytes().all(|byte| byte.is_ascii_alphabetic());
        block[N - 1] = word.len() as u8 | if is_letters { LETTERS } else { 0 };
    }
    block
}

/// Appends the word of a block, if it is in it.
#[inline]
fn put<const N: usize>(block: &[u8; N], out: &mut Cells) -> bool {
    let is_there = block[N - 1] != TOO_LONG;
    if is_there {
        out.put_padded(block, (block[N - 1] & !LETTERS).into());
    }
    is_there
}

/// Appends the word of a block in small letters, if it is in it and has nothing but letters.
#[inline]
fn put_letters<const N: usize>(block: &[u8; N], out: &mut Cells) -> bool {
    let are_all = block[N - 1] & LETTERS != 0;
    if are_all {
        let small = block.map(|byte| byte | 0x20);
        out.put_padded(&small, (block[N - 1] & !LETTERS).into());
    }
    are_all
}

impl Deref for Table {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_any_length_are_appended_whole() {
        for words in [
            vec!["", "é", "ab", "abcdefghijklmno"],
            vec![
                "abcdefghijklmnop",
                &"x".repeat(31),
                &"y".repeat(32),
                &"z".repeat(100),
            ],
        ] {
            let table = Table::new(words.clone());
            for (at, word) in words.iter().enumerate() {
                let mut out = Cells::default();
                table.put(at, &mut out);
                assert_eq!(out.as_str(), *word);
            }
        }
    }

    #[test]
    fn letters_are_small_and_alone() {
        let names = ["Zoe", "O'Hara", "Jean Luc", "[@`{", "", &"Ab-".repeat(20)];
        let expected = ["zoe", "ohara", "jeanluc", "", "", &"ab".repeat(20)];
        for (at, expected) in expected.iter().enumerate() {
            for names in [&names[..5], &names[..]] {
                if at < names.len() {
                    let mut out = Cells::default();
                    Table::new(names.iter().copied()).put_letters(at, &mut out);
                    assert_eq!(out.as_str(), *expected);
                }
            }
        }
    }
}
