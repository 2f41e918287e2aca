//! `json`: an object of other generators' values.

use std::collections::BTreeMap;
use std::fmt::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Generator, GeneratorSpec, Make, Recipe};
use crate::seed::cells::Cells;
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::encode::{Encoding, Misfit};
use crate::seed::value::{Scratch, Shape, Value, text};

/// `json = { page = { int = { min = 1, max = 9 } }, agent = { choice = { … } } }`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
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

impl Objects {
    fn write(&self, row: u64, scratch: &mut Scratch, out: &mut Cells) {
        out.put_u8(b'{');
        for (key, generator) in &self.fields {
            out.push_str(key);
            generator.json(row, scratch, out);
        }
        out.put_u8(b'}');
    }
}

impl Make for Objects {
    fn value<'a>(&'a self, row: u64, _: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let (out, inner) = scratch.nested();
        self.write(row, inner, out);
        Value::Json(out.as_str())
    }

    fn put(
        &self,
        row: u64,
        dice: &mut Dice,
        scratch: &mut Scratch,
        encoding: &Encoding,
        out: &mut Cells,
    ) -> Result<(), Misfit> {
        match encoding {
            Encoding::Json => out.put_measured(|out| self.write(row, scratch, out)),
            // `jsonb_send`: a version, 1, before the text.
            Encoding::Jsonb => out.put_measured(|out| {
                out.put_u8(1);
                self.write(row, scratch, out);
            }),
            _ => return encoding.put_cell(self.value(row, dice, scratch), out),
        }
        Ok(())
    }

    fn json(&self, row: u64, _: &mut Dice, scratch: &mut Scratch, out: &mut Cells) {
        self.write(row, scratch, out);
    }

    fn shape(&self) -> Shape {
        Shape::Json
    }
}

/// Appends a value as JSON.
#[inline]
pub(super) fn push(out: &mut Cells, value: Value<'_>) {
    match value {
        Value::Null => out.push_str("null"),
        // JSON has no numbers but these.
        Value::Float(float) if !float.is_finite() => out.push_str("null"),
        Value::Int(int) => out.push_int(int),
        Value::Bool(bool) => {
            let (word, len) = [(b"false", 5), (b"true ", 4)][usize::from(bool)];
            out.put_padded(word, len);
        }
        Value::Float(_) | Value::Decimal { .. } | Value::Json(_) => {
            text::write(value, out);
        }
        Value::Text(plain) | Value::Composed(plain) => push_text(out, plain),
        // Nothing in them that JSON has a meaning for.
        Value::Uuid(_)
        | Value::TimestampUs(_)
        | Value::TimeUs(_)
        | Value::IntervalUs(_)
        | Value::Bits { .. }
        | Value::Ip { .. }
        | Value::Mac(_)
        | Value::Point { .. }
        | Value::Lexemes(_) => {
            out.put_u8(b'"');
            text::write(value, out);
            out.put_u8(b'"');
        }
        Value::Bytes(_) | Value::Pairs(_) => put_quoted(out, |out| text::write(value, out)),
    }
}

/// Appends a text in quotation marks.
pub(super) fn push_text(out: &mut Cells, plain: &str) {
    put_quoted(out, |out| out.push_str(plain));
}

/// Appends the text that `put` appends in quotation marks.
#[inline]
pub(super) fn put_quoted(out: &mut Cells, put: impl FnOnce(&mut Cells)) {
    out.put_u8(b'"');
    let start = out.len();
    put(out);
    if !is_plain(&out.as_slice()[start..]) {
        escape(out, start);
    }
    out.put_u8(b'"');
}

/// Whether a text means in JSON what it is.
pub(in crate::seed) fn is_plain(text: &[u8]) -> bool {
    // Without a way out of the loop, several bytes are looked at together.
    let is_special = |byte: &u8| (*byte < b' ') | (*byte == b'"') | (*byte == b'\\');
    !text.iter().fold(false, |any, byte| any | is_special(byte))
}

fn escape(out: &mut Cells, start: usize) {
    let plain = out.text_from(start).to_owned();
    out.truncate(start);
    for char in plain.chars() {
        match char {
            '"' | '\\' => {
                out.put_u8(b'\\');
                out.push(char);
            }
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_becomes_json_that_can_be_read_back() {
        let mut text = Cells::default();
        text.push('[');
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
        let read: serde_json::Value = serde_json::from_str(text.as_str()).unwrap();
        assert_eq!(read[0], "a \"quoted\" \\ line\n");
        assert_eq!(read[1], -0.05);
        assert_eq!(read[3], "1970-01-01T00:00:00Z");
        assert_eq!(read[5]["a"], 1);
    }
}
