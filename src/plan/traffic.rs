//! The application versions: inherited queries, weights, parameters, and whether the SQL fits the data.

use std::collections::{BTreeMap, BTreeSet};

use super::catalogue::{Catalogue, Known};
use super::names::missing_names;
use super::scenario::{AppFile, QueryFile};
use super::statement::parse_query;
use crate::input::{Place, Problem, line_at};
use crate::rehearse::workload::{App, ColumnParam, Param, Query, QueryKind};
use crate::seed::context::Context;
use crate::seed::generators::GeneratorSpec;

/// A version as it is written, and where.
#[derive(Debug)]
pub struct WrittenApp<'d> {
    pub file: AppFile,
    pub place: Place<'d>,
}

/// The versions that were written, by name.
pub type WrittenApps<'d> = BTreeMap<String, WrittenApp<'d>>;

/// Resolves every version. Only the queries of `first`, which runs before the migration, are held
/// against the schema: what later versions need, the migration may bring. Made parameters are of the dataset
/// that `context` describes, whatever the version.
pub fn apps(
    written: &WrittenApps<'_>,
    first: &str,
    catalogue: Catalogue<'_>,
    context: Option<&Context<'_>>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, App> {
    let mut apps = BTreeMap::new();
    let before: BTreeSet<&str> = lineage(written, first).into_iter().collect();
    for (name, app) in written {
        check_extends(written, name, problems);
        let data = match before.contains(name.as_str()) {
            true => catalogue,
            false => Catalogue::of(None),
        };
        check_own_queries(app, data, context, problems);
        let mut queries = Vec::new();
        for ancestor in lineage(written, name).into_iter().rev() {
            for query in &written[ancestor].file.queries {
                add(&mut queries, resolve(query));
            }
        }
        check_weights(&queries, app, problems);
        let owner = lineage(written, name)
            .into_iter()
            .find_map(|ancestor| written[ancestor].file.owner.clone());
        let app = App {
            name: name.clone(),
            owner,
            queries,
        };
        apps.insert(name.clone(), app);
    }
    apps
}

/// A version and those it extends, nearest first.
fn lineage<'w>(written: &'w WrittenApps<'_>, name: &str) -> Vec<&'w str> {
    let mut line: Vec<&str> = Vec::new();
    let mut next = Some(name);
    while let Some((name, app)) = next.and_then(|name| written.get_key_value(name)) {
        if line.contains(&name.as_str()) {
            break;
        }
        line.push(name);
        next = app.file.extends.as_deref();
    }
    line
}

fn check_extends(written: &WrittenApps<'_>, name: &str, problems: &mut Vec<Problem>) {
    let app = &written[name];
    let Some(extends) = app.file.extends.as_deref() else {
        return;
    };
    let place = app.place.at("extends");
    if !written.contains_key(extends) {
        let problem = place.problem(format!("no application version `{extends}`"));
        problems.push(problem.meant(extends, written.keys().map(String::as_str)));
    } else if lineage(written, extends).contains(&name) {
        problems.push(place.problem("a version cannot extend itself, nor in a circle"));
    }
}

fn check_own_queries(
    app: &WrittenApp<'_>,
    data: Catalogue<'_>,
    context: Option<&Context<'_>>,
    problems: &mut Vec<Problem>,
) {
    let mut seen = BTreeSet::new();
    for (index, query) in app.file.queries.iter().enumerate() {
        let place = app.place.at("queries").at(index);
        if !seen.insert(&query.name) {
            let problem = place
                .at("name")
                .problem("two queries of this version share the name");
            problems.push(problem);
        }
        if query.weight.is_some_and(|w| !w.is_finite() || w < 0.0) {
            let problem = place.at("weight").problem("a weight is a number from 0");
            problems.push(problem);
        }
        check_sql(query, &place, data, problems);
        check_params(query, &place, data, context, problems);
    }
}

