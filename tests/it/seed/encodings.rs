//! Every type that has an encoding, by COPY BINARY into a real server and out again as text.

use pgrehearse::seed::value::text;
use pgrehearse::seed::{self, Context, Scratch, Spec, Value};
use pgrehearse::talk::Talk;
use tokio_postgres::Client;

use super::{check, spec, written};
use crate::server::{Server, connect};

const ROWS: u64 = 300;

const TYPES: &str = "
    CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION ltree;
    CREATE TYPE mood AS ENUM ('good', 'so so');
    CREATE TYPE pair AS (x int, y text);
    CREATE DOMAIN percent AS smallint CHECK (VALUE BETWEEN 0 AND 100);
    CREATE DOMAIN tags AS text[] CHECK (array_length(VALUE, 1) < 5);";

/// Name and type of a column, and its generator.
const COLUMNS: &[(&str, &str, &str)] = &[
    ("yes", "boolean", "bool = {}"),
    ("letter", "pg_catalog.\"char\"", "choice = { a = 1, b = 1 }"),
    ("i2", "int2", "int = { min = -32768, max = 32767 }"),
    ("i4", "int4", "int = { min = -5, max = 2147483647 }"),
    (
        "i8",
        "int8",
        "int = { min = -9223372036854775808, max = 9223372036854775807 }",
    ),
    ("number", "oid", "int = { min = 0, max = 4294967295 }"),
    ("f4", "float4", "float = { min = -1.0, max = 1.0 }"),
    ("f8", "float8", "float = { min = -1e300, max = 1e300 }"),
    (
        "n",
        "numeric",
        "decimal = { min = -1000000.0, max = 1000000.0, scale = 7 }",
    ),
    (
        "n62",
        "numeric(6,2)",
        "normal = { mean = 0, deviation = 900, min = -9999, max = 9999, scale = 2 }",
    ),
    (
        "n8",
        "numeric(20,0)",
        "int = { min = -9223372036854775808, max = 9223372036854775807 }",
    ),
    ("cash", "money", "price = { min = 0.5, max = 9999.0 }"),
    ("cash_int", "money", "int = { min = -5, max = 5 }"),
    ("v", "varchar(40)", "text = { min = 1, max = 40 }"),
    ("c", "char(40)", "hex = { length = 40 }"),
    ("short", "name", "username = { max = 20 }"),
    ("insensitive", "citext", "email = {}"),
    (
        "made_text",
        "text",
        "timestamp = { from = \"2020-01-01T00:00:00Z\", until = \"2021-01-01T00:00:00Z\" }",
    ),
    ("ip_text", "text", "ip = {}"),
    ("document", "xml", "title = {}"),
    ("u", "uuid", "uuid = {}"),
    (
        "d",
        "date",
        "timestamp = { from = \"1969-01-01T00:00:00Z\", until = \"2021-01-01T00:00:00Z\" }",
    ),
    (
        "ts",
        "timestamp",
        "timestamp = { from = \"-002020-01-01T00:00:00Z\", until = \"2021-01-01T00:00:00Z\" }",
    ),
    (
        "tz",
        "timestamptz",
        "timestamp = { from = \"1969-01-01T00:00:00Z\", until = \"9021-01-01T00:00:00Z\" }",
    ),
    ("t", "time", "time = {}"),
    ("t_tz", "timetz", "time = {}"),
    (
        "span",
        "interval",
        "interval = { min_s = -100000, max_s = 100000 }",
    ),
    (
        "j",
        "json",
        "json = { a = { email = {} }, b = { array = { min = 0, max = 3, value = { bool = {} } } } }",
    ),
    (
        "jb",
        "jsonb",
        "json = { a = { float = { min = 0.0, max = 1.0 } }, b = { null = {} } }",
    ),
    (
        "path",
        "jsonpath",
        "literal = { any = [\"$.a[*]\", \"strict $\"] }",
    ),
    ("b", "bytea", "bytes = { min = 0, max = 20 }"),
    ("b11", "bit(11)", "bits = { length = 11 }"),
    ("vb", "varbit(20)", "bits = { length = 16 }"),
    ("address", "inet", "ip = {}"),
    ("net", "inet", "network = {}"),
    ("block", "cidr", "network = {}"),
    ("host", "cidr", "ip = {}"),
    ("mac", "macaddr", "mac = {}"),
    ("mac_8", "macaddr8", "mac = {}"),
    ("vector", "tsvector", "lexemes = { min = 0, max = 9 }"),
    (
        "query",
        "tsquery",
        "literal = { any = [\"cat & !dog\", \"a | b\"] }",
    ),
    ("store", "hstore", "pairs = { min = 0, max = 4 }"),
    (
        "label",
        "ltree",
        "literal = { any = [\"Top\", \"Top.Science\"] }",
    ),
    ("at", "point", "point = {}"),
    (
        "lsn",
        "pg_lsn",
        "literal = { any = [\"16/B374D848\", \"0/0\"] }",
    ),
    ("feeling", "mood", "choice = { good = 1, \"so so\" = 2 }"),
    ("share", "percent", "int = { min = 0, max = 100 }"),
    ("status", "int2", "choice = { 200 = 5, 404 = 1 }"),
    ("day", "date", "choice = { 2024-02-29 = 1, infinity = 1 }"),
    (
        "either",
        "int4",
        "mix = [{ weight = 1, value = { literal = { any = [\"-1\"] } } }, { weight = 2, value = { int = { min = 1, max = 9 } } }]",
    ),
    (
        "ints",
        "int4[]",
        "array = { min = 0, max = 4, value = { int = { min = 1, max = 9 } } }",
    ),
    (
        "texts",
        "text[]",
        "array = { min = 1, max = 4, value = { nullable = { nulls = 0.3, value = { choice = { 'a \"b\" \\' = 1, \"c,{d}\" = 1 } } } } }",
    ),
    (
        "moods",
        "mood[]",
        "array = { min = 1, max = 2, value = { choice = { \"so so\" = 2 } } }",
    ),
    (
        "prices",
        "numeric(8,2)[]",
        "array = { min = 1, max = 2, value = { price = { min = 1.0, max = 99.0 } } }",
    ),
    (
        "moments",
        "timestamptz[]",
        "array = { min = 1, max = 2, value = { timestamp = { from = \"1969-01-01T00:00:00Z\", until = \"2021-01-01T00:00:00Z\" } } }",
    ),
    (
        "labels",
        "tags",
        "array = { min = 1, max = 4, value = { city = {} } }",
    ),
    (
        "dates",
        "date[]",
        "array = { min = 1, max = 2, value = { literal = { any = [\"2024-02-29\"] } } }",
    ),
    (
        "r4",
        "int4range",
        "range = { start = { int = { min = 1, max = 100 } }, min = 1, max = 9 }",
    ),
    (
        "rn",
        "numrange",
        "range = { start = { decimal = { min = 1.0, max = 100.0 } }, min = 1, max = 9 }",
    ),
    (
        "rt",
        "tstzrange",
        "range = { start = { timestamp = { from = \"2020-01-01T00:00:00Z\", until = \"2021-01-01T00:00:00Z\" } }, min = 1, max = 86400, disjoint = true }",
    ),
    (
        "ranges",
        "int8range[]",
        "array = { min = 1, max = 3, value = { range = { start = { int = { min = 1, max = 100 } }, min = 1, max = 9 } } }",
    ),
    (
        "both",
        "pair",
        "record = { x = { int = { min = 1, max = 9 } }, y = { company = {} } }",
    ),
    (
        "pairs",
        "pair[]",
        "array = { min = 1, max = 2, value = { record = { x = { literal = { any = [\"7\"] } }, y = { company = {} } } } }",
    ),
    ("pair_text", "pair", "literal = { any = ['(1,\"a b\")'] }"),
    (
        "maybe",
        "uuid",
        "nullable = { nulls = 0.5, value = { uuid = {} } }",
    ),
    ("never", "point", "null = {}"),
];

