//! What can be wrong in a dataset's description, found without a server.

use super::{ChildrenOf, Dataset, TableSpec};
use crate::input::Problem;
use crate::seed::Spec;
use crate::seed::context::Context;

/// All mistakes. Generators are only looked at once the tables are in order, and if the description
/// `is_whole`: a part that could not be read has been left out.
pub(super) fn all(dataset: &Dataset, is_whole: bool) -> Vec<Problem> {
    let mut problems = main(dataset);
    for (name, table) in &dataset.tables {
        problems.extend(size(dataset, name, table));
        problems.extend(columns(dataset, name, table));
    }
    if problems.is_empty() {
        problems.extend(circles(dataset));
    }
    // What is inferred has to be there before others can draw from it.
    if problems.is_empty() && is_whole && !dataset.infer {
        problems.extend(generators(dataset));
    }
    problems
}

fn main(dataset: &Dataset) -> Vec<Problem> {
    let main = dataset.main.as_str();
    if main.is_empty() && dataset.infer {
        return Vec::new();
    }
    if main.is_empty() && !dataset.at(&["main"]).is_written() {
        let problem = dataset.at(&["main"]).problem("is missing");
        return vec![problem.hint("name the table that --rows counts, or say infer = true")];
    }
    if dataset.tables.contains_key(main) || dataset.at(&["tables", main]).is_written() {
        return Vec::new();
    }
    let known = dataset.tables.keys().map(String::as_str);
    let problem = dataset.at(&["main"]).problem(NOT_DESCRIBED);
    vec![problem.meant(main, known)]
}

const NOT_DESCRIBED: &str = "no table of this name is described";

fn size(dataset: &Dataset, name: &str, table: &TableSpec) -> Vec<Problem> {
    let mut problems = Vec::new();
    let place = dataset.at(&["tables", name]);
    // What is written and could not be read has been told already.
    let given = ["rows", "rows_per_main", "children_of"];
    let given = given.iter().filter(|key| place.at(**key).is_written());
    let given = given.count();
    if table.empty.is_some() {
        let described = given + table.columns.len() + table.unique.len() + table.cases.len();
        let problem = place
            .at("empty")
            .problem("a table that stays empty has nothing else");
        return if described > 0 {
            vec![problem]
        } else {
            problems
        };
    }
    if name == dataset.main && given > 0 {
        problems.push(place.problem("the main table's rows are given by --rows alone"));
    }
    if name != dataset.main && given != 1 && !(dataset.infer && given == 0) {
        problems.push(place.problem("needs one of rows, rows_per_main and children_of"));
    }
    if table.rows == Some(0) {
        let problem = place.at("rows").problem("must be at least 1");
        problems.push(problem.hint("leave the table out for an empty one"));
    }
    if let Some(ratio) = table.rows_per_main
        && !(ratio > 0.0 && ratio <= 1e6)
    {
        let message = "must be above 0 and at most 1000000";
        problems.push(place.at("rows_per_main").problem(message));
    }
    if let Some(children) = &table.children_of {
        problems.extend(children_of(dataset, name, children));
    }
    problems
}

fn children_of(dataset: &Dataset, name: &str, children: &ChildrenOf) -> Vec<Problem> {
    let mut problems = Vec::new();
    let place = dataset.at(&["tables", name, "children_of"]);
    let parent = children.table.as_str();
    if !dataset.tables.contains_key(parent) && !dataset.at(&["tables", parent]).is_written() {
        let known = dataset.tables.keys().map(String::as_str);
        let problem = place.at("table").problem(NOT_DESCRIBED);
        problems.push(problem.meant(parent, known));
    }
    let (min, max, mean) = (children.min, children.max, children.mean);
    if max == 0 || max > MOST_CHILDREN || min > max {
        let message = format!("must be from 1 to {MOST_CHILDREN} and not below min = {min}");
        problems.push(place.at("max").problem(message));
    } else if !(f64::from(min)..=f64::from(max)).contains(&mean) || mean == 0.0 {
        let message = format!("must lie between min = {min} and max = {max}");
        problems.push(place.at("mean").problem(message));
    }
    problems
}

/// The numbers among siblings fit every integer type.
const MOST_CHILDREN: u32 = 32_767;

/// Tables and columns that the schema lacks, and columns that it wants filled.
fn columns(dataset: &Dataset, name: &str, table: &TableSpec) -> Vec<Problem> {
    let place = dataset.at(&["tables", name]);
    let Some(in_schema) = dataset.schema.table(name) else {
        if !dataset.schema.complete {
            return Vec::new();
        }
        let known = dataset.schema.tables.keys().map(String::as_str);
        let problem = place.problem("schema.sql creates no such table");
        return vec![problem.meant(name, known)];
    };
    if in_schema.is_view {
        return vec![place.problem("a view cannot be filled")];
    }
    if !in_schema.complete {
        return Vec::new();
    }
    let place = place.at("columns");
    let mut problems = Vec::new();
    for column in table.columns.keys() {
        let known = in_schema.columns.iter().map(|column| column.name.as_str());
        if in_schema.column(column).is_none() {
            let message = format!("schema.sql gives {name} no such column");
            let problem = place.at(column.as_str()).problem(message);
            problems.push(problem.meant(column, known));
        }
    }
    for column in &in_schema.columns {
        let is_filled = column.has_default || place.at(column.name.as_str()).is_written();
        if column.not_null && !is_filled && !dataset.infer {
            problems.push(place.problem(format!(
                "column {} is NOT NULL and has no default: it needs a generator",
                column.name
            )));
        }
    }
    problems
}

/// Tables that are their own ancestors.
fn circles(dataset: &Dataset) -> Vec<Problem> {
    let parent = |name: &str| {
        let children = dataset.tables.get(name)?.children_of.as_ref()?;
        Some(children.table.as_str())
    };
    let is_own_ancestor = |name: &str| {
        let ancestors = std::iter::successors(parent(name), |name| parent(name));
        ancestors
            .take(dataset.tables.len())
            .any(|ancestor| ancestor == name)
    };
    dataset
        .tables
        .keys()
        .filter(|name| is_own_ancestor(name))
        .map(|name| {
            let message = "its parents are, in the end, its own children";
            dataset
                .at(&["tables", name, "children_of"])
                .problem(message)
        })
        .collect()
}

fn generators(dataset: &Dataset) -> Vec<Problem> {
    // How many rows there will be is not known yet: sets that must be unique are looked at later.
    let spec = Spec {
        dataset: dataset.clone(),
        rows: 1,
        seed: dataset.seed,
        workers: 1,
    };
    let context = Context::new(&spec);
    let mut problems = Vec::new();
    for (name, table) in &dataset.tables {
        if let Err(message) = context.check_unique(name) {
            let place = dataset.at(&["tables", name, "unique"]);
            problems.push(place.problem(message));
            continue;
        }
        for column in table.filled() {
            if let Err(message) = context.build(name, column) {
                let place = dataset.at(&["tables", name, "columns", column]);
                problems.push(place.problem(message));
            }
        }
    }
    problems
}
