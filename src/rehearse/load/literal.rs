//! The simple protocol: a query's text with its parameters in it, as behind pgbouncer in transaction mode.

use std::fmt::Write;

use anyhow::Result;
use squawk_syntax::ast::AstNode;
use squawk_syntax::{SourceFile, SyntaxKind};
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::params::{ParamSource, Picked};
use crate::postgres::relation::quote_literal;
use crate::rehearse::workload::{Query, mark};
use crate::seed::value::{Scratch, Value, text};

/// A query's text, cut where its parameters are.
#[derive(Clone, Debug)]
pub struct Template {
    /// The text before a parameter, and which parameter it is.
    pieces: Vec<(String, usize)>,
    rest: String,
    types: Vec<LiteralType>,
}

/// The type that a literal is given; the server's own guess is taken where it is not known.
#[derive(Clone, Debug, Default)]
struct LiteralType {
    name: Option<String>,
    is_bytea: bool,
}

impl Template {
    /// Asks the server which types it gives the parameters, so that a literal means what the bound value does.
    pub(super) async fn resolve(client: &Client, app: &str, query: &Query) -> Result<Template> {
        // A query that does not fit the schema yet fails when it comes, and is counted then.
        let known = match client.prepare(&query.sql).await {
            Ok(statement) => statement.params().to_vec(),
            Err(_) => Vec::new(),
        };
        let mut types = Vec::new();
        for ty in known {
            // With -1 a character type comes without a length that would cut the value off.
            let row = client
                .query_one("SELECT format_type($1, -1)", &[&ty.oid()])
                .await?;
            types.push(LiteralType {
                name: row.get(0),
                is_bytea: ty == Type::BYTEA,
            });
        }
        Ok(Template::new(app, query, types))
    }

    fn new(app: &str, query: &Query, types: Vec<LiteralType>) -> Template {
        let mut pieces = Vec::new();
        let mut text = format!("{} ", mark(app, &query.name));
        for token in SourceFile::parse(&query.sql)
            .tree()
            .syntax()
            .descendants_with_tokens()
            .filter_map(|element| element.into_token())
        {
            let number = match token.kind() {
                SyntaxKind::POSITIONAL_PARAM => token.text().trim_start_matches('$').parse().ok(),
                _ => None,
            };
            match number {
                Some(number) => pieces.push((std::mem::take(&mut text), number)),
                None => text.push_str(token.text()),
            }
        }
        Template {
            pieces,
            rest: text,
            types,
        }
    }

    /// Writes the text for the arrival of this number.
    pub(super) fn write(&self, sources: &[ParamSource], number: u64, out: &mut String) {
        out.clear();
        let untyped = LiteralType::default();
        for (before, param) in &self.pieces {
            out.push_str(before);
            // The plan has checked that each parameter is given.
            if let Some(source) = param.checked_sub(1).and_then(|index| sources.get(index)) {
                let ty = self.types.get(param - 1).unwrap_or(&untyped);
                ty.write(source, number, out);
            }
        }
        out.push_str(&self.rest);
    }
}

impl LiteralType {
    fn write(&self, source: &ParamSource, number: u64, out: &mut String) {
        let mut scratch = Scratch::default();
        let text = match source.picked(number, &mut scratch) {
            Picked::Raw(text) => Some(String::from_utf8_lossy(text).into_owned()),
            Picked::Made(Value::Text(text)) if self.is_bytea => Some(hexadecimal(text.as_bytes())),
            Picked::Made(value) => text_of(value),
        };
        let literal = text.map_or("NULL".to_owned(), |text| quote_literal(&text));
        // In brackets it stands wherever a parameter may, before another cast too.
        let _ = match &self.name {
            Some(name) => write!(out, "({literal}::{name})"),
            None => write!(out, "({literal})"),
        };
    }
}

/// `\x` and two digits for each byte.
fn hexadecimal(bytes: &[u8]) -> String {
    let mut digits = "\\x".to_owned();
    text::hexadecimal(bytes, &mut digits);
    digits
}

/// The value as the server's input functions read it; `None` for NULL.
fn text_of(value: Value<'_>) -> Option<String> {
    if value == Value::Null {
        return None;
    }
    let mut text = String::new();
    text::write(value, &mut text);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearse::workload::QueryKind;

    fn check(sql: &str, types: &[&str], sources: &[ParamSource], expected: &str) {
        let query = Query {
            name: "q".to_owned(),
            kind: QueryKind::Read,
            weight: 1.0,
            sql: sql.to_owned(),
            params: Vec::new(),
        };
        let typed = |name: &&str| LiteralType {
            name: Some((*name).to_owned()),
            is_bytea: *name == "bytea",
        };
        let template = Template::new("v1", &query, types.iter().map(typed).collect());
        let mut text = String::new();
        template.write(sources, 1, &mut text);
        assert_eq!(text, format!("/* v1.q */ {expected}"));
    }

    #[test]
    fn parameters_become_literals_where_they_stand_and_nowhere_else() {
        let [one, two] = ["x", "it's \\ $1"].map(ParamSource::constant);
        let sources = [one, two];
        check(
            "SELECT '$1', $2::text, $1 -- $2\nFROM \"$1\" WHERE a = $2",
            &["integer", "text"],
            &sources,
            "SELECT '$1', (E'it''s \\\\ $1'::text)::text, ('x'::integer) -- $2\nFROM \"$1\" \
             WHERE a = (E'it''s \\\\ $1'::text)",
        );
        check("SELECT $1", &[], &sources, "SELECT ('x')");
    }

    #[test]
    fn values_are_written_as_the_server_reads_them() {
        for (value, expected) in [
            (
                Value::Decimal {
                    unscaled: -5,
                    scale: 2,
                },
                Some("-0.05"),
            ),
            (
                Value::Decimal {
                    unscaled: 1234,
                    scale: 2,
                },
                Some("12.34"),
            ),
            (
                Value::Decimal {
                    unscaled: 7,
                    scale: 0,
                },
                Some("7"),
            ),
            (Value::Int(-3), Some("-3")),
            (Value::TimestampUs(1), Some("1970-01-01T00:00:00.000001Z")),
            (Value::Null, None),
        ] {
            assert_eq!(text_of(value).as_deref(), expected);
        }
        assert_eq!(hexadecimal(b"a\\"), "\\x615c");
    }
}
