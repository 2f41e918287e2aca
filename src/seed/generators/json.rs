//! `json`: an object of other generators' values.

use std::collections::BTreeMap;
use std::fmt::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Generator, GeneratorSpec, Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::digits;
use crate::seed::value::{Scratch, Shape, Value, text};

/// `json = { page = { int = { min = 1, max = 9 } }, agent = { choice = { … } } }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Json(pub BTreeMap<String, GeneratorSpec>);

impl Recipe for Json {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let mut keys: Vec<_> = self.0.iter().collect();
        // The order in which jsonb stores them, which spares the server the sorting.
        keys.sort_by_key(|(key, _)| (key.len(), key.as_str()));
        let fields = keys
            .into_iter()
            .enumerate()
            .map(|(at, (key, spec))| {
                let comma = if at == 0 { "" } else { "," };
                let key_text = serde_json::to_string(key).map_err(|e| e.to_string())?;
                let generator = spec
                    .build(&place.part(key))
                    .map_err(|message| format!("{key}: {message}"))?;
                Ok((format!("{comma}{key_text}:"), generator))
            })
            .collect::<Result<_, String>>()?;
        Ok(Box::new(Objects { fields }))
    }
}

struct Objects {
    /// Each with its key as it is written: `,"page":`.
    fields: Vec<(String, Generator)>,
}

impl Make for Objects {
    fn value<'a>(&'a self, row: u64, _: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let (text, inner) = scratch.nested();
        text.push('{');
        for (key, generator) in &self.fields {
            text.push_str(key);
            generator.json(row, inner, text);
        }
        text.push('}');
        Value::Json(text)
    }

    fn shape(&self) -> Shape {
        Shape::Json
    }
}

/// Appends a value as JSON.
pub(super) fn push(out: &mut String, value: Value<'_>) {
    match value {
        Value::Null => out.push_str("null"),
        // JSON has no numbers but these.
        Value::Float(float) if !float.is_finite() => out.push_str("null"),
        Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Decimal { .. }
        | Value::Json(_) => text::write(value, out),
        Value::Text(plain) | Value::Composed(plain) => push_text(out, plain),
        Value::Uuid(uuid) => {
            out.push('"');
            out.push_str(digits::uuid(uuid).as_str());
            out.push('"');
        }
        // Nothing in them that JSON has a meaning for.
        Value::TimestampUs(_)
        | Value::TimeUs(_)
        | Value::IntervalUs(_)
        | Value::Bits { .. }
        | Value::Ip { .. }
        | Value::Mac(_)
        | Value::Point { .. }
        | Value::Lexemes(_) => {
            out.push('"');
            text::write(value, out);
            out.push('"');
        }
        Value::Bytes(_) | Value::Pairs(_) => {
            let mut plain = String::new();
            text::write(value, &mut plain);
            push_text(out, &plain);
        }
    }
}

/// Appends a text in quotation marks.
pub(super) fn push_text(text: &mut String, plain: &str) {
    text.push('"');
    if plain
        .bytes()
        .all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\')
    {
        text.push_str(plain);
        text.push('"');
        return;
    }
    for char in plain.chars() {
        match char {
            '"' | '\\' => text.extend(['\\', char]),
            control if control < ' ' => {
                let _ = write!(text, "\\u{:04x}", u32::from(control));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_becomes_json_that_can_be_read_back() {
        let mut text = "[".to_owned();
        for (at, value) in [
            Value::Text("a \"quoted\" \\ line\n"),
            Value::Decimal {
                unscaled: -5,
                scale: 2,
            },
            Value::Uuid(7),
            Value::TimestampUs(0),
            Value::Null,
            Value::Json("{\"a\":1}"),
        ]
        .into_iter()
        .enumerate()
        {
            text.push_str(if at == 0 { "" } else { "," });
            push(&mut text, value);
        }
        text.push(']');
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read[0], "a \"quoted\" \\ line\n");
        assert_eq!(read[1], -0.05);
        assert_eq!(read[3], "1970-01-01T00:00:00Z");
        assert_eq!(read[5]["a"], 1);
    }
}
