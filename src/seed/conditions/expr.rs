//! Expressions as the server writes them (`pg_get_expr`), as far as conditions need them.

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};

use crate::seed::schema::identifier;

/// An expression without its parentheses.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    Column(String),
    Text(String),
    Number(f64),
    Bool(bool),
    Null,
    /// The type in small letters.
    Cast(Box<Expr>, String),
    /// An operator before its operand, in capitals: `NOT`, `-`.
    Prefix(String, Box<Expr>),
    /// An operator in capitals: `=`, `~~`, `IS NOT`, `AND`, `IS DISTINCT FROM`.
    Binary(Box<Expr>, String, Box<Expr>),
    /// A function's name in small letters, without its schema; `any` and `all` with the array.
    Call(String, Vec<Expr>),
    Array(Vec<Expr>),
    /// Conditions with their results, and the result of none.
    Case(Vec<(Expr, Expr)>, Option<Box<Expr>>),
    /// What is not understood.
    Other,
}

impl Expr {
    /// Reads an expression.
    pub(super) fn parse(sql: &str) -> Expr {
        let parsed = SourceFile::parse(&format!("SELECT {sql}"));
        if !parsed.errors().is_empty() {
            return Expr::Other;
        }
        let mut targets = parsed.tree().syntax().clone().descendants();
        targets
            .find(|node| node.kind() == SyntaxKind::TARGET)
            .and_then(|target| target.first_child())
            .map_or(Expr::Other, |node| read(&node))
    }

    /// Without casts, but for those of a text to a number: `('-1'::integer)::numeric` is -1.
    pub(super) fn bare(&self) -> Expr {
        let Expr::Cast(inner, ty) = self else {
            return self.clone();
        };
        match inner.bare() {
            Expr::Text(text) if is_number(ty) => {
                let number = text.trim().parse();
                number.map_or(Expr::Text(text), Expr::Number)
            }
            bare => bare,
        }
    }
}

impl Expr {
    /// With another name for a column: a domain's check is over `VALUE`.
    pub(super) fn renamed(&self, from: &str, to: &str) -> Expr {
        let part = |part: &Expr| part.renamed(from, to);
        let boxed = |inner: &Expr| Box::new(inner.renamed(from, to));
        match self {
            Expr::Column(name) if name == from => Expr::Column(to.to_owned()),
            Expr::Cast(inner, ty) => Expr::Cast(boxed(inner), ty.clone()),
            Expr::Prefix(operator, inner) => Expr::Prefix(operator.clone(), boxed(inner)),
            Expr::Binary(left, operator, right) => {
                Expr::Binary(boxed(left), operator.clone(), boxed(right))
            }
            Expr::Call(name, arguments) => {
                Expr::Call(name.clone(), arguments.iter().map(part).collect())
            }
            Expr::Array(elements) => Expr::Array(elements.iter().map(part).collect()),
            Expr::Case(whens, otherwise) => Expr::Case(
                whens
                    .iter()
                    .map(|(when, then)| (part(when), part(then)))
                    .collect(),
                otherwise.as_deref().map(boxed),
            ),
            other => other.clone(),
        }
    }
}

