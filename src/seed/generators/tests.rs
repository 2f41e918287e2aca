//! What must be true of every generator.

use std::collections::BTreeSet;

use crate::seed::Spec;
use crate::seed::context::Context;
use crate::seed::dataset::tests::read;
use crate::seed::value::{Scratch, Shape, Value};

const SCHEMA: &str = "CREATE TABLE main (id int, at timestamptz); CREATE TABLE child (LIKE main);";

/// A dataset in which every generator fills a column.
const ALL: &str = r#"
about = "every generator"
main = "main"

[tables.main.columns]
id = { sequence = { start = 100 } }
at = { timestamp = { from = "2020-01-01T00:00:00Z", until = "2021-01-01T00:00:00Z", increasing = true } }

[tables.child]
children_of = { table = "main", min = 0, max = 5, mean = 1.7 }

[tables.child.columns]
sequence = { sequence = {} }
int = { int = { min = -7, max = 7, skew = 0.5 } }
decimal = { decimal = { min = -1.0, max = 1.0, scale = 3 } }
price = { price = { min = 0.5, max = 99.0 } }
bool = { bool = { true = 0.2 } }
choice = { choice = { a = 1, b = 2.5, never = 0 } }
code = { code = { prefix = "X-" } }
text = { text = { min = 3, max = 70 } }
first_name = { first_name = {} }
last_name = { last_name = {} }
full_name = { full_name = {} }
email = { email = {} }
phone = { phone = {} }
street = { street = {} }
city = { city = {} }
label = { label = { min = 2, max = 30 } }
steps = { steps = { start = -5, step = 7, scale = 2 } }
pool = { pool = { size = 40, common = [0.5, 0.2], value = { label = { min = 3, max = 9 } } } }
pool_of = { pool = { size = 4, increasing = true, of = "main.id" } }
postcode = { postcode = {} }
country = { country = {} }
company = { company = {} }
product = { product = {} }
uuid = { uuid = {} }
timestamp = { timestamp = { from = "2020-01-01T00:00:00Z", until = "2021-01-01T00:00:00Z" } }
json = { json = { long = { uuid = {} }, b = { text = { min = 1, max = 9 } }, a = { nullable = { nulls = 0.5, value = { json = { x = { bool = {} } } } } } } }
reference = { reference = { column = "main.at", skew = 1.0 } }
parent = { parent = {} }
ordinal = { ordinal = {} }
nullable = { nullable = { nulls = 0.3, value = { email = {} } } }
"#;

fn spec() -> Spec {
    let dataset = read(SCHEMA, ALL).unwrap();
    Spec {
        dataset,
        rows: 3_000,
        seed: 42,
        workers: 1,
    }
}

