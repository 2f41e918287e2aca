//! What must be true of every generator.

mod unique;

use std::collections::BTreeSet;

use crate::seed::Spec;
use crate::seed::cells::Cells;
use crate::seed::context::Context;
use crate::seed::dataset::tests::read;
use crate::seed::encode::Encoding;
use crate::seed::value::{Scratch, Shape, Value};

const SCHEMA: &str = "CREATE TABLE main (id int, at timestamptz, tenant int, total numeric);
    CREATE TABLE child (LIKE main);";

/// A dataset in which every generator fills a column of its name.
const ALL: &str = r#"
about = "every generator"
main = "main"

[tables.main.columns]
id = { sequence = { start = 100 } }
at = { timestamp = { from = "2020-01-01T00:00:00Z", until = "2021-01-01T00:00:00Z", increasing = true } }
tenant = { int = { min = 1, max = 7 } }

[tables.child]
children_of = { table = "main", min = 0, max = 5, mean = 1.7 }

[tables.child.columns]
sequence = { sequence = {} }
int = { int = { min = -7, max = 7, skew = 0.5 } }
decimal = { decimal = { min = -1.0, max = 1.0, scale = 3 } }
price = { price = { min = 0.5, max = 99.0 } }
float = { float = { min = -1.0, max = 1e9 } }
normal = { normal = { mean = 10, deviation = 3, min = 0, max = 20, scale = 1 } }
bool = { bool = { true = 0.2 } }
choice = { choice = { a = 1, b = 2.5, never = 0 } }
literal = { literal = { any = ["(1,2)", "(3,4)"] } }
"null" = { null = {} }
code = { code = { prefix = "X-" } }
hex = { hex = { length = 21 } }
pattern = { pattern = { regex = "^[a-f]{3}-\\d{4,9}$" } }
label = { label = { min = 4, max = 30 } }
steps = { steps = { start = -5, step = 3, scale = 1 } }
pool = { pool = { size = 70, common = [0.2], value = { array = { min = 1, max = 2, value = { city = {} } } } } }
text = { text = { min = 3, max = 70 } }
title = { title = { max = 40 } }
slug = { slug = {} }
first_name = { first_name = {} }
last_name = { last_name = {} }
full_name = { full_name = {} }
username = { username = { max = 12 } }
email = { email = {} }
phone = { phone = {} }
street = { street = {} }
city = { city = {} }
postcode = { postcode = {} }
country = { country = {} }
company = { company = {} }
domain = { domain = {} }
url = { url = { max = 60 } }
product = { product = {} }
fake = { fake = { kind = "job_title" } }
uuid = { uuid = {} }
timestamp = { timestamp = { from = "2020-01-01T00:00:00Z", until = "2021-01-01T00:00:00Z" } }
after = { after = { column = "timestamp", min_s = 1, max_s = 60 } }
time = { time = {} }
interval = { interval = { min_s = -5, max_s = 86400 } }
bytes = { bytes = { min = 1, max = 20 } }
bits = { bits = { length = 11 } }
ip = { ip = {} }
network = { network = {} }
mac = { mac = {} }
point = { point = {} }
lexemes = { lexemes = { min = 0, max = 9 } }
pairs = { pairs = { min = 1, max = 4 } }
json = { json = { long = { uuid = {} }, list = { array = { min = 0, max = 3, value = { email = {} } } }, a = { nullable = { nulls = 0.5, value = { json = { x = { bool = {} } } } } } } }
array = { array = { min = 0, max = 4, value = { nullable = { nulls = 0.2, value = { choice = { "a \"b\"" = 1, "c,d" = 1 } } } } } }
range = { range = { start = { int = { min = 1, max = 1000 } }, min = 1, max = 9 } }
record = { record = { x = { int = { min = 1, max = 9 } }, y = { city = {} } } }
reference = { reference = { column = "main.at", skew = 1.0 } }
parent = { parent = {} }
ordinal = { ordinal = {} }
same = { same = { column = "email" } }
by = { by = { column = "choice", values = { a = { city = {} } }, otherwise = { null = {} } } }
nullable = { nullable = { nulls = 0.3, value = { email = {} } } }
mix = { mix = [{ weight = 3, value = { city = {} } }, { weight = 1, value = { int = { min = 1, max = 2 } } }] }

[tables.main.columns.total]
sum = { column = "child.price", times = "child.int" }
"#;

fn spec() -> Spec {
    described(ALL, 3_000)
}

fn described(description: &str, rows: u64) -> Spec {
    let dataset = read(SCHEMA, description).unwrap();
    Spec {
        dataset,
        rows,
        seed: 42,
        workers: 1,
    }
}

