//! Scripts of pgbench as a workload: each statement becomes a query.

mod number;
mod scan;

use std::path::{Path, PathBuf};

use super::scenario::QueryFile;
use super::statement::parse_query;
use crate::input::{Problem, Problems};
use crate::rehearse::workload::Param;
use number::{Value, Variables, evaluate};
use scan::{Item, Piece, items};

/// What a script comes to.
#[derive(Clone, Debug)]
pub struct Script {
    /// One for each statement, all of the same weight: each arrives by itself.
    pub queries: Vec<QueryFile>,
    /// What is not as pgbench would do it, in a sentence each.
    pub notes: Vec<String>,
}

/// The file and the weight of `file@weight`, as after pgbench's `-f`. Without a weight it is 1.
pub fn file_and_weight(argument: &str) -> (PathBuf, f64) {
    let weighted = argument.rsplit_once('@');
    match weighted.and_then(|(file, weight)| Some((file, weight.parse::<u32>().ok()?))) {
        Some((file, weight)) => (file.into(), weight.into()),
        None => (argument.into(), 1.0),
    }
}

/// Reads a script: `\set` of constants and random numbers, and statements with `:name` in them. Statements that begin
/// or end a transaction are left out, with a note: a query is one statement. A variable has another value in each
/// statement. All other meta commands are problems, each with its line.
pub fn read(path: &Path, text: &str, weight: f64) -> Result<Script, Problems> {
    let mut reader = Reader {
        path,
        variables: Variables::new(),
        statements: Vec::new(),
        transactions: Vec::new(),
        uses_scale: false,
        problems: Vec::new(),
    };
    for item in items(text) {
        match item {
            Item::Meta { line, text } => reader.meta(line, &text),
            Item::Statement { line, pieces } => reader.statement(line, &pieces),
        }
    }
    if reader.problems.is_empty() && reader.statements.is_empty() {
        reader.problem(None, "it holds no statement".to_owned());
    }
    match reader.problems.is_empty() {
        true => Ok(reader.finished(weight)),
        false => Err(Problems(reader.problems)),
    }
}

struct Reader<'p> {
    path: &'p Path,
    variables: Variables,
    statements: Vec<(String, Vec<Param>)>,
    /// The lines of BEGIN, COMMIT and the like.
    transactions: Vec<usize>,
    uses_scale: bool,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn problem(&mut self, line: Option<usize>, message: String) {
        let problem = Problem::file(self.path, message);
        self.problems.push(match line {
            Some(line) => problem.at_line(line),
            None => problem,
        });
    }

    fn meta(&mut self, line: usize, text: &str) {
        let (command, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        if command != "\\set" {
            let message = format!("{command} has no place in a workload");
            let hint = match command {
                "\\sleep" => "leave it out: when a query comes is up to the load",
                _ => "leave it out: of meta commands only \\set is understood",
            };
            self.problems
                .push(Problem::file(self.path, message).at_line(line).hint(hint));
            return;
        }
        let rest = rest.trim();
        let (name, expression) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        self.know_scale(expression);
        match evaluate(expression, &self.variables) {
            Ok(value) => {
                self.variables.insert(name.to_owned(), value);
            }
            Err(message) => {
                self.problem(Some(line), format!("\\set {name}: {message}"));
                // Told once, not again wherever it is used.
                self.variables.insert(name.to_owned(), Value::Int(1));
            }
        }
    }

    /// pgbench sets it by itself, to 1 without -s.
    fn know_scale(&mut self, text: &str) {
        if text.contains(":scale") && !self.variables.contains_key("scale") {
            self.uses_scale = true;
            self.variables.insert("scale".to_owned(), Value::Int(1));
        }
    }

    fn statement(&mut self, line: usize, pieces: &[Piece]) {
        let mut sql = String::new();
        let mut params: Vec<(&str, Param)> = Vec::new();
        for piece in pieces {
            let name = match piece {
                Piece::Text(text) => {
                    sql.push_str(text);
                    continue;
                }
                Piece::Variable(name) => name,
            };
            self.know_scale(&format!(":{name}"));
            match self.variables.get(name) {
                Some(Value::Int(int)) => sql.push_str(&int.to_string()),
                Some(Value::Double(double)) => sql.push_str(&double.to_string()),
                Some(Value::Random { spec, min, max }) => {
                    let known = params.iter().position(|(known, _)| known == name);
                    let at = known.unwrap_or_else(|| {
                        params.push((name, Param::Made(spec.clone())));
                        params.len() - 1
                    });
                    // As the number that pgbench writes there would be read.
                    let is_short = i32::try_from(*min).is_ok() && i32::try_from(*max).is_ok();
                    let ty = if is_short { "integer" } else { "bigint" };
                    sql.push_str(&format!("${}::{ty}", at + 1));
                }
                None => {
                    let message = format!("the variable :{name} is not set before");
                    self.problem(Some(line), message);
                    return;
                }
            }
        }
        let sql = sql.trim();
        if controls_a_transaction(sql) {
            self.transactions.push(line);
        } else if let Err(mistake) = parse_query(sql) {
            self.problem(Some(line + mistake.line - 1), mistake.message);
        } else {
            let params = params.into_iter().map(|(_, param)| param).collect();
            self.statements.push((sql.to_owned(), params));
        }
    }

    fn finished(self, weight: f64) -> Script {
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
        let is_one = self.statements.len() == 1;
        let name = |at: usize| match is_one {
            true => stem.to_string(),
            false => format!("{stem} {}", at + 1),
        };
        let queries = self.statements.into_iter().enumerate();
        let queries = queries.map(|(at, (sql, params))| QueryFile {
            name: name(at),
            weight: Some(weight),
            sql,
            params,
            kind: None,
        });
        let mut notes = Vec::new();
        let file = self.path.display();
        if let Some(line) = self.transactions.first() {
            notes.push(format!(
                "{file}:{line}: its transactions are left out: each statement arrives by itself and commits, with values of \
                 its own for the variables"
            ));
        }
        if self.uses_scale {
            notes.push(format!("{file}: :scale is 1, as with pgbench without -s"));
        }
        Script {
            queries: queries.collect(),
            notes,
        }
    }
}

fn controls_a_transaction(sql: &str) -> bool {
    let word = sql
        .split(|c: char| !c.is_ascii_alphabetic())
        .next()
        .unwrap_or_default();
    ["begin", "start", "commit", "end", "rollback", "abort"]
        .contains(&word.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests;
