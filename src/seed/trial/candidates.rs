//! Values that may meet a check of which nothing is known: those that it names, and common ones.

use crate::seed::conditions;
use crate::seed::structure::{Check, ColumnType, TypeKind};

/// Values of a type as texts, the likely ones first. Not all of them need be values of the type.
pub(super) fn of(ty: &ColumnType, checks: &[Check]) -> Vec<String> {
    let mut named: Vec<String> = Vec::new();
    for literal in checks
        .iter()
        .flat_map(|check| conditions::literals(&check.sql))
    {
        if !named.contains(&literal) {
            named.push(literal);
        }
    }
    let lengths = lengths(&named);
    let base = ty.base();
    let common: Vec<String> = match &base.kind {
        TypeKind::Enum(labels) => return labels.clone(),
        TypeKind::Array(_) => {
            let mut arrays: Vec<String> = named
                .iter()
                .map(|text| format!("{{{}}}", element(text)))
                .collect();
            let all: Vec<_> = named.iter().map(|text| element(text)).collect();
            arrays.push(format!("{{{}}}", all.join(",")));
            arrays.extend(strings(&["{}", "{1}", "{a}", "{a,b}", "{1,2}", "{1,2,3}"]));
            arrays
        }
        TypeKind::Range(_) => strings(&[
            "[1,2)",
            "[1,10)",
            "[2024-01-01,2024-02-01)",
            "[2024-01-01,2025-01-01)",
            "empty",
        ]),
        TypeKind::Base { name, .. } => match name.as_str() {
            "bool" => return strings(&["true", "false"]),
            "int2" | "int4" | "int8" | "numeric" | "float4" | "float8" | "money" => numbers(&named),
            "text" | "varchar" | "bpchar" | "citext" | "name" => texts(&named, &lengths),
            "date" | "timestamp" | "timestamptz" => strings(&[
                "2024-01-01",
                "2024-06-15",
                "2025-12-31",
                "2024-01-01 12:30:00",
                "2000-01-01",
                "2099-01-01",
                "2024-01-31",
            ]),
            "time" | "timetz" => strings(&["00:00:00", "08:00:00", "12:30:00", "18:00:00"]),
            "interval" => strings(&["1 day", "1 hour", "15 minutes", "1 month", "1 year", "0"]),
            "json" | "jsonb" => documents(&named),
            "bytea" => bytes(&lengths),
            "uuid" => strings(&[
                "6f9619ff-8b86-4011-b42d-00c04fc964ff",
                "00000000-0000-0000-0000-000000000000",
            ]),
            "inet" | "cidr" => strings(&[
                "10.0.0.0/8",
                "192.168.0.0/24",
                "10.1.2.3",
                "2001:db8::/32",
                "::1",
            ]),
            _ => strings(&["", "1", "a"]),
        },
        _ => Vec::new(),
    };
    let mut all = named;
    all.retain(|text| !common.contains(text));
    all.extend(common);
    all
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Numbers that may be the length of something, also those of regular expressions: `{4}`.
fn lengths(named: &[String]) -> Vec<usize> {
    let parts = named
        .iter()
        .flat_map(|text| text.split(|letter: char| !letter.is_ascii_digit()));
    let mut lengths: Vec<usize> = Vec::new();
    for length in parts.filter_map(|part| part.parse().ok()) {
        if (1..=256).contains(&length) && !lengths.contains(&length) {
            lengths.push(length);
        }
    }
    lengths
}

/// As an array's text writes it.
fn element(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The named numbers and their neighbours.
fn numbers(named: &[String]) -> Vec<String> {
    let found = named.iter().filter_map(|text| text.parse::<f64>().ok());
    let near = found.flat_map(|number| [number, number + 1.0, number - 1.0, number * 2.0]);
    let mut all: Vec<String> = near.map(|number| number.to_string()).collect();
    all.extend(strings(&[
        "0", "1", "2", "3", "4", "5", "10", "12", "100", "0.5", "-1", "1000",
    ]));
    all
}

fn texts(named: &[String], lengths: &[usize]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for text in named.iter().filter(|text| !text.is_empty()) {
        let plain: String = text
            .chars()
            .filter(|letter| !"^$%".contains(*letter))
            .collect();
        all.extend([
            format!("{plain}a"),
            format!("a{plain}"),
            format!("a{plain}b"),
            plain,
        ]);
    }
    for n in lengths {
        let mixed: String = "Aa1".chars().cycle().take(*n).collect();
        all.extend(["a".repeat(*n), "1".repeat(*n), "A".repeat(*n), mixed]);
    }
    all.extend(strings(&[
        "a",
        "A",
        "1",
        "abc",
        "Abc",
        "ABC",
        "example",
        "Example",
        "a1",
        "A1",
        "00",
        "12",
        "2024-01-01",
        "a@example.com",
        "https://example.com/",
        "/a",
        "a/b",
        "a.b",
        "a-b",
        "a_b",
        "a b",
        "{}",
        "[]",
        "#ffffff",
        "en",
        "en-US",
        "DE",
        "EUR",
        "",
    ]));
    all
}

/// Objects with the named keys.
fn documents(named: &[String]) -> Vec<String> {
    let json = |text: &str| serde_json::Value::from(text).to_string();
    let keys: Vec<_> = named
        .iter()
        .filter(|text| !text.is_empty())
        .map(|text| json(text))
        .collect();
    let usual = ["\"a\"", "1", "true", "[]", "{}", "[\"a\"]", "[1]"];
    let numbers = named.iter().filter_map(|text| text.parse::<i64>().ok());
    let numbers = numbers.flat_map(|number| [number.to_string(), (number + 1).to_string()]);
    let values: Vec<String> = strings(&usual).into_iter().chain(numbers).collect();
    let mut all = Vec::new();
    for value in &values {
        let fields: Vec<_> = keys.iter().map(|key| format!("{key}: {value}")).collect();
        all.push(format!("{{{}}}", fields.join(", ")));
    }
    for key in &keys {
        all.extend(values.iter().map(|value| format!("{{{key}: {value}}}")));
        all.extend(keys.iter().map(|other| format!("{{{key}: {other}}}")));
    }
    all.extend(strings(&[
        "{}", "[]", "1", "\"a\"", "true", "null", "[1, 2]", "[{}]",
    ]));
    all
}

fn bytes(lengths: &[usize]) -> Vec<String> {
    let usual = [0, 1, 16, 20, 32, 64];
    let lengths = lengths.iter().chain(&usual);
    lengths.map(|n| format!("\\x{}", "a7".repeat(*n))).collect()
}
