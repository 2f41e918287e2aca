//! The texts of a regular expression, made piece by piece.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

use super::are::Translated;
use crate::seed::dice::Dice;

/// A part of the texts.
#[derive(Clone, Debug)]
pub(super) enum Language {
    /// One of these characters.
    Char(Vec<char>),
    /// One after the other.
    All(Vec<Language>),
    /// One of them.
    Any(Vec<Language>),
    Repeat {
        of: Box<Language>,
        min: usize,
        max: usize,
    },
}

/// A part without an upper limit is repeated so many times more than it must, at most.
const REPEATED: usize = 12;
/// Parts that a regular expression may have: `(a{1000}){1000}` has too many.
const MOST_CHARS: usize = 10_000;

impl Language {
    /// `chars`: texts of so many characters are wanted.
    pub(super) fn of(regex: &Translated, chars: usize) -> Result<Language, String> {
        let hir = ParserBuilder::new()
            .case_insensitive(regex.insensitive)
            .dot_matches_new_line(true)
            .build()
            .parse(&regex.regex)
            .map_err(|_| {
                format!(
                    "{:?} is not a regular expression that is understood",
                    regex.regex
                )
            })?;
        let language = Language::read(&hir, REPEATED.max(chars));
        if language.shortest() > MOST_CHARS {
            return Err(format!("the texts of {:?} are too long", regex.regex));
        }
        Ok(language)
    }

    fn read(hir: &Hir, repeated: usize) -> Language {
        let read = |hir: &Hir| Language::read(hir, repeated);
        match hir.kind() {
            // Whether a place is the start or the end shows when a text is tried.
            HirKind::Empty | HirKind::Look(_) => Language::All(Vec::new()),
            HirKind::Literal(literal) => {
                let text = String::from_utf8_lossy(&literal.0);
                Language::All(
                    text.chars()
                        .map(|letter| Language::Char(vec![letter]))
                        .collect(),
                )
            }
            HirKind::Class(class) => characters(class),
            HirKind::Repetition(repetition) => {
                let min = repetition.min as usize;
                let most = min + repeated;
                let max = repetition.max.map_or(most, |max| max as usize);
                Language::Repeat {
                    of: Box::new(read(&repetition.sub)),
                    min,
                    max,
                }
            }
            HirKind::Capture(capture) => read(&capture.sub),
            HirKind::Concat(parts) => Language::All(parts.iter().map(read).collect()),
            HirKind::Alternation(parts) => Language::Any(parts.iter().map(read).collect()),
        }
    }

    /// Characters of the shortest text.
    pub(super) fn shortest(&self) -> usize {
        match self {
            Language::Char(_) => 1,
            Language::All(parts) => parts
                .iter()
                .fold(0, |sum, part| usize::saturating_add(sum, part.shortest())),
            Language::Any(parts) => parts.iter().map(Language::shortest).min().unwrap_or(0),
            Language::Repeat { of, min, .. } => of.shortest().saturating_mul(*min),
        }
    }

    /// Characters of the longest text.
    pub(super) fn longest(&self) -> usize {
        match self {
            Language::Char(_) => 1,
            Language::All(parts) => parts
                .iter()
                .fold(0, |sum, part| usize::saturating_add(sum, part.longest())),
            Language::Any(parts) => parts.iter().map(Language::longest).max().unwrap_or(0),
            Language::Repeat { of, max, .. } => of.longest().saturating_mul(*max),
        }
    }

    /// A text of at most `max` characters, which must be enough for the shortest.
    pub(super) fn write(&self, dice: &mut Dice, max: usize, text: &mut String) {
        let mut spare = max.saturating_sub(self.shortest());
        self.put(dice, &mut spare, text);
    }

