//! A CHECK as a formula over columns, without NOT.
//!
//! A CHECK whose result is NULL holds. In a formula of AND and OR over atoms it holds if and only if it does with every
//! atom that is NULL taken for true: both take the larger or the smaller of false < NULL < true.

use super::atom::{Atom, Op, opposite};
use super::expr::Expr;
use super::{atom, counts};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Formula {
    True,
    False,
    And(Vec<Formula>),
    Or(Vec<Formula>),
    Atom(Atom),
}

/// What must be so for the expression to be `wanted`, or NULL.
pub(super) fn of(expr: &Expr, wanted: bool) -> Formula {
    match expr {
        Expr::Bool(value) if *value == wanted => Formula::True,
        Expr::Null => Formula::True,
        Expr::Bool(_) => Formula::False,
        Expr::Cast(inner, ty) if ty.starts_with("bool") => of(inner, wanted),
        Expr::Prefix(operator, inner) if operator == "NOT" => of(inner, !wanted),
        Expr::Binary(left, operator, right) => binary(expr, left, operator, right, wanted),
        Expr::Case(whens, otherwise) => case(whens, otherwise.as_deref(), wanted),
        Expr::Call(name, arguments) if name == "coalesce" => coalesce(expr, arguments, wanted),
        Expr::Column(column) => Formula::Atom(Atom::is(column, wanted)),
        _ => atom::of(expr, wanted),
    }
}

fn binary(expr: &Expr, left: &Expr, operator: &str, right: &Expr, wanted: bool) -> Formula {
    match (operator, wanted) {
        ("AND", true) | ("OR", false) => all([of(left, wanted), of(right, wanted)]),
        ("AND", false) | ("OR", true) => any([of(left, wanted), of(right, wanted)]),
        ("IS", _) if *right == Expr::Null => nullness(left, wanted),
        ("IS NOT", _) if *right == Expr::Null => nullness(left, !wanted),
        ("IS", _) => is_bool(expr, left, right, wanted),
        ("IS NOT", _) => is_bool(expr, left, right, !wanted),
        ("IS DISTINCT FROM", _) => distinct(left, right, wanted),
        ("IS NOT DISTINCT FROM", _) => distinct(left, right, !wanted),
        ("=" | "<>" | "!=", _) if is_boolean(left) || is_boolean(right) => {
            let equal = (operator == "=") == wanted;
            any([
                all([of(left, true), of(right, equal)]),
                all([of(left, false), of(right, !equal)]),
            ])
        }
        _ => {
            let counted = Op::of(operator).and_then(|op| {
                let op = if wanted { op } else { opposite(op) };
                counts::of(left, op, right)
            });
            counted.unwrap_or_else(|| atom::of(expr, wanted))
        }
    }
}

/// Whether an expression is a condition itself. Of a bare column that cannot be told.
fn is_boolean(expr: &Expr) -> bool {
    match expr {
        Expr::Bool(_) => true,
        Expr::Prefix(operator, _) => operator == "NOT",
        Expr::Cast(_, ty) => ty.starts_with("bool"),
        Expr::Binary(_, operator, _) => {
            const CONDITIONS: [&str; 10] =
                ["AND", "OR", "=", "<>", "!=", "<", ">", "<=", ">=", "~"];
            CONDITIONS.contains(&operator.as_str()) || operator.starts_with("IS")
        }
        _ => false,
    }
}

fn nullness(expr: &Expr, null: bool) -> Formula {
    match expr.bare() {
        Expr::Column(column) if null => Formula::Atom(Atom::Null(column)),
        Expr::Column(column) => Formula::Atom(Atom::NotNull(column)),
        Expr::Null => constant(null),
        Expr::Text(_) | Expr::Number(_) | Expr::Bool(_) => constant(!null),
        // `ROW(a, b) IS NULL`: all of them, either way.
        Expr::Call(name, parts) if name == "row" => all(parts.iter().map(|p| nullness(p, null))),
        Expr::Call(name, parts) if name == "coalesce" => {
            let parts = parts.iter().map(|part| nullness(part, null));
            if null { all(parts) } else { any(parts) }
        }
        other => Formula::Atom(Atom::opaque(&other)),
    }
}

fn constant(value: bool) -> Formula {
    if value { Formula::True } else { Formula::False }
}

/// `x IS TRUE`: never NULL, so that `x` is not NULL where it must be true.
fn is_bool(expr: &Expr, left: &Expr, right: &Expr, wanted: bool) -> Formula {
    match right {
        Expr::Bool(value) if wanted => strictly(left, *value),
        Expr::Bool(value) => of(left, !*value),
        _ => Formula::Atom(Atom::opaque(expr)),
    }
}

/// The expression has the value, and is not NULL.
fn strictly(expr: &Expr, value: bool) -> Formula {
    let not_null = atom::columns(expr).into_iter();
    let guarded = not_null.filter(|column| !is_tested(expr, column));
    let not_null = guarded.map(|column| Formula::Atom(Atom::NotNull(column)));
    all(std::iter::once(of(expr, value)).chain(not_null))
}

