//! `text`: sentences, as long as asked for.

use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stamp::Stamp;
use super::written::{Write, Written};
use super::{Make, Recipe};
use crate::seed::cells::Cells;
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::skew::Skew;
use crate::seed::words::SENTENCES;

/// Between `min` and `max` characters of prose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Text {
    pub min: usize,
    pub max: usize,
    /// 0: every length is as likely; 1: Zipf's law, short ones are the most likely.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub skew: f64,
}

/// All sentences one after the other, and where each begins: a text is a piece of it, uncopied.
static PROSE: LazyLock<(String, Vec<usize>)> = LazyLock::new(|| {
    let mut prose = String::new();
    let mut starts = Vec::new();
    for sentence in SENTENCES.iter().filter(|sentence| sentence.is_ascii()) {
        starts.push(prose.len());
        prose.push_str(sentence);
        prose.push(' ');
    }
    (prose, starts)
});

/// Far below the length of the prose, so that a text of any length starts at most sentences.
pub(super) const LONGEST: usize = 32_768;

/// So many characters from anywhere in the prose.
pub(super) fn piece_of_prose(length: usize, dice: &mut Dice) -> &'static str {
    let (prose, starts) = &*PROSE;
    let start = *dice.pick(starts);
    let start = start.min(prose.len() - length);
    &prose[start..start + length]
}

impl Recipe for Text {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let Text { min, max, skew } = *self;
        if min > max || max > LONGEST {
            return Err(format!(
                "min = {min} and max = {max} must be in order and at most {LONGEST}"
            ));
        }
        super::int::check_skew(skew)?;
        let stamp = place.number().map(|key| Stamp::new(place, key));
        if let Some(stamp) = stamp.as_ref().filter(|stamp| stamp.chars() > max) {
            let chars = stamp.chars();
            return Err(format!(
                "max = {max} is too short: it takes {chars} characters to tell the rows apart"
            ));
        }
        let (prose, starts) = &*PROSE;
        let usable = starts.partition_point(|start| start + max < prose.len());
        Ok(Box::new(Written(Texts {
            min,
            max,
            length: Skew::drawn_often((max - min) as u64 + 1, skew),
            prose,
            starts: &starts[..usable],
            stamp,
        })))
    }

    fn takes_number(&self) -> bool {
        true
    }
}

struct Texts {
    min: usize,
    max: usize,
    length: Skew,
    prose: &'static str,
    starts: &'static [usize],
    stamp: Option<Stamp>,
}

impl Write for Texts {
    fn write(&self, row: u64, dice: &mut Dice, out: &mut Cells) {
        let start = *dice.pick(self.starts);
        let length = self.min + self.length.rank(dice) as usize;
        let text = &self.prose[start..start + length];
        if let Some(stamp) = &self.stamp {
            let room = length.max(stamp.chars()) - stamp.chars();
            if room > 1 {
                out.push_str(text[..room - 1].trim_end());
                out.push(' ');
            }
            return stamp.push(row, out);
        }
        // A text that is cut at a blank would differ from what an application trims it to.
        out.push_str(match text.strip_suffix(' ') {
            Some(trimmed) if length > self.min => trimmed,
            Some(_) => &self.prose[start + 1..start + 1 + length],
            None => text,
        })
    }

    fn chars(&self) -> usize {
        self.max
    }
}