/// All columns with a generator, by table.
fn columns(spec: &Spec) -> Vec<(String, String)> {
    let tables = spec.dataset.tables.iter();
    tables
        .flat_map(|(name, table)| {
            let columns = table.filled().into_iter();
            columns.map(|column| (name.clone(), column.to_owned()))
        })
        .collect()
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
    let mut tested: BTreeSet<_> = spec.dataset.tables["child"]
        .columns
        .keys()
        .cloned()
        .collect();
    // A total is over the rows of another table.
    tested.insert("sum".to_owned());
    assert_eq!(known, tested);
}

/// The rows of a column, made in chunks of a size, the last chunk first: as text and as they are sent.
fn column(spec: &Spec, table: &str, name: &str, chunk: u64) -> Vec<(String, Vec<u8>)> {
    let context = Context::new(spec);
    let rows = context.rows[table];
    let mut chunks: Vec<Vec<_>> = (0..rows.div_ceil(chunk))
        .rev()
        .map(|at| {
            // As a worker does: a generator and a scratch of its own.
            let generator = context.build(table, name).unwrap();
            let encoding = encoding(&generator.shape());
            let mut scratch = Scratch::default();
            (at * chunk..((at + 1) * chunk).min(rows))
                .map(|row| {
                    let text = format!("{:?}", generator.value(row, &mut scratch));
                    let mut out = Cells::default();
                    generator
                        .put(row, &mut scratch, &encoding, &mut out)
                        .unwrap();
                    (text, out.as_slice().to_vec())
                })
                .collect()
        })
        .collect();
    chunks.reverse();
    chunks.concat()
}

/// The encoding of a type that fits a generator.
fn encoding(shape: &Shape) -> Encoding {
    match shape {
        Shape::Int { .. } => Encoding::Int8,
        Shape::Decimal { .. } => Encoding::Numeric,
        Shape::Float { .. } => Encoding::Float8,
        Shape::Timestamp { .. } => Encoding::Timestamp,
        Shape::Uuid => Encoding::Uuid,
        Shape::Time => Encoding::TimeTz,
        Shape::Interval => Encoding::Interval,
        Shape::Bytes => Encoding::Bytea,
        Shape::Bits { .. } => Encoding::Bit,
        Shape::Ip => Encoding::Inet,
        Shape::Mac => Encoding::Mac8,
        Shape::Lexemes => Encoding::TsVector,
        Shape::Pairs => Encoding::Hstore,
        Shape::Json => Encoding::Jsonb,
        Shape::Bool => Encoding::Bool,
        Shape::Range(of) => Encoding::Range(Box::new(encoding(of))),
        Shape::Array(of) => Encoding::Array {
            element_oid: 25,
            element: Box::new(encoding(of)),
        },
        Shape::Record(fields) => Encoding::Record(
            fields
                .iter()
                .map(|(name, shape)| (name.clone(), 25, encoding(shape)))
                .collect(),
        ),
        _ => Encoding::Text,
    }
}

#[test]
fn one_chunk_or_many_the_rows_are_the_same() {
    let spec = spec();
    for (table, name) in columns(&spec) {
        let whole = column(&spec, &table, &name, u64::MAX / 2);
        assert!(whole.len() >= 3_000);
        assert_eq!(whole, column(&spec, &table, &name, 97), "{name}");
        assert_eq!(whole, column(&spec, &table, &name, 1_024), "{name}");
    }
}

#[test]
fn another_seed_gives_other_rows() {
    let (one, mut other) = (spec(), spec());
    other.seed = 43;
    for (table, name) in columns(&one) {
        // The number of children depends on the seed, too.
        let rows = |spec| column(spec, &table, &name, 10_000)[..3_000].to_vec();
        let is_fixed = ["sequence", "steps", "null", "id"].contains(&name.as_str());
        assert_eq!(rows(&one) == rows(&other), is_fixed, "{name}");
    }
}

#[test]
fn every_value_has_the_shape_that_was_promised() {
    let spec = spec();
    let context = Context::new(&spec);
    for (table, name) in columns(&spec) {
        let generator = context.build(&table, &name).unwrap();
        let shape = generator.shape();
        assert!(encoding(&shape).takes(&shape), "{name}: {shape:?}");
        let mut scratch = Scratch::default();
        for row in 0..context.rows[&table] {
            let value = generator.value(row, &mut scratch);
            let is_null = value == Value::Null && generator.gives_null();
            let alternatives = shape.alternatives();
            let fits = is_null || alternatives.iter().any(|shape| fits(shape, value));
            assert!(fits, "{name}: {value:?} is not {shape:?}");
        }
    }
}

