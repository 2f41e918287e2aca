//! What `\set` computes: numbers, and random numbers between two of them.

use std::collections::BTreeMap;

use crate::seed::generators::mix::{Mix, Part};
use crate::seed::generators::{GeneratorSpec, int::Int, normal::Normal};

/// What a variable stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Int(i64),
    Double(f64),
    /// Another number each time, between two.
    Random {
        spec: GeneratorSpec,
        min: i64,
        max: i64,
    },
}

/// Values by the names of their variables.
pub(super) type Variables = BTreeMap<String, Value>;

/// As many pieces, each even in itself, stand for a smooth distribution.
const PIECES: u64 = 16;

/// Reads an expression of `\set`: constants, variables, + - * / %, and functions; a random number by itself.
pub(super) fn evaluate(text: &str, variables: &Variables) -> Result<Value, String> {
    let mut reader = Reader {
        text,
        rest: text,
        variables,
    };
    let value = reader.sum()?;
    match reader.rest.trim_start() {
        "" => Ok(value),
        _ => Err(reader.misunderstood()),
    }
}

struct Reader<'t> {
    text: &'t str,
    rest: &'t str,
    variables: &'t Variables,
}

impl Reader<'_> {
    fn sum(&mut self) -> Result<Value, String> {
        let mut left = self.product()?;
        while let Some(operator) = self.one_of("+-") {
            let right = self.product()?;
            left = combined(operator, &left, &right)?;
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Value, String> {
        let mut left = self.factor()?;
        while let Some(operator) = self.one_of("*/%") {
            let right = self.factor()?;
            left = combined(operator, &left, &right)?;
        }
        Ok(left)
    }

    fn factor(&mut self) -> Result<Value, String> {
        if self.one_of("-").is_some() {
            return combined('-', &Value::Int(0), &self.factor()?);
        }
        if self.one_of("(").is_some() {
            let inner = self.sum()?;
            return match self.one_of(")") {
                Some(_) => Ok(inner),
                None => Err(self.misunderstood()),
            };
        }
        if self.one_of(":").is_some() {
            let name = self.word();
            let value = self.variables.get(&name).cloned();
            return value.ok_or_else(|| format!("the variable :{name} is not set before"));
        }
        let word = self.word();
        match word.chars().next() {
            Some(first) if first.is_ascii_digit() || first == '.' => number(&word),
            Some(_) if self.one_of("(").is_some() => {
                let arguments = self.arguments()?;
                call(&word.to_ascii_lowercase(), &arguments)
            }
            _ => Err(self.misunderstood()),
        }
    }

    fn arguments(&mut self) -> Result<Vec<Value>, String> {
        let mut arguments = Vec::new();
        if self.one_of(")").is_some() {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.sum()?);
            match self.one_of(",)") {
                Some(',') => {}
                Some(_) => return Ok(arguments),
                None => return Err(self.misunderstood()),
            }
        }
    }

    fn one_of(&mut self, letters: &str) -> Option<char> {
        let rest = self.rest.trim_start();
        let letter = rest
            .chars()
            .next()
            .filter(|letter| letters.contains(*letter))?;
        self.rest = &rest[letter.len_utf8()..];
        Some(letter)
    }

    fn word(&mut self) -> String {
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'));
        let (word, rest) = rest.split_at(end.unwrap_or(rest.len()));
        self.rest = rest;
        word.to_owned()
    }

    fn misunderstood(&self) -> String {
        format!(
            "`{}` is not understood: constants, + - * / %, and random numbers are",
            self.text.trim()
        )
    }
}

fn number(word: &str) -> Result<Value, String> {
    let int = word.parse().map(Value::Int);
    let number = int.or_else(|_| word.parse().map(Value::Double));
    number.map_err(|_| format!("`{word}` is no number"))
}