impl Expr {
    /// The constants in it, as texts.
    pub(super) fn literals(&self) -> Vec<String> {
        match self {
            Expr::Text(text) => vec![text.clone()],
            Expr::Number(number) => vec![number.to_string()],
            Expr::Cast(inner, _) | Expr::Prefix(_, inner) => inner.literals(),
            Expr::Binary(left, _, right) => [left.literals(), right.literals()].concat(),
            Expr::Call(_, parts) | Expr::Array(parts) => {
                parts.iter().flat_map(Expr::literals).collect()
            }
            Expr::Case(whens, otherwise) => {
                let whens = whens.iter().flat_map(|(when, then)| [when, then]);
                let parts = whens.chain(otherwise.as_deref());
                parts.flat_map(Expr::literals).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn is_number(ty: &str) -> bool {
    [
        "int", "numeric", "decimal", "double", "real", "float", "small", "big",
    ]
    .iter()
    .any(|start| ty.starts_with(start) && ty != "interval")
}

fn read(node: &SyntaxNode) -> Expr {
    let mut children = node.children();
    match node.kind() {
        SyntaxKind::PAREN_EXPR | SyntaxKind::COLLATE | SyntaxKind::ARG => {
            children.next().map_or(Expr::Other, |inner| read(&inner))
        }
        SyntaxKind::NAME_REF => name(node),
        SyntaxKind::LITERAL => literal(node),
        SyntaxKind::CAST_EXPR => cast(node),
        SyntaxKind::BIN_EXPR => binary(node),
        SyntaxKind::POSTFIX_EXPR => postfix(node),
        SyntaxKind::PREFIX_EXPR => prefix(node),
        SyntaxKind::BETWEEN_EXPR => between(node),
        SyntaxKind::CALL_EXPR => call(node),
        SyntaxKind::ARRAY_EXPR => Expr::Array(children.map(|child| read(&child)).collect()),
        SyntaxKind::TUPLE_EXPR => Expr::Call("row".into(), children.map(|c| read(&c)).collect()),
        SyntaxKind::CASE_EXPR => case(node),
        _ => Expr::Other,
    }
}

fn name(node: &SyntaxNode) -> Expr {
    const CLOCKS: [&str; 4] = ["current_date", "current_timestamp", "localtimestamp", "now"];
    match identifier(node) {
        Some(name) if CLOCKS.contains(&name.as_str()) => Expr::Call("now".into(), Vec::new()),
        Some(name) => Expr::Column(name),
        None => Expr::Other,
    }
}

fn literal(node: &SyntaxNode) -> Expr {
    let Some(literal) = ast::Literal::cast(node.clone()) else {
        return Expr::Other;
    };
    let text = node.text().to_string();
    match text.to_ascii_lowercase().as_str() {
        "true" => Expr::Bool(true),
        "false" => Expr::Bool(false),
        "null" => Expr::Null,
        "current_date" | "current_timestamp" => Expr::Call("now".into(), Vec::new()),
        number if number.starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
            number.parse().map_or(Expr::Other, Expr::Number)
        }
        _ => literal.string_value().map_or(Expr::Other, Expr::Text),
    }
}

fn cast(node: &SyntaxNode) -> Expr {
    let (mut value, mut ty) = (None, String::new());
    for child in node.children() {
        let kind = format!("{:?}", child.kind());
        if kind.ends_with("_TYPE") {
            ty = child.text().to_string().to_lowercase();
        } else if child.kind() != SyntaxKind::COLON_COLON {
            value = Some(read(&child));
        }
    }
    value.map_or(Expr::Other, |value| Expr::Cast(Box::new(value), ty))
}

/// The text of a node between two of its bytes, in capitals and on one line: an operator.
fn operator(node: &SyntaxNode, from: usize, to: usize) -> String {
    let start = usize::from(node.text_range().start());
    let text = node.text().to_string();
    let text = text.get(from - start..to - start).unwrap_or_default();
    let words: Vec<_> = text.split_whitespace().collect();
    let operator = words.join(" ").to_uppercase();
    // `OPERATOR(public.=)` is = of an extension's type.
    match operator.strip_prefix("OPERATOR(") {
        Some(rest) => {
            let rest = rest.trim_end_matches(')');
            let last = rest.rsplit_once('.').map_or(rest, |(_, last)| last);
            last.trim().to_owned()
        }
        None => operator,
    }
}

fn binary(node: &SyntaxNode) -> Expr {
    let (Some(left), Some(right)) = (node.first_child(), node.last_child()) else {
        return Expr::Other;
    };
    let from = left.text_range().end().into();
    let operator = operator(node, from, right.text_range().start().into());
    Expr::Binary(Box::new(read(&left)), operator, Box::new(read(&right)))
}

/// `x ISNULL`, `x IS NOT NULL` where the parser takes it for one operator.
fn postfix(node: &SyntaxNode) -> Expr {
    let Some(operand) = node.first_child() else {
        return Expr::Other;
    };
    let from = operand.text_range().end().into();
    let (is, right) = match operator(node, from, node.text_range().end().into()).as_str() {
        "ISNULL" | "IS NULL" => ("IS", Expr::Null),
        "NOTNULL" | "IS NOT NULL" => ("IS NOT", Expr::Null),
        "IS TRUE" => ("IS", Expr::Bool(true)),
        "IS NOT TRUE" => ("IS NOT", Expr::Bool(true)),
        "IS FALSE" => ("IS", Expr::Bool(false)),
        "IS NOT FALSE" => ("IS NOT", Expr::Bool(false)),
        _ => return Expr::Other,
    };
    Expr::Binary(Box::new(read(&operand)), is.to_owned(), Box::new(right))
}

fn prefix(node: &SyntaxNode) -> Expr {
    let Some(operand) = node.last_child() else {
        return Expr::Other;
    };
    let start = node.text_range().start().into();
    let operator = operator(node, start, operand.text_range().start().into());
    match (operator.as_str(), read(&operand)) {
        ("-", Expr::Number(number)) => Expr::Number(-number),
        ("+", operand) => operand,
        (_, operand) => Expr::Prefix(operator, Box::new(operand)),
    }
}

/// Only written by people: the server writes two comparisons.
fn between(node: &SyntaxNode) -> Expr {
    let parts: Vec<_> = node.children().map(|child| read(&child)).collect();
    let [value, low, high] = &parts[..] else {
        return Expr::Other;
    };
    if node
        .children_with_tokens()
        .any(|t| t.kind() == SyntaxKind::NOT_KW)
    {
        return Expr::Other;
    }
    let compare = |operator: &str, bound: &Expr| {
        let (value, bound) = (Box::new(value.clone()), Box::new(bound.clone()));
        Box::new(Expr::Binary(value, operator.to_owned(), bound))
    };
    Expr::Binary(compare(">=", low), "AND".into(), compare("<=", high))
}

fn call(node: &SyntaxNode) -> Expr {
    let Some(callee) = node.first_child() else {
        return Expr::Other;
    };
    let list = node.children().find(|c| c.kind() == SyntaxKind::ARG_LIST);
    let (name, arguments) = match list {
        Some(list) => (callee.text().to_string(), list),
        // `ANY (…)`, `coalesce(…)`, `EXTRACT(… FROM …)`: functions with a grammar of their own.
        None => {
            let text = callee.text().to_string();
            let name = text.split('(').next().unwrap_or_default().to_owned();
            (name, callee)
        }
    };
    let name = name.trim().to_lowercase();
    let name = name.rsplit('.').next().unwrap_or_default().replace('"', "");
    let arguments = arguments
        .children()
        .flat_map(|argument| match argument.kind() {
            SyntaxKind::ARG_LIST => argument.children().collect(),
            _ => vec![argument],
        });
    Expr::Call(name, arguments.map(|argument| read(&argument)).collect())
}

fn case(node: &SyntaxNode) -> Expr {
    let mut whens = Vec::new();
    let mut otherwise = None;
    for child in node.children() {
        match child.kind() {
            SyntaxKind::WHEN_CLAUSE_LIST => {
                for when in child.children() {
                    let mut parts = when.children();
                    let (Some(condition), Some(result)) = (parts.next(), parts.next()) else {
                        return Expr::Other;
                    };
                    whens.push((read(&condition), read(&result)));
                }
            }
            SyntaxKind::ELSE_CLAUSE => {
                otherwise = child.first_child().map(|result| Box::new(read(&result)));
            }
            // `CASE x WHEN 1`: an operand.
            _ => return Expr::Other,
        }
    }
    Expr::Case(whens, otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str, expected: &str) {
        assert_eq!(written(&Expr::parse(sql)), expected, "{sql}");
    }

    fn written(expr: &Expr) -> String {
        let list = |list: &[Expr]| list.iter().map(written).collect::<Vec<_>>().join(" ");
        match expr {
            Expr::Column(name) => name.clone(),
            Expr::Text(text) => format!("{text:?}"),
            Expr::Number(number) => number.to_string(),
            Expr::Bool(value) => value.to_string(),
            Expr::Null => "null".into(),
            Expr::Cast(..) if !matches!(expr.bare(), Expr::Cast(..)) => written(&expr.bare()),
            Expr::Cast(inner, ty) => format!("({} as {ty})", written(inner)),
            Expr::Prefix(operator, inner) => format!("({operator} {})", written(inner)),
            Expr::Binary(l, operator, r) => format!("({} {operator} {})", written(l), written(r)),
            Expr::Call(name, arguments) => format!("{name}[{}]", list(arguments)),
            Expr::Array(elements) => format!("{{{}}}", list(elements)),
            Expr::Case(whens, otherwise) => {
                let whens = whens
                    .iter()
                    .map(|(w, t)| format!("{}: {}", written(w), written(t)));
                let whens: Vec<_> = whens.collect();
                let otherwise = otherwise.as_ref().map_or("-".into(), |e| written(e));
                format!("case {} else {otherwise}", whens.join(", "))
            }
            Expr::Other => "?".into(),
        }
    }

    #[test]
    fn what_the_server_writes_is_read() {
        check("(price > (0)::numeric)", "(price > 0)");
        check("(x >= ('-1.5'::numeric))", "(x >= -1.5)");
        check(
            "((status)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
            r#"(status = any[{"a" "b"}])"#,
        );
        check("(x <> ALL (ARRAY[1, 2]))", "(x <> all[{1 2}])");
        check(
            "((a IS NOT NULL) AND (NOT b) AND (c IS TRUE))",
            "(((a IS NOT null) AND (NOT b)) AND (c IS true))",
        );
        check("(x IS DISTINCT FROM 3)", "(x IS DISTINCT FROM 3)");
        check(r#"("eMail" ~* '^x\.'::text)"#, r#"(eMail ~* "^x\\.")"#);
        check("(num_nonnulls(a, b) = 1)", "(num_nonnulls[a b] = 1)");
        check("(length(btrim((a)::text)) > 0)", "(length[btrim[a]] > 0)");
        check(
            "(at < (now() - '18 years'::interval))",
            r#"(at < (now[] - "18 years"))"#,
        );
        check("(at <= CURRENT_DATE)", "(at <= now[])");
        check("(x OPERATOR(public.=) 'a'::public.citext)", r#"(x = "a")"#);
        check("(COALESCE(a, 0) > 1)", "(coalesce[a 0] > 1)");
        check(
            "CASE WHEN (a > 1) THEN b ELSE true END",
            "case (a > 1): b else true",
        );
        check("((VALUE)::text ~ 'a' COLLATE \"C\")", r#"(value ~ "a")"#);
        check("(a >", "?");
    }
}
