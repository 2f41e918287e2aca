//! `text`: sentences, as long as asked for.

use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::skew::Skew;
use crate::seed::value::{Scratch, Shape, Value};
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
const LONGEST: usize = 32_768;

impl Recipe for Text {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let Text { min, max, skew } = *self;
        if min > max || max > LONGEST {
            return Err(format!(
                "min = {min} and max = {max} must be in order and at most {LONGEST}"
            ));
        }
        super::int::check_skew(skew)?;
        let (prose, starts) = &*PROSE;
        let usable = starts.partition_point(|start| start + max <= prose.len());
        Ok(Box::new(Texts {
            min,
            max,
            length: Skew::new((max - min) as u64 + 1, skew),
            prose,
            starts: &starts[..usable],
        }))
    }
}

struct Texts {
    min: usize,
    max: usize,
    length: Skew,
    prose: &'static str,
    starts: &'static [usize],
}

impl Make for Texts {
    fn value<'a>(&'a self, _: u64, dice: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        let start = *dice.pick(self.starts);
        let length = self.min + self.length.rank(dice) as usize;
        let text = &self.prose[start..start + length];
        // A text that is cut at a blank would differ from what an application trims it to.
        Value::Text(if length > self.min {
            text.trim_end()
        } else {
            text
        })
    }

    fn shape(&self) -> Shape {
        Shape::Text { chars: self.max }
    }
}