fn combined(operator: char, left: &Value, right: &Value) -> Result<Value, String> {
    let out_of_range = || "a number is too large, or divided by zero".to_owned();
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => {
            let result = match operator {
                '+' => a.checked_add(*b),
                '-' => a.checked_sub(*b),
                '*' => a.checked_mul(*b),
                '/' => a.checked_div(*b),
                _ => a.checked_rem(*b),
            };
            result.map(Value::Int).ok_or_else(out_of_range)
        }
        (Value::Random { .. }, _) | (_, Value::Random { .. }) => Err(
            "a random number cannot be computed with: set its bounds so that it need not be"
                .to_owned(),
        ),
        _ => {
            let (a, b) = (double(left), double(right));
            let result = match operator {
                '+' => a + b,
                '-' => a - b,
                '*' => a * b,
                '/' => a / b,
                _ => a % b,
            };
            if result.is_finite() {
                Ok(Value::Double(result))
            } else {
                Err(out_of_range())
            }
        }
    }
}

fn double(value: &Value) -> f64 {
    match value {
        Value::Int(int) => *int as f64,
        Value::Double(double) => *double,
        Value::Random { .. } => f64::NAN,
    }
}

fn call(name: &str, arguments: &[Value]) -> Result<Value, String> {
    let is_random = |value: &Value| matches!(value, Value::Random { .. });
    if arguments.iter().any(is_random) {
        return Err(format!("{name}(…) of a random number is not understood"));
    }
    match (name, arguments) {
        ("random", [min, max]) => between(min, max, |min, max| even(min, max, 0.0)),
        ("random_zipfian", [min, max, parameter]) => {
            // What is steeper than 5 is nearly always the least number anyway.
            let skew = double(parameter).clamp(0.0, 5.0);
            between(min, max, |min, max| even(min, max, skew))
        }
        ("random_gaussian", [min, max, parameter]) => {
            let width = double(parameter).max(0.1);
            between(min, max, |min, max| {
                GeneratorSpec::Normal(Normal {
                    mean: (min as f64 + max as f64) / 2.0,
                    deviation: (max as f64 - min as f64 + 1.0) / (2.0 * width),
                    min: min as f64,
                    max: max as f64,
                    scale: 0,
                })
            })
        }
        ("random_exponential", [min, max, parameter]) => {
            let falls = double(parameter);
            between(min, max, |min, max| falling(min, max, falls))
        }
        ("abs", [Value::Int(int)]) => Ok(Value::Int(int.saturating_abs())),
        ("abs", [one]) => Ok(Value::Double(double(one).abs())),
        ("int", [one]) => Ok(Value::Int(double(one) as i64)),
        ("double", [one]) => Ok(Value::Double(double(one))),
        _ => Err(format!(
            "{name} with {} arguments is not understood: of functions, random, random_zipfian, random_gaussian, \
             random_exponential, abs, int and double are",
            arguments.len()
        )),
    }
}

fn between(
    min: &Value,
    max: &Value,
    spec: impl FnOnce(i64, i64) -> GeneratorSpec,
) -> Result<Value, String> {
    match (min, max) {
        (Value::Int(min), Value::Int(max)) if min <= max => Ok(Value::Random {
            spec: spec(*min, *max),
            min: *min,
            max: *max,
        }),
        _ => Err("the bounds of a random number are whole numbers, the lower one first".to_owned()),
    }
}

fn even(min: i64, max: i64, skew: f64) -> GeneratorSpec {
    GeneratorSpec::Int(Int { min, max, skew })
}

/// Pieces of the range, each less common than the one before: e^(-parameter · x) for x from 0 to 1.
fn falling(min: i64, max: i64, parameter: f64) -> GeneratorSpec {
    let numbers = max.abs_diff(min).saturating_add(1);
    let pieces = PIECES.min(numbers);
    let start = |piece: u64| {
        let offset = u128::from(numbers) * u128::from(piece) / u128::from(pieces);
        min.wrapping_add_unsigned(offset as u64)
    };
    let part = |piece: u64| {
        let last = if piece + 1 == pieces {
            max
        } else {
            start(piece + 1) - 1
        };
        let middle = (piece as f64 + 0.5) / pieces as f64;
        // Pieces are not all as wide.
        let width = last.abs_diff(start(piece)) as f64 + 1.0;
        Part {
            weight: width * (-parameter * middle).exp(),
            value: even(start(piece), last, 0.0),
        }
    };
    GeneratorSpec::Mix(Mix((0..pieces).map(part).collect()))
}