fn check_sql(
    query: &QueryFile,
    place: &Place<'_>,
    data: Catalogue<'_>,
    problems: &mut Vec<Problem>,
) {
    let sql = place.at("sql");
    let parsed = match parse_query(&query.sql) {
        Ok(parsed) => parsed,
        Err(mistake) => {
            problems.push(sql.problem_in_text(mistake.line, mistake.message));
            return;
        }
    };
    let used = parsed.params.last().copied().unwrap_or(0);
    let given = query.params.len();
    // A parameter with a mistake of its own was left out, and told already.
    let all_read = !place.at("params").at(given).is_written();
    if all_read && used > given {
        let message = format!("the SQL uses ${used}, but {given} parameters are given");
        problems.push(sql.problem_in_text(1, message).hint("add to `params`"));
    } else if all_read && let Some(unused) = (1..=given).find(|n| !parsed.params.contains(n)) {
        let message = format!("the SQL does not use ${unused}, for which a parameter is given");
        problems.push(
            sql.problem_in_text(1, message)
                .hint("leave it out of `params`"),
        );
    }
    for missing in missing_names(&parsed.node, data) {
        let line = line_at(&query.sql, missing.byte);
        let problem = sql.problem_in_text(line, missing.message);
        problems.push(match missing.hint {
            Some(hint) => problem.hint(hint),
            None => problem,
        });
    }
}

fn check_params(
    query: &QueryFile,
    place: &Place<'_>,
    data: Catalogue<'_>,
    context: Option<&Context<'_>>,
    problems: &mut Vec<Problem>,
) {
    for (index, param) in query.params.iter().enumerate() {
        let place = place.at("params").at(index);
        let param = match param {
            Param::Column(param) => param,
            Param::Made(made) => {
                problems.extend(check_made(made, &place, context));
                continue;
            }
        };
        if !param.skew.is_finite() || param.skew < 0.0 {
            problems.push(
                place
                    .at("skew")
                    .problem("a skew is a number from 0, seldom above 1"),
            );
        }
        if let Some(problem) = check_column(param, &place.at("column"), data) {
            problems.push(problem);
        }
    }
}

/// A generator that cannot be built gives no value. Without a dataset, which is a problem of its own, what it may
/// refer to is not known.
fn check_made(
    made: &GeneratorSpec,
    place: &Place<'_>,
    context: Option<&Context<'_>>,
) -> Option<Problem> {
    let message = made.build(&context?.free("parameter")).err()?;
    Some(place.problem(message))
}

fn check_column(param: &ColumnParam, place: &Place<'_>, data: Catalogue<'_>) -> Option<Problem> {
    let parts: Vec<&str> = param.column.split('.').collect();
    let ([table, column] | [_, table, column]) = parts[..] else {
        let problem = place.problem("not the name of a column");
        return Some(problem.hint("write it as table.column or schema.table.column"));
    };
    if data.table(table) == Known::No {
        let problem = place.problem(format!("no table `{table}` in the dataset"));
        Some(problem.meant(table, data.table_names()))
    } else if data.column(table, column) == Known::No {
        let problem = place.problem(format!("no column `{column}` in table `{table}`"));
        Some(problem.meant(column, data.column_names(table)))
    } else {
        None
    }
}

fn check_weights(queries: &[Query], app: &WrittenApp<'_>, problems: &mut Vec<Problem>) {
    let place = app.place.at("queries");
    if queries.is_empty() && !place.is_written() {
        problems.push(app.place.problem("this version has no queries"));
    } else if !queries.is_empty() && queries.iter().all(|query| query.weight == 0.0) {
        let problem = place.problem("the weights sum to zero: no query would ever come");
        problems.push(problem.hint("give at least one query a weight above 0"));
    }
}

fn resolve(query: &QueryFile) -> Query {
    // A query that does not parse has been reported; its kind does not matter any more.
    let derived = parse_query(&query.sql).map_or(QueryKind::Write, |parsed| parsed.kind);
    Query {
        name: query.name.clone(),
        kind: query.kind.unwrap_or(derived),
        weight: query.weight.unwrap_or(1.0),
        sql: query.sql.trim().trim_end_matches(';').trim_end().to_owned(),
        params: query.params.clone(),
    }
}

/// A query takes the place of the one it overrides.
fn add(queries: &mut Vec<Query>, query: Query) {
    match queries.iter_mut().find(|other| other.name == query.name) {
        Some(other) => *other = query,
        None => queries.push(query),
    }
}