    /// `spare`: how many characters more than the shortest text has there may be.
    fn put(&self, dice: &mut Dice, spare: &mut usize, text: &mut String) {
        match self {
            Language::Char(letters) => text.push(*dice.pick(letters)),
            Language::All(parts) => parts.iter().for_each(|part| part.put(dice, spare, text)),
            Language::Any(parts) => {
                let shortest = self.shortest();
                let extra = |part: &Language| part.shortest() - shortest;
                let fitting = parts.iter().filter(|part| extra(part) <= *spare).count();
                let at = dice.below(fitting as u64) as usize;
                let mut fitting = parts.iter().filter(|part| extra(part) <= *spare);
                if let Some(part) = fitting.nth(at) {
                    *spare -= extra(part);
                    part.put(dice, spare, text);
                }
            }
            Language::Repeat { of, min, max } => {
                let more = (max - min).min(*spare);
                // A long limit is a limit, not a length that is common.
                let more = dice.below(more.min(2 * REPEATED) as u64 + 1) as usize;
                for at in 0..min + more {
                    if at >= *min {
                        let shortest = of.shortest();
                        if shortest > *spare {
                            break;
                        }
                        *spare -= shortest;
                    }
                    of.put(dice, spare, text);
                }
            }
        }
    }

    /// Texts of one length of which no two are the same, from `min` to `max` characters long.
    pub(super) fn unique(&self, min: usize, max: usize) -> Unique {
        let mut places = Vec::new();
        let mut spare = max.saturating_sub(self.shortest());
        let wanted = min.max(UNIQUE_CHARS).saturating_sub(self.shortest());
        spare = spare.min(wanted);
        self.places(&mut spare, &mut places);
        Unique { places }
    }

    fn places(&self, spare: &mut usize, places: &mut Vec<Vec<char>>) {
        match self {
            Language::Char(letters) => places.push(letters.clone()),
            Language::All(parts) => parts.iter().for_each(|part| part.places(spare, places)),
            Language::Any(parts) => {
                let shortest = self.shortest();
                let fits = |part: &&Language| part.shortest() - shortest <= *spare;
                let most = parts
                    .iter()
                    .filter(fits)
                    .max_by_key(|part| part.unique(0, part.shortest()).count());
                if let Some(part) = most {
                    *spare -= part.shortest() - shortest;
                    part.places(spare, places);
                }
            }
            Language::Repeat { of, min, max } => {
                let more = *spare / of.shortest().max(1);
                let more = more.min(max - min);
                *spare -= more * of.shortest();
                for _ in 0..min + more {
                    of.places(spare, places);
                }
            }
        }
    }
}

/// Where there is room, texts that must differ have so many characters: enough for all rows.
const UNIQUE_CHARS: usize = 14;

/// A class's characters, of a wide one those that people use.
fn characters(class: &Class) -> Language {
    let is_in = |letter: char| match class {
        Class::Unicode(class) => class
            .ranges()
            .iter()
            .any(|r| (r.start()..=r.end()).contains(&letter)),
        Class::Bytes(class) => class
            .ranges()
            .iter()
            .any(|r| (r.start()..=r.end()).contains(&(letter as u8))),
    };
    let printable: Vec<_> = (' '..='~').filter(|letter| is_in(*letter)).collect();
    let plain = printable
        .iter()
        .copied()
        .filter(|l| l.is_ascii_lowercase() || l.is_ascii_digit());
    let plain: Vec<_> = plain.collect();
    if printable.len() > 64 && !plain.is_empty() {
        return Language::Char(plain);
    }
    if let [capital, small] = printable[..]
        && capital.eq_ignore_ascii_case(&small)
    {
        return Language::Char(vec![small]);
    }
    if !printable.is_empty() {
        return Language::Char(printable);
    }
    let Class::Unicode(class) = class else {
        return Language::All(Vec::new());
    };
    let all = class
        .ranges()
        .iter()
        .flat_map(|range| range.start()..=range.end());
    // A class without characters matches nothing, which shows when a text is tried.
    match all.take(64).collect::<Vec<_>>() {
        letters if letters.is_empty() => Language::All(Vec::new()),
        letters => Language::Char(letters),
    }
}

/// Texts that a number names: each place has its characters.
#[derive(Clone, Debug)]
pub(super) struct Unique {
    places: Vec<Vec<char>>,
}

impl Unique {
    pub(super) fn count(&self) -> u64 {
        let counts = self.places.iter().map(|letters| letters.len() as u64);
        counts.fold(1, u64::saturating_mul)
    }

    /// The text of a number below the count: another one for each.
    pub(super) fn write(&self, mut number: u64, text: &mut String) {
        for letters in &self.places {
            let count = letters.len() as u64;
            text.push(letters[(number % count) as usize]);
            number /= count;
        }
    }
}
