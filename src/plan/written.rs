//! A workload in the form of its file.

use std::fmt::Write;

use super::scenario::{AppFile, QueryFile, WorkloadFile};
use crate::seed::explain::{inline, key};

/// Above every file.
const ABOUT: &str = "\
# What the application asks for: one table of queries for each of its versions.
# `weight` is how often a query comes beside the others; `params` says where the values of $1, $2 come from:
# { column = \"orders.id\" } takes those that rows have, { int = { min = 1, max = 9 } } makes them.
";

/// `workload.toml`: read back, it gives the same versions with the same queries.
pub fn to_toml(file: &WorkloadFile) -> String {
    let mut out = ABOUT.to_owned();
    for (name, app) in &file.apps {
        write_app(&mut out, &key(name), app);
    }
    out
}

fn write_app(out: &mut String, name: &str, app: &AppFile) {
    let _ = writeln!(out, "\n[apps.{name}]");
    line(out, "owner", app.owner.as_ref().map(inline));
    line(out, "extends", app.extends.as_ref().map(inline));
    for query in &app.queries {
        let _ = writeln!(out, "\n[[apps.{name}.queries]]");
        write_query(out, query);
    }
}

fn write_query(out: &mut String, query: &QueryFile) {
    line(out, "name", Some(inline(&query.name)));
    line(out, "weight", query.weight.as_ref().map(inline));
    line(out, "kind", query.kind.as_ref().map(inline));
    line(out, "sql", Some(inline(&query.sql)));
    let params: Vec<String> = query.params.iter().map(inline).collect();
    let params = match &params[..] {
        [] => None,
        [one] => Some(format!("[{one}]")),
        many => Some(format!("[\n    {},\n]", many.join(",\n    "))),
    };
    line(out, "params", params);
}

fn line(out: &mut String, key: &str, value: Option<String>) {
    if let Some(value) = value {
        let _ = writeln!(out, "{key} = {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> WorkloadFile {
        toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    #[test]
    fn a_workload_that_is_written_is_the_same_when_it_is_read() {
        let shop = include_str!("../../seeds/shop/workload.toml");
        let odd = r#"
            [apps."v 1"]
            owner = "the \"A\" team"
            [[apps."v 1".queries]]
            name = "it's \\ odd"
            kind = "read"
            sql = """SELECT '"', E'\\n'
                FROM t -- a comment
                WHERE x = $1 AND y = $2"""
            params = [{ column = "s.t.x", skew = 0.5 }, { nullable = { nulls = 0.1, value = { choice = { "a b" = 2, c = 1.5 } } } }]
            [apps.v2]
            extends = "v 1"
        "#;
        for text in [shop, odd] {
            let file = read(text);
            let written = to_toml(&file);
            assert_eq!(
                format!("{file:?}"),
                format!("{:?}", read(&written)),
                "{written}"
            );
        }
    }
}
