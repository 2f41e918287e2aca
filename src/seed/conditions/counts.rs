//! How many of several columns hold something: `num_nonnulls(a, b) = 1`, and the same as a sum.

use super::atom::Op;
use super::expr::Expr;
use super::formula::{self, Formula};

/// More columns have too many ways to be NULL or not.
const MOST_COLUMNS: usize = 10;
const MOST_WAYS: usize = 32;

/// The comparison of a count with a number, as the combinations that meet it.
pub(super) fn of(left: &Expr, op: Op, right: &Expr) -> Option<Formula> {
    let Expr::Number(wanted) = right.bare() else {
        return None;
    };
    let mut counted = Counted::default();
    counted.add(left)?;
    let n = counted.terms.len();
    if n == 0 || n > MOST_COLUMNS {
        return None;
    }
    let mut ways = Vec::new();
    for set in 0..1u32 << n {
        let count = f64::from(set.count_ones()) + counted.plus;
        if !op.holds(count.total_cmp(&wanted)) {
            continue;
        }
        let part = |(at, expr): (usize, &Expr)| formula::of(expr, set >> at & 1 == 1);
        ways.push((
            set.count_ones(),
            formula::all(counted.terms.iter().enumerate().map(part)),
        ));
    }
    // Few NULLs make the most of the rows, but not all the same.
    ways.sort_by_key(|(ones, _)| *ones);
    ways.truncate(MOST_WAYS);
    Some(formula::any(ways.into_iter().map(|(_, way)| way)))
}

/// Conditions of which each that holds counts one.
#[derive(Default)]
struct Counted {
    terms: Vec<Expr>,
    plus: f64,
}

impl Counted {
    fn add(&mut self, expr: &Expr) -> Option<()> {
        match expr {
            Expr::Binary(left, operator, right) if operator == "+" => {
                self.add(left)?;
                self.add(right)
            }
            Expr::Call(name, columns) if name == "num_nonnulls" || name == "num_nulls" => {
                let is = if name == "num_nulls" { "IS" } else { "IS NOT" };
                let tests = columns.iter().map(|column| {
                    let column = Box::new(column.bare());
                    Expr::Binary(column, is.to_owned(), Box::new(Expr::Null))
                });
                self.terms.extend(tests);
                Some(())
            }
            Expr::Cast(inner, ty) if ty.starts_with("int") && is_condition(inner) => {
                self.terms.push((**inner).clone());
                Some(())
            }
            Expr::Case(whens, Some(otherwise)) => match &whens[..] {
                [(condition, one)]
                    if one.bare() == Expr::Number(1.0) && otherwise.bare() == Expr::Number(0.0) =>
                {
                    self.terms.push(condition.clone());
                    Some(())
                }
                [(condition, zero)]
                    if zero.bare() == Expr::Number(0.0)
                        && otherwise.bare() == Expr::Number(1.0) =>
                {
                    self.terms
                        .push(Expr::Prefix("NOT".into(), Box::new(condition.clone())));
                    Some(())
                }
                _ => None,
            },
            _ => None,
        }
    }
}

/// Never NULL, as only tests for NULL are: what a NULL would count for cannot be told of others.
fn is_condition(expr: &Expr) -> bool {
    match expr {
        Expr::Binary(_, operator, right) if operator.starts_with("IS") => **right == Expr::Null,
        Expr::Binary(left, operator, right) => {
            ["AND", "OR"].contains(&operator.as_str()) && is_condition(left) && is_condition(right)
        }
        Expr::Prefix(operator, inner) => operator == "NOT" && is_condition(inner),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::conditions::atom::Atom;

    #[test]
    fn each_count_of_columns_that_is_met_is_a_way() {
        let ways = |sql: &str| formula::of(&Expr::parse(sql), true).ways(64);
        let one_of_three = ways("(num_nonnulls(a, b, c) = 1)");
        assert_eq!(one_of_three.len(), 3);
        for way in &one_of_three {
            let nulls = way.iter().filter(|atom| matches!(atom, Atom::Null(_)));
            assert_eq!((nulls.count(), way.len()), (2, 3), "{way:?}");
        }
        assert_eq!(
            ways("((((a IS NOT NULL))::integer + ((b IS NOT NULL))::integer) = 1)").len(),
            2
        );
        assert_eq!(ways("(num_nulls(a, b) <= 1)").len(), 3);
        assert_eq!(ways("((CASE WHEN (a IS NULL) THEN 0 ELSE 1 END + CASE WHEN (b IS NULL) THEN 0 ELSE 1 END) = 1)").len(), 2);
    }
}
