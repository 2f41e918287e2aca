//! What one value of each generator costs, into the buffer that COPY sends: `cargo bench --bench generators`.

use criterion::{Criterion, criterion_group, criterion_main};
use pgrehearse::seed::cells::Cells;
use pgrehearse::seed::encode::Encoding;
use pgrehearse::seed::value::Shape;
use pgrehearse::seed::{Context, Dataset, Scratch, Spec};

/// A table with a column for each generator, named by it.
const COLUMNS: &str = r#"
sequence = { sequence = {} }
int = { int = { min = 1, max = 100000 } }
int_zipf = { int = { min = 1, max = 100000, skew = 1.0 } }
int_unique = { int = { min = 1, max = 2000000 } }
decimal = { decimal = { min = 0.0, max = 1000.0 } }
price = { price = { min = 0.5, max = 99.0 } }
float = { float = { min = 0.0, max = 1.0 } }
normal = { normal = { mean = 10, deviation = 3, min = 0, max = 20 } }
bool = { bool = {} }
choice = { choice = { new = 1, paid = 5, sent = 9 } }
code = { code = { prefix = "X-" } }
hex = { hex = { length = 40 } }
text_80 = { text = { min = 80, max = 80 } }
title = { title = {} }
slug = { slug = {} }
slug_unique = { slug = {} }
first_name = { first_name = {} }
full_name = { full_name = {} }
username = { username = {} }
email = { email = {} }
phone = { phone = {} }
street = { street = {} }
city = { city = {} }
url = { url = {} }
product = { product = {} }
fake = { fake = { kind = "user_agent" } }
uuid = { uuid = {} }
uuid_text = { uuid = {} }
timestamp = { timestamp = { from = "2020-01-01T00:00:00Z", until = "2024-01-01T00:00:00Z", increasing = true } }
after = { after = { column = "timestamp", max_s = 86400 } }
time = { time = {} }
interval = { interval = { min_s = 0, max_s = 86400 } }
bytes_32 = { bytes = { min = 32, max = 32 } }
ip = { ip = {} }
mac = { mac = {} }
point = { point = {} }
lexemes_8 = { lexemes = { min = 8, max = 8 } }
pairs_3 = { pairs = { min = 3, max = 3 } }
json_4 = { json = { page = { choice = { home = 1, cart = 2 } }, ms = { int = { min = 1, max = 4000 } }, id = { int = { min = 1, max = 99999 } }, session = { uuid = {} } } }
json_city = { json = { plan = { choice = { free = 8, team = 2, business = 1 } }, visits = { int = { min = 0, max = 10000 } }, city = { city = {} }, verified = { bool = { true = 0.8 } } } }
array_4 = { array = { min = 4, max = 4, value = { int = { min = 1, max = 9 } } } }
range = { range = { start = { int = { min = 1, max = 1000 } }, min = 1, max = 9 } }
reference = { reference = { column = "users.id" } }
reference_zipf = { reference = { column = "users.id", skew = 0.8 } }
nullable = { nullable = { nulls = 0.3, value = { int = { min = 1, max = 9 } } } }
"#;

fn spec() -> Spec {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let description = format!(
        "main = \"t\"\n[tables.users]\nrows = 1000000\n[tables.users.columns]\nid = {{ sequence = {{}} }}\n\
         [tables.t]\nunique = [[\"int_unique\"], [\"slug_unique\"]]\n[tables.t.columns]\n{COLUMNS}"
    );
    std::fs::write(dir.path().join("dataset.toml"), description).expect("it can be written");
    // What the schema makes is not known without a server.
    let schema = "DO $$ BEGIN PERFORM 1; END $$;";
    std::fs::write(dir.path().join("schema.sql"), schema).expect("it can be written");
    Spec {
        dataset: Dataset::read(dir.path()).expect("it is a dataset"),
        rows: 1_000_000,
        seed: 42,
        workers: 1,
    }
}

fn generators(criterion: &mut Criterion) {
    let spec = spec();
    let context = Context::new(&spec);
    let mut group = criterion.benchmark_group("generators");
    for name in spec.dataset.tables["t"].columns.keys() {
        let generator = context.build("t", name).expect("it is described");
        let encoding = encoding(name, &generator.shape());
        let mut scratch = Scratch::default();
        let mut out = Cells::with_capacity(1 << 20);
        let mut row = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                if out.len() > 1 << 19 {
                    out.clear();
                }
                row = (row + 1) % spec.rows;
                generator
                    .put(row, &mut scratch, &encoding, &mut out)
                    .expect("it fits");
            });
        });
    }
}

/// A whole row of an application's main table, 8 columns of 340 bytes.
fn row(criterion: &mut Criterion) {
    let spec = spec();
    let names = [
        "sequence",
        "uuid",
        "email",
        "full_name",
        "text_80",
        "json_city",
        "timestamp",
        "bool",
    ];
    let context = Context::new(&spec);
    let cells: Vec<_> = names
        .iter()
        .map(|name| {
            let generator = context.build("t", name).expect("it is described");
            let encoding = encoding(name, &generator.shape());
            (generator, encoding)
        })
        .collect();
    let mut scratch = Scratch::default();
    let mut out = Cells::with_capacity(1 << 20);
    let mut row = 0;
    criterion.bench_function("row of 8 columns", |bencher| {
        bencher.iter(|| {
            if out.len() > 1 << 18 {
                out.clear();
            }
            row = (row + 1) % spec.rows;
            out.put_i16(8);
            for (generator, encoding) in &cells {
                let put = generator.put(row, &mut scratch, encoding, &mut out);
                put.expect("it fits");
            }
        });
    });
}

/// What the column of such values would have.
fn encoding(name: &str, shape: &Shape) -> Encoding {
    match shape {
        _ if name.ends_with("_text") => Encoding::Text,
        Shape::Bool => Encoding::Bool,
        Shape::Int { .. } => Encoding::Int8,
        Shape::Decimal { .. } => Encoding::Numeric,
        Shape::Float { .. } => Encoding::Float8,
        Shape::Timestamp { .. } => Encoding::Timestamp,
        Shape::Uuid => Encoding::Uuid,
        Shape::Time => Encoding::Time,
        Shape::Interval => Encoding::Interval,
        Shape::Bytes => Encoding::Bytea,
        Shape::Ip => Encoding::Inet,
        Shape::Mac => Encoding::Mac,
        Shape::Lexemes => Encoding::TsVector,
        Shape::Pairs => Encoding::Hstore,
        Shape::Json => Encoding::Jsonb,
        Shape::Range(of) => Encoding::Range(Box::new(encoding(name, of))),
        Shape::Array(of) => Encoding::Array {
            element_oid: 20,
            element: Box::new(encoding(name, of)),
        },
        _ => Encoding::Text,
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(std::time::Duration::from_millis(200)).measurement_time(std::time::Duration::from_millis(600));
    targets = generators, row
}
criterion_main!(benches);
