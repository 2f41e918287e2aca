//! What serde says is wrong, put as a writer of TOML understands it.

use super::Key;
use crate::input::did_you_mean;

/// What serde says is wrong, in this project's words.
pub(super) struct Mistake {
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// The key that is not there.
    pub(super) missing: Option<String>,
    /// The message is about a key and not about its value.
    pub(super) names_key: bool,
    /// The name that stands where one of a few is expected.
    stranger: Option<String>,
}

impl Mistake {
    pub(super) fn from_message(text: &str) -> Mistake {
        let mut mistake = Mistake {
            message: text.to_owned(),
            hint: None,
            missing: None,
            names_key: false,
            stranger: None,
        };
        let quoted: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
        let named = quoted.first().copied().unwrap_or_default();
        if text.starts_with("unknown field") {
            mistake.message = format!("unknown key `{named}`");
            mistake.hint = hint(named, &quoted[1..]);
            mistake.names_key = true;
        } else if text.starts_with("unknown variant") {
            mistake.message = format!("unknown name `{named}`");
            mistake.hint = hint(named, &quoted[1..]);
            mistake.stranger = Some(named.to_owned());
        } else if text.starts_with("wanted exactly 1 element") {
            mistake.message =
                "expected exactly one name with what belongs to it, `{ name = … }`".to_owned();
        } else if text.starts_with("missing field") {
            mistake.message = format!("the key `{named}` is missing");
            mistake.missing = Some(named.to_owned());
        } else if let Some(rest) = text
            .strip_prefix("invalid type: ")
            .or_else(|| text.strip_prefix("invalid value: "))
            && let Some((found, expected)) = rest.rsplit_once(", expected ")
        {
            mistake.message = format!("expected {}, found {}", in_words(expected), of(found));
        }
        mistake
    }

    /// What is mistaken, where `way` leads to what serde points at: a name that is a table's only key
    /// spoils the table.
    pub(super) fn place(&self, mut way: Vec<Key>) -> Vec<Key> {
        if let (Some(Key::Name(last)), Some(stranger)) = (way.last(), &self.stranger)
            && last == stranger
        {
            way.pop();
        }
        way
    }
}

fn hint(typed: &str, known: &[&str]) -> Option<String> {
    let near = did_you_mean(typed, known.iter().copied());
    near.or_else(|| (!known.is_empty()).then(|| format!("known: {}", known.join(", "))))
}

/// A Rust type's name as a writer of TOML says it.
fn in_words(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a sequence" => "an array",
        "a map" => "a table",
        other if other.starts_with("struct ") => "a table",
        other => other,
    }
}

/// What serde found, without the value, which stands beside the message anyway.
fn of(found: &str) -> &str {
    match found.split_whitespace().next().unwrap_or_default() {
        "string" => "a string",
        "integer" => "a whole number",
        "floating" => "a number with a point",
        "boolean" => "a boolean",
        "sequence" => "an array",
        "map" => "a table",
        _ => found,
    }
}