fn fits(shape: &Shape, value: Value<'_>) -> bool {
    match (shape, value) {
        (Shape::Int { min, max }, Value::Int(int)) => (min..=max).contains(&&int),
        (Shape::Float { min, max }, Value::Float(float)) => (min..=max).contains(&&float),
        (Shape::Decimal { min, max, scale }, Value::Decimal { unscaled, scale: s }) => {
            (min..=max).contains(&&unscaled) && *scale == s
        }
        (Shape::Text { chars }, Value::Text(text)) => {
            !text.is_empty() && text.chars().count() <= *chars
        }
        (Shape::Label(labels), Value::Text(text)) => labels.iter().any(|l| l == text),
        (Shape::Timestamp { min_us, max_us }, Value::TimestampUs(us)) => {
            (min_us..=max_us).contains(&&us)
        }
        (Shape::Bits { len }, Value::Bits { bytes, len: found }) => {
            *len == found && bytes.len() == len.div_ceil(8)
        }
        (Shape::Json, Value::Json(text)) => {
            serde_json::from_str::<serde_json::Value>(text).is_ok_and(|v| v.is_object())
        }
        (Shape::Bool, Value::Bool(_))
        | (Shape::Uuid, Value::Uuid(_))
        | (Shape::Time, Value::TimeUs(0..=86_399_999_999))
        | (Shape::Interval, Value::IntervalUs(_))
        | (Shape::Bytes, Value::Bytes(_))
        | (Shape::Ip, Value::Ip { .. })
        | (Shape::Mac, Value::Mac(_))
        | (Shape::Point, Value::Point { .. })
        | (Shape::Lexemes, Value::Lexemes(_))
        | (Shape::Pairs, Value::Pairs(_))
        | (Shape::Array(_) | Shape::Range(_) | Shape::Record(_), Value::Composed(_)) => true,
        _ => false,
    }
}

/// The values of a column as text.
fn texts(spec: &Spec, table: &str, name: &str) -> Vec<String> {
    let all = column(spec, table, name, 1 << 40).into_iter();
    all.map(|(text, _)| text).collect()
}

#[test]
fn a_reference_meets_a_value_that_is_there() {
    let spec = spec();
    let there: BTreeSet<_> = texts(&spec, "main", "at").into_iter().collect();
    let met: BTreeSet<_> = texts(&spec, "child", "reference").into_iter().collect();
    assert!(met.is_subset(&there));
    assert!(met.len() > 100, "not always the same");
}

#[test]
fn a_choice_keeps_to_its_weights() {
    let values = texts(&spec(), "child", "choice");
    let share = |label: &str| {
        let hits = values.iter().filter(|v| **v == format!("Text({label:?})"));
        hits.count() as f64 / values.len() as f64
    };
    assert!((share("a") - 1.0 / 3.5).abs() < 0.03);
    assert!((share("b") - 2.5 / 3.5).abs() < 0.03);
}

#[test]
fn columns_of_a_row_go_together() {
    let spec = spec();
    let of = |name| texts(&spec, "child", name);
    let plain = |text: &str| text["Text(\"".len()..text.len() - 2].to_ascii_lowercase();
    let letters = |text: String| {
        text.chars()
            .filter(char::is_ascii_alphabetic)
            .collect::<String>()
    };
    let (first, full, email) = (of("first_name"), of("full_name"), of("email"));
    let (title, slug) = (of("title"), of("slug"));
    for row in 0..500 {
        let name = letters(plain(&first[row]));
        assert!(plain(&full[row]).starts_with(&plain(&first[row])));
        assert!(
            plain(&email[row]).starts_with(&name),
            "{} {name}",
            email[row]
        );
        let words: String = plain(&title[row])
            .replace(' ', "-")
            .chars()
            .take(10)
            .collect();
        assert!(
            plain(&slug[row]).starts_with(&words),
            "{} {words}",
            slug[row]
        );
    }
    let (choice, by) = (of("choice"), of("by"));
    assert!(
        choice
            .iter()
            .zip(&by)
            .all(|(c, b)| (c == "Text(\"a\")") == (b != "Null"))
    );
}

#[test]
fn a_total_is_the_sum_of_its_rows() {
    let spec = spec();
    let context = Context::new(&spec);
    let total = context.build("main", "total").unwrap();
    let [price, times] = ["price", "int"].map(|name| context.build("child", name).unwrap());
    let (_, fan) = context.fan("child").unwrap();
    let mut scratch = Scratch::default();
    for row in 0..300 {
        let mut sum = 0;
        for child in fan.children(row)..fan.children(row + 1) {
            let Value::Decimal { unscaled, .. } = price.value(child, &mut scratch) else {
                panic!("a price is a decimal");
            };
            let Value::Int(times) = times.value(child, &mut scratch) else {
                panic!("an int is one");
            };
            sum += unscaled * times;
        }
        let found = total.value(row, &mut scratch);
        let expected = Value::Decimal {
            unscaled: sum,
            scale: 2,
        };
        assert_eq!(found, expected);
    }
}

#[test]
fn the_written_form_is_read_back_as_it_was() {
    for (table, spec) in &spec().dataset.tables {
        let written = toml::to_string(spec).unwrap();
        let read: crate::seed::dataset::TableSpec = toml::from_str(&written).unwrap();
        assert_eq!(*spec, read, "{table}");
        assert!(
            !written.contains("skew = 0.0") && !written.contains("earlier"),
            "{written}"
        );
    }
}