/// Types whose values are not the same text, which are looked at as a whole.
const OTHERS: &str = "l line, s lseg, bx box, p path, pg polygon, ci circle, rd daterange";

fn dataset() -> tempfile::TempDir {
    let columns: String = COLUMNS
        .iter()
        .map(|(name, ty, _)| format!(", \"{name}\" {ty}"))
        .collect();
    let schema = format!("{TYPES} CREATE TABLE t (id int PRIMARY KEY{columns}, {OTHERS});");
    let lines: String = COLUMNS
        .iter()
        .map(|(name, _, generator)| format!("{name} = {{ {generator} }}\n"))
        .collect();
    let points: String = ["l", "s", "bx", "p", "pg", "ci"]
        .map(|name| format!("{name} = {{ point = {{}} }}\n"))
        .concat();
    let description = format!(
        "main = \"t\"\n[tables.t.columns]\nid = {{ sequence = {{ start = 0 }} }}\n{lines}{points}
         rd = {{ range = {{ start = {{ timestamp = {{ from = \"2020-01-01T00:00:00Z\", until = \"2030-01-01T00:00:00Z\" }} }}, min = 1, max = 3, disjoint = true }} }}"
    );
    written(&schema, &description)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_encoding_is_read_back_as_the_text_of_its_value() {
    let server = Server::start().await;
    let config = server.database("encodings").await;
    let dir = dataset();
    let spec = spec(dir.path(), ROWS, 2);
    seed::fill(&config, &spec, &Talk::silent()).await.unwrap();
    let client = connect(&config).await;
    client.batch_execute("SET timezone = 'UTC'").await.unwrap();
    for (name, ty, _) in COLUMNS {
        compare(&client, &spec, name, ty).await;
    }
    for (what, sql) in [
        (
            "shapes lie at their points",
            "SELECT bool_and(bx @> (bx)[1] AND abs(area(bx) - 1) < 1e-9 AND npoints(pg) = 3 AND isclosed(p) AND radius(ci) = 1 AND abs((@-@ s) - sqrt(2)) < 1e-9) FROM t",
        ),
        (
            "ranges of dates have whole days and none meets another",
            "SELECT bool_and(NOT isempty(rd) AND upper(rd) - lower(rd) BETWEEN 1 AND 3) AND NOT EXISTS (SELECT FROM t a JOIN t b ON a.rd && b.rd AND a.id < b.id) FROM t",
        ),
        (
            "nor do ranges of moments",
            "SELECT NOT EXISTS (SELECT FROM t a JOIN t b ON a.rt && b.rt AND a.id < b.id)",
        ),
    ] {
        check(&client, what, sql).await;
    }
}

/// What the server holds is what it makes of the value's text.
async fn compare(client: &Client, spec: &Spec, name: &str, ty: &str) {
    let context = Context::new(spec);
    let generator = context.build("t", name).unwrap();
    let mut scratch = Scratch::default();
    let texts: Vec<Option<String>> = (0..ROWS)
        .map(|row| {
            let value = generator.value(row, &mut scratch);
            let mut out = String::new();
            text::write(value, &mut out);
            (value != Value::Null).then_some(out)
        })
        .collect();
    let sql = format!(
        "SELECT count(*), min(t.\"{name}\"::text || ' is not ' || e.v) FILTER (WHERE t.\"{name}\"::text IS DISTINCT FROM e.v::{ty}::text),
                count(*) FILTER (WHERE t.\"{name}\"::text IS DISTINCT FROM e.v::{ty}::text)
         FROM t JOIN unnest($1::text[]) WITH ORDINALITY AS e(v, n) ON t.id = e.n - 1"
    );
    let row = client.query_one(&sql, &[&texts]).await;
    let row = row.unwrap_or_else(|error| panic!("{name} {ty}: {error:?}"));
    let (rows, example, wrong): (i64, Option<String>, i64) = (row.get(0), row.get(1), row.get(2));
    assert_eq!((rows, wrong), (300, 0), "{name} {ty}: {example:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_is_told_before_a_row_is_sent() {
    let server = Server::start().await;
    let schema = "CREATE TABLE t (id int, s varchar(5), n numeric(4,2), d date, p point, b bit(3), m int UNIQUE);";
    for (at, (columns, expected)) in [
        ("s = { city = {} }", "characters, but the column takes 5"),
        (
            "n = { price = { min = 1.0, max = 100.0 } }",
            "digits before the point, but the column takes 2",
        ),
        (
            "d = { choice = { \"2024-02-30\" = 1 } }",
            "date/time field value out of range",
        ),
        (
            "p = { literal = { any = [\"1\"] } }",
            "invalid input syntax for type point",
        ),
        (
            "b = { bits = { length = 4 } }",
            "has 4 bits, but the column takes 3",
        ),
        (
            "id = { after = { column = \"m\", max_s = 1 } }\nm = { int = { min = 1, max = 999 } }",
            "holds no timestamps",
        ),
        ("m = { int = { min = 1, max = 7 } }", "there are 7"),
    ]
    .into_iter()
    .enumerate()
    {
        let description =
            format!("main = \"t\"\n[tables.t]\nunique = [[\"m\"]]\n[tables.t.columns]\n{columns}");
        let dir = written(schema, &description);
        let message = match pgrehearse::seed::Dataset::read(dir.path()) {
            Err(problems) => problems.to_string(),
            Ok(_) => {
                let config = server.database(&format!("wrong{at}")).await;
                let spec = spec(dir.path(), 100, 1);
                let filled = seed::fill(&config, &spec, &Talk::silent()).await;
                filled.unwrap_err().to_string()
            }
        };
        assert!(message.contains(expected), "{columns}: {message}");
        assert!(message.contains("tables.t"), "{message}");
    }
}