#[test]
fn the_dataset_of_these_tests_has_every_generator() {
    let schema = serde_json::to_value(schemars::schema_for!(super::GeneratorSpec)).unwrap();
    let known: BTreeSet<_> = schema["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|variant| variant["required"].as_array().unwrap())
        .map(|name| name.as_str().unwrap().to_owned())
        .collect();
    let spec = spec();
    let tested: BTreeSet<_> = spec.dataset.tables["child"]
        .columns
        .keys()
        .cloned()
        .collect();
    assert_eq!(known, tested);
}

/// The rows of a column, made in chunks of a size, the last chunk first.
fn column(spec: &Spec, name: &str, chunk: u64) -> Vec<String> {
    let context = Context::new(spec);
    let rows = context.rows["child"];
    let generator = &spec.dataset.tables["child"].columns[name];
    let mut chunks: Vec<Vec<String>> = (0..rows.div_ceil(chunk))
        .rev()
        .map(|at| {
            // As a worker does: a generator and a scratch of its own.
            let generator = generator.build(&context.column("child", name)).unwrap();
            let mut scratch = Scratch::default();
            (at * chunk..((at + 1) * chunk).min(rows))
                .map(|row| format!("{:?}", generator.value(row, &mut scratch)))
                .collect()
        })
        .collect();
    chunks.reverse();
    chunks.concat()
}

#[test]
fn one_chunk_or_many_the_rows_are_the_same() {
    let spec = spec();
    for name in spec.dataset.tables["child"].columns.keys() {
        let whole = column(&spec, name, u64::MAX / 2);
        assert!(whole.len() > 4_000);
        assert_eq!(whole, column(&spec, name, 97), "{name}");
        assert_eq!(whole, column(&spec, name, 1_024), "{name}");
    }
}

#[test]
fn another_seed_gives_other_rows() {
    let (one, mut other) = (spec(), spec());
    other.seed = 43;
    for name in one.dataset.tables["child"].columns.keys() {
        // The number of children depends on the seed, too.
        let rows = |spec| column(spec, name, 10_000)[..4_000].to_vec();
        assert_eq!(rows(&one) == rows(&other), name == "sequence", "{name}");
    }
}

#[test]
fn every_value_has_the_shape_that_was_promised() {
    let spec = spec();
    let context = Context::new(&spec);
    for (name, generator) in &spec.dataset.tables["child"].columns {
        let generator = generator.build(&context.column("child", name)).unwrap();
        let shape = generator.shape();
        let mut scratch = Scratch::default();
        for row in 0..context.rows["child"] {
            let value = generator.value(row, &mut scratch);
            let fits = match (&shape, value) {
                (_, Value::Null) => generator.gives_null(),
                (Shape::Bool, Value::Bool(_)) => true,
                (Shape::Int { min, max }, Value::Int(int)) => (min..=max).contains(&&int),
                (Shape::Decimal { min, max, scale }, Value::Decimal { unscaled, scale: s }) => {
                    (min..=max).contains(&&unscaled) && *scale == s
                }
                (Shape::Text { chars }, Value::Text(text)) => {
                    !text.is_empty() && text.chars().count() <= *chars
                }
                (Shape::Label(labels), Value::Text(text)) => labels.iter().any(|l| l == text),
                (Shape::Uuid, Value::Uuid(_))
                | (Shape::Timestamp { .. }, Value::TimestampUs(_)) => true,
                (Shape::Json, Value::Json(text)) => {
                    serde_json::from_str::<serde_json::Value>(text).is_ok_and(|v| v.is_object())
                }
                _ => false,
            };
            assert!(fits, "{name}: {value:?} is not {shape:?}");
        }
    }
}

#[test]
fn what_promises_to_be_unique_is() {
    let spec = spec();
    for name in ["sequence", "code", "email", "uuid"] {
        let values = column(&spec, name, 10_000);
        let distinct: BTreeSet<_> = values.iter().collect();
        assert_eq!(distinct.len(), values.len(), "{name}");
    }
}

#[test]
fn a_reference_meets_a_value_that_is_there() {
    let spec = spec();
    let context = Context::new(&spec);
    let at = spec.dataset.tables["main"].columns["at"]
        .build(&context.column("main", "at"))
        .unwrap();
    let mut scratch = Scratch::default();
    let there: BTreeSet<_> = (0..spec.rows)
        .map(|row| format!("{:?}", at.value(row, &mut scratch)))
        .collect();
    let met: BTreeSet<_> = column(&spec, "reference", 10_000).into_iter().collect();
    assert!(met.is_subset(&there));
    assert!(met.len() > 100, "not always the same");
}

#[test]
fn a_choice_keeps_to_its_weights() {
    let values = column(&spec(), "choice", 10_000);
    let share = |label: &str| {
        let hits = values.iter().filter(|v| **v == format!("Text({label:?})"));
        hits.count() as f64 / values.len() as f64
    };
    assert!((share("a") - 1.0 / 3.5).abs() < 0.03);
    assert!((share("b") - 2.5 / 3.5).abs() < 0.03);
}
