//! `pattern`: texts that a regular expression matches.

pub(in crate::seed) mod are;
mod language;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Picker, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::{self, Dice};
use crate::seed::value::{Scratch, Shape, Value};
use language::Language;

/// A text that matches `regex`, which is written as Postgres reads it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    pub regex: String,
    /// Capital or small letters are the same.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub insensitive: bool,
    /// At least so many characters.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub min: usize,
    /// At most so many characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<usize>,
}

/// Where nothing limits a text, it is not longer than this.
const LONGEST: usize = 64;
/// Texts that are tried before the first row is made, so that no row is a surprise.
const TRIES: u64 = 64;

impl Recipe for Pattern {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let texts = self.texts()?;
        let picker = place.picker(texts.unique.count(), 0.0);
        Ok(Box::new(Texts { picker, ..texts }))
    }

    fn choices(&self, _: &Place<'_>, _: bool) -> Option<u64> {
        self.count()
    }
}

impl Pattern {
    /// How many different texts can be made one by one.
    pub(in crate::seed) fn count(&self) -> Option<u64> {
        Some(self.texts().ok()?.unique.count())
    }

    fn texts(&self) -> Result<Texts, String> {
        let regex = are::translate(&self.regex, self.insensitive)?;
        let language = Language::of(&regex, self.min)?;
        let shortest = language.shortest();
        let max = self.max.unwrap_or(LONGEST.max(self.min + 16).max(shortest));
        let max = max.min(language.longest());
        if shortest > max || self.min > max {
            return Err(format!(
                "{:?} matches no text of {} to {max} characters",
                self.regex, self.min
            ));
        }
        let texts = Texts {
            unique: language.unique(self.min, max),
            picker: Picker::chance(1, 0.0),
            language,
            min: self.min,
            max,
        };
        let matcher = regex.matcher()?;
        let mut text = String::new();
        for row in 0..TRIES {
            texts.write(&mut Dice::new(dice::key(0, &self.regex), row), &mut text);
            let chars = text.chars().count();
            if !matcher.is_match(&text) || chars < self.min || chars > max {
                return Err(format!(
                    "no text of {} to {max} characters can be made for {:?}: {text:?} is none; \
                     use literal or choice with texts that match",
                    self.min, self.regex
                ));
            }
        }
        Ok(texts)
    }
}

struct Texts {
    language: Language,
    unique: language::Unique,
    /// Of the unique texts, where the table wants them.
    picker: Picker,
    min: usize,
    max: usize,
}

/// Draws until a text is long enough.
const DRAWS: usize = 40;

impl Texts {
    fn write(&self, dice: &mut Dice, text: &mut String) {
        for _ in 0..DRAWS {
            text.clear();
            self.language.write(dice, self.max, text);
            if self.min == 0 || text.chars().count() >= self.min {
                return;
            }
        }
        text.clear();
        self.unique.write(dice.roll(), text);
    }
}

impl Make for Texts {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let text = scratch.text();
        match &self.picker {
            Picker::Index(index) => self.unique.write(index.at(row), text),
            Picker::Chance { .. } => self.write(dice, text),
        }
        Value::Text(text)
    }

    fn shape(&self) -> Shape {
        Shape::Text { chars: self.max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(regex: &str, min: usize, max: Option<usize>) -> Result<Texts, String> {
        let pattern = Pattern {
            regex: regex.to_owned(),
            min,
            max,
            insensitive: false,
        };
        pattern.texts()
    }

    /// The build itself tries whether texts match.
    fn check(regex: &str, expected: &str) {
        let texts = texts(regex, 0, None).expect(regex);
        let as_a_whole = regex::Regex::new(&format!("^(?:{expected})$")).unwrap();
        let mut text = String::new();
        for row in 0..200 {
            texts.write(&mut Dice::new(1, row), &mut text);
            assert!(as_a_whole.is_match(&text), "{regex}: {text:?}");
        }
    }

    #[test]
    fn texts_match_the_regular_expression() {
        check("^[A-Z]{2}-\\d{4}$", "[A-Z]{2}-[0-9]{4}");
        check("^(red|green|blue)$", "red|green|blue");
        check("^[a-z0-9]+(-[a-z0-9]+)*$", "[a-z0-9]+(-[a-z0-9]+)*");
        check(
            "^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$",
            "[a-z0-9A-Z]+@[a-zA-Z0-9]+\\.[a-zA-Z0-9]+",
        );
        check("^\\+?[0-9 ()-]{6,20}$", "[+]?[0-9 ()-]{6,20}");
        check("@", "@");
        check("^https?://", "https?://");
        check("\\A[[:alpha:]_][[:alnum:]_]*\\Z", "[A-Za-z_][A-Za-z0-9_]*");
        check("(?i)^abc", "abc");
        check("^[]x]$", "[x\\]]");
        check("^\\d{3}(?:\\.\\d{3}){2}$", "\\d{3}\\.\\d{3}\\.\\d{3}");
        check("^#[0-9a-f]{6}$", "#[0-9a-f]{6}");
        check("^.*\\.pdf$", ".*\\.pdf");
        check("^\\u0041{2}{x}$", "AA\\{x\\}");
        check("\\mword\\M", "word");
    }

    #[test]
    fn lengths_are_kept() {
        let mut text = String::new();
        let short = texts("^[a-z]+(-[a-z]+)*$", 4, Some(6)).unwrap();
        for row in 0..500 {
            short.write(&mut Dice::new(1, row), &mut text);
            assert!((4..=6).contains(&text.len()), "{text}");
        }
        assert!(texts("^[a-z]{8}$", 0, Some(7)).is_err());
        let code = texts("^[a-z]{1,3}$", 0, Some(8)).unwrap();
        assert_eq!(code.shape(), Shape::Text { chars: 3 });
        let long = texts("^[a-z]*$", 100, None).unwrap();
        long.write(&mut Dice::new(1, 1), &mut text);
        assert!(text.len() >= 100, "{text}");
    }

    #[test]
    fn what_is_not_regular_or_not_a_regular_expression_is_named() {
        for (regex, expected) in [
            ("^(?=.*\\d)[a-z0-9]+$", "look-ahead"),
            ("^(.)\\1$", "back reference"),
            ("^[a-z$", "not a regular expression"),
            ("^a$b", "no text"),
        ] {
            let error = texts(regex, 0, None).err().expect(regex);
            assert!(error.contains(expected), "{regex}: {error}");
        }
    }

    #[test]
    fn numbers_become_different_texts_that_match() {
        let texts = texts("^[A-Z]{2}-\\d{2}$", 0, None).unwrap();
        assert_eq!(texts.unique.count(), 26 * 26 * 100);
        let mut seen = std::collections::HashSet::new();
        let matcher = regex::Regex::new("^[A-Z]{2}-\\d{2}$").unwrap();
        for number in 0..texts.unique.count() {
            let mut text = String::new();
            texts.unique.write(number, &mut text);
            assert!(matcher.is_match(&text), "{text}");
            assert!(seen.insert(text));
        }
    }
}
