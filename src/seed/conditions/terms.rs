//! The two sides of a comparison.

use super::atom::{Constant, Of};
use super::expr::Expr;

/// A column, or what a well-known function says of it.
pub(super) fn term(expr: &Expr) -> Option<(String, Of)> {
    match expr.bare() {
        Expr::Column(column) => Some((column, Of::Value)),
        Expr::Call(name, arguments) => {
            let (column, inner) = term(arguments.first()?)?;
            let of = match name.as_str() {
                "length" | "char_length" | "character_length" | "bit_length" => Of::Chars,
                "octet_length" => Of::Bytes,
                "lower" => Of::Lower,
                "upper" => Of::Upper,
                "btrim" | "trim" | "ltrim" | "rtrim" if arguments.len() == 1 => Of::Trimmed,
                "jsonb_typeof" | "json_typeof" => Of::JsonType,
                "cardinality" | "array_length" => Of::Elements,
                _ => return None,
            };
            // Of `length(btrim(x))` the length counts.
            let of = if of == Of::Trimmed && inner != Of::Value {
                inner
            } else {
                of
            };
            Some((column, of))
        }
        _ => None,
    }
}

/// A value that is the same for every row, or the time.
pub(super) fn constant(expr: &Expr) -> Option<Constant> {
    Some(match expr.bare() {
        Expr::Number(number) => Constant::Number(number),
        Expr::Text(text) => Constant::Text(text),
        Expr::Bool(value) => Constant::Bool(value),
        Expr::Call(name, _)
            if [
                "now",
                "transaction_timestamp",
                "statement_timestamp",
                "clock_timestamp",
            ]
            .contains(&name.as_str()) =>
        {
            Constant::Now(None)
        }
        Expr::Binary(left, operator, right) => {
            let (Constant::Now(None), true) =
                (constant(&left)?, ["+", "-"].contains(&operator.as_str()))
            else {
                return None;
            };
            match right.bare() {
                Expr::Text(interval) => Constant::Now(Some((operator == "-", interval))),
                _ => return None,
            }
        }
        Expr::Prefix(operator, inner) if operator == "-" => match constant(&inner)? {
            Constant::Number(number) => Constant::Number(-number),
            _ => return None,
        },
        _ => return None,
    })
}
