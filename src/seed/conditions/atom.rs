//! What a condition asks of one column, or of two.

use std::cmp::Ordering;

use super::expr::Expr;
use super::formula::{self, Formula};
use super::terms::{constant, term};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Atom {
    Null(String),
    NotNull(String),
    Compare {
        column: String,
        of: Of,
        op: Op,
        with: Constant,
    },
    /// One of these, or none of them.
    Among {
        column: String,
        of: Of,
        values: Vec<Constant>,
        negated: bool,
    },
    Matches {
        column: String,
        /// As Postgres reads it.
        regex: String,
        insensitive: bool,
        negated: bool,
    },
    /// Every element is one of these.
    Within {
        column: String,
        values: Vec<Constant>,
    },
    /// Between two columns.
    Order {
        left: String,
        op: Op,
        right: String,
    },
    /// Only the server can tell.
    Opaque {
        columns: Vec<String>,
    },
}

/// What of a column is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Value,
    Chars,
    Bytes,
    Lower,
    Upper,
    Trimmed,
    /// `jsonb_typeof`
    JsonType,
    /// `cardinality`, `array_length`
    Elements,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Constant {
    Number(f64),
    Text(String),
    Bool(bool),
    /// The moment when the row comes, moved by an interval as the server writes it; `true`: back.
    Now(Option<(bool, String)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    GreaterOrEqual,
    Greater,
}

impl Op {
    pub(super) fn of(operator: &str) -> Option<Op> {
        Some(match operator {
            "<" => Op::Less,
            "<=" => Op::LessOrEqual,
            "=" => Op::Equal,
            "<>" | "!=" => Op::NotEqual,
            ">=" => Op::GreaterOrEqual,
            ">" => Op::Greater,
            _ => return None,
        })
    }

    pub(super) fn holds(self, ordering: Ordering) -> bool {
        match self {
            Op::Less => ordering.is_lt(),
            Op::LessOrEqual => ordering.is_le(),
            Op::Equal => ordering.is_eq(),
            Op::NotEqual => ordering.is_ne(),
            Op::GreaterOrEqual => ordering.is_ge(),
            Op::Greater => ordering.is_gt(),
        }
    }

    /// With the sides exchanged.
    pub(super) fn flipped(self) -> Op {
        match self {
            Op::Less => Op::Greater,
            Op::LessOrEqual => Op::GreaterOrEqual,
            Op::GreaterOrEqual => Op::LessOrEqual,
            Op::Greater => Op::Less,
            same => same,
        }
    }
}

/// What holds where the other does not.
pub(super) fn opposite(op: Op) -> Op {
    match op {
        Op::Less => Op::GreaterOrEqual,
        Op::LessOrEqual => Op::Greater,
        Op::Equal => Op::NotEqual,
        Op::NotEqual => Op::Equal,
        Op::GreaterOrEqual => Op::Less,
        Op::Greater => Op::LessOrEqual,
    }
}

impl Atom {
    pub(super) fn is(column: &str, value: bool) -> Atom {
        Atom::Compare {
            column: column.to_owned(),
            of: Of::Value,
            op: Op::Equal,
            with: Constant::Bool(value),
        }
    }

    pub(super) fn opaque(expr: &Expr) -> Atom {
        Atom::Opaque {
            columns: columns(expr),
        }
    }

    pub(super) fn columns(&self) -> Vec<&str> {
        match self {
            Atom::Null(column)
            | Atom::NotNull(column)
            | Atom::Compare { column, .. }
            | Atom::Among { column, .. }
            | Atom::Matches { column, .. }
            | Atom::Within { column, .. } => vec![column],
            Atom::Order { left, right, .. } => vec![left, right],
            Atom::Opaque { columns } => columns.iter().map(String::as_str).collect(),
        }
    }

    /// Whether it surely holds where the column is NULL.
    pub(super) fn takes_null(&self, column: &str) -> bool {
        match self {
            Atom::Null(null) => null == column,
            Atom::NotNull(_) | Atom::Opaque { .. } => false,
            _ => self.columns().contains(&column),
        }
    }
}

/// An expression that is no combination of others.
pub(super) fn of(expr: &Expr, wanted: bool) -> Formula {
    let found = match expr {
        Expr::Binary(left, operator, right) => comparison(left, operator, right, wanted)
            .or_else(|| matching(left, operator, right, wanted)),
        _ => None,
    };
    found.unwrap_or_else(|| Formula::Atom(Atom::opaque(expr)))
}

fn comparison(left: &Expr, operator: &str, right: &Expr, wanted: bool) -> Option<Formula> {
    if let Expr::Call(name, arguments) = right
        && let [Expr::Array(elements)] = &arguments.iter().map(Expr::bare).collect::<Vec<_>>()[..]
    {
        return among(left, operator, name, elements, wanted);
    }
    if operator == "<@" && wanted {
        let (Expr::Column(column), Expr::Array(elements)) = (left.bare(), right.bare()) else {
            return None;
        };
        let values = elements.iter().map(constant).collect::<Option<_>>()?;
        return Some(Formula::Atom(Atom::Within { column, values }));
    }
    let op = Op::of(operator)?;
    let op = if wanted { op } else { opposite(op) };
    if let (Some((column, of)), Some(with)) = (term(left), constant(right)) {
        return Some(compared(column, of, op, with));
    }
    if let (Some(with), Some((column, of))) = (constant(left), term(right)) {
        return Some(compared(column, of, op.flipped(), with));
    }
    if let Some(formula) = with_default(left, op, right) {
        return Some(formula);
    }
    two_columns(term(left)?, op, term(right)?)
}

fn compared(column: String, of: Of, op: Op, with: Constant) -> Formula {
    Formula::Atom(Atom::Compare {
        column,
        of,
        op,
        with,
    })
}

fn two_columns(
    (left, of_left): (String, Of),
    op: Op,
    (right, of_right): (String, Of),
) -> Option<Formula> {
    if left != right {
        let plain = of_left == Of::Value && of_right == Of::Value;
        return plain.then_some(Formula::Atom(Atom::Order { left, op, right }));
    }
    // `lower(x) = x`
    let cased = |letters: &str| Atom::Matches {
        column: left.clone(),
        regex: letters.to_owned(),
        insensitive: false,
        negated: true,
    };
    let of = if of_left == Of::Value {
        of_right
    } else {
        of_left
    };
    match (op, of) {
        (Op::Equal, Of::Lower) => Some(Formula::Atom(cased("[A-Z]"))),
        (Op::Equal, Of::Upper) => Some(Formula::Atom(cased("[a-z]"))),
        (Op::Equal, Of::Trimmed) => Some(Formula::Atom(cased("^ | $"))),
        _ => None,
    }
}

/// `coalesce(x, 0) > 1`: where x is NULL the default is compared.
fn with_default(left: &Expr, op: Op, right: &Expr) -> Option<Formula> {
    let Expr::Call(name, arguments) = left.bare() else {
        return None;
    };
    let ([value, default], Some(with), "coalesce") =
        (&arguments[..], constant(right), name.as_str())
    else {
        return None;
    };
    let (column, of) = term(value)?;
    let default = constant(default)?;
    let holds = match (&default, &with) {
        (Constant::Number(a), Constant::Number(b)) => op.holds(a.total_cmp(b)),
        (Constant::Text(a), Constant::Text(b)) => op.holds(a.cmp(b)),
        _ => return None,
    };
    let comparison = compared(column.clone(), of, op, with);
    let not_null = Formula::Atom(Atom::NotNull(column));
    Some(if holds {
        comparison
    } else {
        formula::all([comparison, not_null])
    })
}

/// `x = ANY (ARRAY[…])`, `x <> ALL (ARRAY[…])`
fn among(
    left: &Expr,
    operator: &str,
    name: &str,
    elements: &[Expr],
    wanted: bool,
) -> Option<Formula> {
    let negated = match (operator, name) {
        ("=", "any") => !wanted,
        ("<>", "all") => wanted,
        _ => return like_any(left, operator, name, elements, wanted),
    };
    let (column, of) = term(left)?;
    // An element that is NULL never equals.
    let elements = elements
        .iter()
        .filter(|element| element.bare() != Expr::Null);
    let values = elements.map(constant).collect::<Option<_>>()?;
    Some(Formula::Atom(Atom::Among {
        column,
        of,
        values,
        negated,
    }))
}

/// `x ~~ ANY (ARRAY[…])`: each by itself.
fn like_any(
    left: &Expr,
    operator: &str,
    name: &str,
    elements: &[Expr],
    wanted: bool,
) -> Option<Formula> {
    let each = elements
        .iter()
        .map(|element| matching(left, operator, element, wanted));
    let each: Vec<_> = each.collect::<Option<_>>()?;
    Some(if (name == "any") == wanted {
        formula::any(each)
    } else {
        formula::all(each)
    })
}

/// Regular expressions and the like.
fn matching(left: &Expr, operator: &str, right: &Expr, wanted: bool) -> Option<Formula> {
    let (column, of) = term(left)?;
    let (operator, negated) = match operator.strip_prefix('!') {
        Some(rest) => (rest, true),
        None => (operator, false),
    };
    let (regex, insensitive) = match (operator, right.bare()) {
        ("~", Expr::Text(regex)) => (regex, false),
        ("~*", Expr::Text(regex)) => (regex, true),
        ("~~" | "LIKE", Expr::Text(pattern)) => (super::like::like(&pattern), false),
        ("~~*" | "ILIKE", Expr::Text(pattern)) => (super::like::like(&pattern), true),
        ("~", Expr::Call(name, arguments)) if name.starts_with("similar") => {
            match arguments.first()?.bare() {
                Expr::Text(pattern) => (super::like::similar(&pattern), false),
                _ => return None,
            }
        }
        _ => return None,
    };
    Some(Formula::Atom(Atom::Matches {
        column,
        regex,
        insensitive: insensitive || of == Of::Lower || of == Of::Upper,
        negated: negated == wanted,
    }))
}

/// The columns that an expression names, each once.
pub(super) fn columns(expr: &Expr) -> Vec<String> {
    let mut found = Vec::new();
    collect(expr, &mut found);
    found
}

fn collect(expr: &Expr, found: &mut Vec<String>) {
    match expr {
        Expr::Column(column) if !found.contains(column) => found.push(column.clone()),
        Expr::Cast(inner, _) | Expr::Prefix(_, inner) => collect(inner, found),
        Expr::Binary(left, _, right) => {
            collect(left, found);
            collect(right, found);
        }
        Expr::Call(_, parts) | Expr::Array(parts) => {
            parts.iter().for_each(|part| collect(part, found));
        }
        Expr::Case(whens, otherwise) => {
            for (when, then) in whens {
                collect(when, found);
                collect(then, found);
            }
            otherwise
                .iter()
                .for_each(|otherwise| collect(otherwise, found));
        }
        _ => {}
    }
}