/// The expression asks whether the column is NULL: it has a value either way.
fn is_tested(expr: &Expr, column: &str) -> bool {
    match expr {
        Expr::Binary(left, operator, right) if operator.starts_with("IS") => {
            **right == Expr::Null && left.bare() == Expr::Column(column.to_owned())
        }
        Expr::Binary(left, _, right) => is_tested(left, column) || is_tested(right, column),
        Expr::Prefix(_, inner) | Expr::Cast(inner, _) => is_tested(inner, column),
        Expr::Call(_, arguments) => arguments.iter().any(|inner| is_tested(inner, column)),
        _ => false,
    }
}

fn distinct(left: &Expr, right: &Expr, wanted: bool) -> Formula {
    let equals = Expr::Binary(Box::new(left.clone()), "=".into(), Box::new(right.clone()));
    match (left.bare(), right.bare()) {
        (Expr::Column(_), Expr::Null) => nullness(left, !wanted),
        (Expr::Null, Expr::Column(_)) => nullness(right, !wanted),
        // Different also where it is NULL.
        (Expr::Column(_), Expr::Text(_) | Expr::Number(_) | Expr::Bool(_)) if wanted => {
            of(&equals, false)
        }
        _ if wanted => of(&equals, false),
        _ => strictly(&equals, true),
    }
}

fn case(whens: &[(Expr, Expr)], otherwise: Option<&Expr>, wanted: bool) -> Formula {
    let mut alternatives = Vec::new();
    let mut before = Vec::new();
    for (condition, result) in whens {
        let mut parts = before.clone();
        parts.push(strictly(condition, true));
        parts.push(of(result, wanted));
        alternatives.push(all(parts));
        before.push(of(condition, false));
    }
    before.push(of(otherwise.unwrap_or(&Expr::Null), wanted));
    alternatives.push(all(before));
    any(alternatives)
}

/// `coalesce(condition, false)`: it may not be NULL.
fn coalesce(expr: &Expr, arguments: &[Expr], wanted: bool) -> Formula {
    match arguments {
        [condition, Expr::Bool(value)] if *value == wanted => of(condition, wanted),
        [condition, Expr::Bool(_)] => strictly(condition, wanted),
        _ => Formula::Atom(Atom::opaque(expr)),
    }
}

pub(super) fn all(parts: impl IntoIterator<Item = Formula>) -> Formula {
    let mut flat = Vec::new();
    for part in parts {
        match part {
            Formula::True => {}
            Formula::False => return Formula::False,
            Formula::And(inner) => flat.extend(inner),
            part => flat.push(part),
        }
    }
    match flat.len() {
        0 => Formula::True,
        1 => flat.remove(0),
        _ => Formula::And(flat),
    }
}

pub(super) fn any(parts: impl IntoIterator<Item = Formula>) -> Formula {
    let mut flat: Vec<Formula> = Vec::new();
    for part in parts {
        match part {
            Formula::False => {}
            Formula::True => return Formula::True,
            Formula::Or(inner) => flat.extend(inner),
            part if flat.contains(&part) => {}
            part => flat.push(part),
        }
    }
    // `x IS NULL OR x > 0` asks no more than `x > 0`, which NULL meets.
    let all = flat.clone();
    flat.retain(|part| {
        let Formula::Atom(Atom::Null(column)) = part else {
            return true;
        };
        !all.iter()
            .any(|other| other != part && other.takes_null(column))
    });
    match flat.len() {
        0 => Formula::False,
        1 => flat.remove(0),
        _ => Formula::Or(flat),
    }
}

impl Formula {
    /// Whether it surely holds wherever the column is NULL.
    fn takes_null(&self, column: &str) -> bool {
        match self {
            Formula::True => true,
            Formula::False => false,
            Formula::And(parts) => parts.iter().all(|part| part.takes_null(column)),
            Formula::Or(parts) => parts.iter().any(|part| part.takes_null(column)),
            Formula::Atom(atom) => atom.takes_null(column),
        }
    }

    /// Ways to meet it: each a set of atoms that hold together. At most `most`, the plainest first.
    pub(super) fn ways(&self, most: usize) -> Vec<Vec<Atom>> {
        let mut ways = match self {
            Formula::True => vec![Vec::new()],
            Formula::False => Vec::new(),
            Formula::Atom(atom) => vec![vec![atom.clone()]],
            Formula::Or(parts) => parts.iter().flat_map(|part| part.ways(most)).collect(),
            Formula::And(parts) => {
                let none = vec![Vec::new()];
                parts.iter().fold(none, |ways, part| {
                    product(&ways, &part.ways(most), 4 * most)
                })
            }
        };
        ways.truncate(4 * most);
        ways.retain(|way| !contradicts_itself(way));
        ways.truncate(most);
        ways
    }
}

/// Each of one with each of the other.
pub(super) fn product(some: &[Vec<Atom>], others: &[Vec<Atom>], most: usize) -> Vec<Vec<Atom>> {
    let mut both = Vec::new();
    for one in some {
        for other in others {
            let mut way = one.clone();
            way.extend(other.iter().filter(|atom| !one.contains(atom)).cloned());
            if both.len() < most && !contradicts_itself(&way) {
                both.push(way);
            }
        }
    }
    both
}

/// NULL and not NULL; true and false.
fn contradicts_itself(way: &[Atom]) -> bool {
    way.iter().any(|atom| match atom {
        Atom::Null(column) => way.contains(&Atom::NotNull(column.clone())),
        _ => false,
    })
}
