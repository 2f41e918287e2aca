//! `by`: values that depend on another column of the row.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::redirect::Redirect;
use super::{Generator, GeneratorSpec, Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value, text};

/// One generator for each value of another column: a city that is in the row's country.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct By {
    pub column: String,
    /// By the other column's value as text.
    pub values: BTreeMap<String, GeneratorSpec>,
    /// For all other values; without it they get NULL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Box<GeneratorSpec>>,
}

impl Recipe for By {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let build = |(value, spec): (&String, &GeneratorSpec)| {
            let generator = spec.build(&place.inside(value));
            Ok((
                value.clone(),
                generator.map_err(|message| format!("{value}: {message}"))?,
            ))
        };
        let otherwise = self.otherwise.as_ref();
        Ok(Box::new(Dependent {
            other: place.sibling(&self.column)?,
            values: self
                .values
                .iter()
                .map(build)
                .collect::<Result<_, String>>()?,
            otherwise: otherwise
                .map(|spec| spec.build(&place.inside("otherwise")))
                .transpose()?,
        }))
    }
}

struct Dependent {
    other: Generator,
    values: BTreeMap<String, Generator>,
    otherwise: Option<Generator>,
}

impl Redirect for Dependent {
    fn target<'a>(
        &'a self,
        row: u64,
        _: &mut Dice,
        scratch: &mut Scratch,
    ) -> Option<(&'a Generator, u64)> {
        let (text, inner) = scratch.nested();
        let generator = match self.other.value(row, inner) {
            Value::Text(text) => self.values.get(text),
            value => {
                text::write(value, text);
                self.values.get(text.as_str())
            }
        };
        Some((generator.or(self.otherwise.as_ref())?, row))
    }

    fn targets(&self) -> Vec<&Generator> {
        self.values.values().chain(&self.otherwise).collect()
    }

    fn misses(&self) -> bool {
        let Shape::Label(labels) = self.other.shape() else {
            return self.otherwise.is_none();
        };
        let is_known = |label: &String| self.values.contains_key(label);
        self.otherwise.is_none() && (self.other.gives_null() || !labels.iter().all(is_known))
    }
}
