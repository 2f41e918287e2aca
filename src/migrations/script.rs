//! One migration script: its statements with their places in the file, and its transaction rule.

use std::path::{Path, PathBuf};

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};

use crate::input::line_at;
use crate::input::sql::{SqlMistake, first_mistake};

/// A script and how it is run.
#[derive(Clone, Debug)]
pub struct Script {
    pub path: PathBuf,
    /// What reports call it: the path as the scenario gives it.
    pub name: String,
    pub transaction: Transaction,
    pub statements: Vec<Statement>,
    pub around: Around,
}

/// What a migration tool itself sends around a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// Each on its own, before the script: an advisory lock, the tool's own table, a "dirty" row.
    pub before: Vec<String>,
    /// Last in the script's transaction, and where there is none right after the script: a row of its history.
    pub inside: Vec<String>,
    /// Each on its own, after it: what a tool writes apart, the unlock.
    pub after: Vec<String>,
}

/// The transaction rule of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transaction {
    /// One transaction around all statements: locks pile up until its COMMIT. A COMMIT of the script's own ends
    /// it, and what follows commits on its own.
    WholeFile,
    /// Each statement commits on its own.
    PerStatement,
    /// The script has its own BEGIN and COMMIT; what stands outside of them commits on its own.
    AsWritten,
    /// The whole file is one simple query: the server runs several statements as one transaction, up to a COMMIT
    /// among them, and a lone one outside of any.
    OneQuery,
    /// One transaction around the scripts of all pending migrations.
    AllPending,
}

impl Transaction {
    /// The rule in words, for plans and reports.
    pub fn in_words(self) -> &'static str {
        match self {
            Transaction::WholeFile => "one transaction for the whole file",
            Transaction::PerStatement => "each statement on its own",
            Transaction::AsWritten => "the script's own BEGIN and COMMIT",
            Transaction::OneQuery => "the whole file in one query",
            Transaction::AllPending => "one transaction for all pending migrations",
        }
    }
}

/// One statement of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// From 0.
    pub index: usize,
    /// The script that it stands in, where several were joined.
    pub file: Option<String>,
    /// Line of the script where it starts, from 1.
    pub line: usize,
    /// The statement without its semicolon and without comments before it.
    pub sql: String,
    pub kind: StatementKind,
    /// It may call functions, which may take locks at any time and not only as the statement starts.
    pub runs_code: bool,
}

/// What matters of a statement to whoever runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementKind {
    /// Can run inside a transaction, and is wrapped in one to read its locks.
    Plain,
    /// Cannot run inside a transaction: CONCURRENTLY, VACUUM, CREATE DATABASE and the like.
    OutsideTransaction,
    Begin,
    Commit,
    Rollback,
}

/// Why a script cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    #[error("cannot read it: {0}")]
    Unreadable(std::io::Error),
    #[error("it holds no statement")]
    Empty,
    #[error("line {line}: {message}")]
    Syntax { line: usize, message: String },
}

impl Script {
    /// Reads a script and decides how it is run.
    pub fn read(path: &Path, name: &str) -> Result<Script, ScriptError> {
        let text = std::fs::read_to_string(path).map_err(ScriptError::Unreadable)?;
        Script::parse(&text, path, name)
    }

    /// Takes a script's text apart and decides how it is run.
    pub fn parse(text: &str, path: &Path, name: &str) -> Result<Script, ScriptError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let statements = split(text)?;
        if statements.is_empty() {
            return Err(ScriptError::Empty);
        }
        Ok(Script {
            path: path.to_owned(),
            name: name.to_owned(),
            transaction: Transaction::of(&statements),
            statements,
            around: Around::default(),
        })
    }

    /// One script of two that run in one transaction: `first … last`. What their tool sends before them is sent
    /// once, what it adds to the transaction for both.
    pub fn join(mut self, next: Script) -> Script {
        self.name_file();
        let first = self.statements.first().and_then(|s| s.file.clone());
        let mut next = next;
        next.name_file();
        self.name = format!("{} … {}", first.unwrap_or(self.name), next.name);
        self.statements.extend(next.statements);
        for (index, statement) in self.statements.iter_mut().enumerate() {
            statement.index = index;
        }
        self.around.inside.extend(next.around.inside);
        self.around.after = next.around.after;
        self
    }

    /// Says of each statement that does not know it yet which script it stands in.
    fn name_file(&mut self) {
        for statement in &mut self.statements {
            statement.file.get_or_insert_with(|| self.name.clone());
        }
    }

    /// The statement to go on from when `failed`, or the COMMIT after it, has failed: all before it is committed.
    pub fn resume_at(&self, failed: usize) -> usize {
        let before = || self.statements.iter().take(failed).rev();
        let ends =
            |s: &&Statement| matches!(s.kind, StatementKind::Commit | StatementKind::Rollback);
        let last_end = before().find(ends).map(|end| end.index);
        match (self.transaction, last_end) {
            (Transaction::PerStatement, _) => failed,
            (Transaction::WholeFile | Transaction::AllPending | Transaction::OneQuery, None) => 0,
            (Transaction::OneQuery, Some(end)) => end + 1,
            (Transaction::WholeFile | Transaction::AllPending, Some(_))
            | (Transaction::AsWritten, _) => {
                let mut control = before().filter(|s| s.kind.controls_transaction());
                match control.next() {
                    Some(begin) if begin.kind == StatementKind::Begin => begin.index,
                    _ => failed,
                }
            }
        }
    }
}

impl Transaction {
    /// One transaction, unless the script has its own or a statement that bears none.
    fn of(statements: &[Statement]) -> Transaction {
        let has = |is: fn(StatementKind) -> bool| statements.iter().any(|s| is(s.kind));
        if has(StatementKind::controls_transaction) {
            Transaction::AsWritten
        } else if has(|kind| kind == StatementKind::OutsideTransaction) {
            Transaction::PerStatement
        } else {
            Transaction::WholeFile
        }
    }
}

/// The statements of an SQL text, in order; empty ones are left out.
pub fn split(text: &str) -> Result<Vec<Statement>, ScriptError> {
    let parsed = SourceFile::parse(text);
    let tree = parsed.tree();
    let mut statements = Vec::new();
    for node in tree.syntax().children() {
        // Rows after COPY … FROM stdin are no SQL: without this they would be reported instead.
        if reads_stdin(&node) {
            return Err(ScriptError::Syntax {
                line: line_at(text, node.text_range().start().into()),
                message: "COPY … FROM stdin gets its rows from psql, which does not run here; \
                          use INSERT or COPY … FROM a file"
                    .to_owned(),
            });
        }
        let Some((start, end)) = extent(&node) else {
            continue;
        };
        statements.push(Statement {
            index: statements.len(),
            file: None,
            line: line_at(text, start),
            sql: text[start..end].to_owned(),
            kind: StatementKind::of(&node),
            runs_code: matches!(
                node.kind(),
                SyntaxKind::DO | SyntaxKind::CALL | SyntaxKind::SELECT
            ),
        });
    }
    match first_mistake(text, &parsed) {
        Some(SqlMistake { line, message }) => Err(ScriptError::Syntax { line, message }),
        None => Ok(statements),
    }
}

/// The bytes from a statement's first word to its last, or `None` for a lone semicolon.
fn extent(node: &SyntaxNode) -> Option<(usize, usize)> {
    let mut words = node
        .descendants_with_tokens()
        .filter_map(|element| element.into_token())
        .filter(|token| {
            !matches!(
                token.kind(),
                SyntaxKind::WHITESPACE | SyntaxKind::COMMENT | SyntaxKind::SEMICOLON
            ) || (token.kind() == SyntaxKind::SEMICOLON && token.parent().as_ref() != Some(node))
        });
    let first = words.next()?;
    let last = words.last().unwrap_or_else(|| first.clone());
    Some((
        first.text_range().start().into(),
        last.text_range().end().into(),
    ))
}

fn reads_stdin(node: &SyntaxNode) -> bool {
    node.kind() == SyntaxKind::COPY && has(node, SyntaxKind::COPY_STDIN)
}

fn has(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    node.descendants_with_tokens()
        .any(|element| element.kind() == kind)
}

impl StatementKind {
    fn controls_transaction(self) -> bool {
        use StatementKind::{Begin, Commit, Rollback};
        matches!(self, Begin | Commit | Rollback)
    }

    /// What the server's `PreventInTransactionBlock` refuses, so far as it can be read from the text.
    /// `REINDEX` and `CLUSTER` of a partitioned table look like those of an ordinary one.
    fn of(node: &SyntaxNode) -> StatementKind {
        use SyntaxKind::*;
        let outside = match node.kind() {
            BEGIN => return StatementKind::Begin,
            COMMIT_TRANSACTION | PREPARE_TRANSACTION => return StatementKind::Commit,
            ROLLBACK_TRANSACTION => return StatementKind::Rollback,
            COMMIT_PREPARED | ROLLBACK_PREPARED => true,
            CREATE_INDEX | DROP_INDEX => has(node, CONCURRENTLY_KW),
            ALTER_TABLE => has(node, DETACH_CONCURRENTLY),
            REINDEX => {
                has(node, CONCURRENTLY_KW)
                    || has(node, REINDEX_TARGET_DATABASE)
                    || has(node, REINDEX_TARGET_SCHEMA)
                    || has(node, REINDEX_TARGET_SYSTEM)
            }
            CLUSTER => !has(node, TABLE_NAME_REF) && !has(node, CLUSTER_LEGACY),
            CREATE_DATABASE | DROP_DATABASE | CREATE_TABLESPACE | DROP_TABLESPACE
            | ALTER_SYSTEM | VACUUM | CREATE_SUBSCRIPTION | DROP_SUBSCRIPTION => true,
            ALTER_DATABASE => has(node, SET_TABLESPACE),
            ALTER_SUBSCRIPTION => {
                has(node, REFRESH_PUBLICATION)
                    || has(node, SET_PUBLICATION)
                    || has(node, ADD_PUBLICATION)
                    || has(node, DROP_SUBSCRIPTION_PUBLICATION)
            }
            DISCARD => has(node, DISCARD_ALL),
            DO => commits_inside(node),
            _ => false,
        };
        if outside {
            StatementKind::OutsideTransaction
        } else {
            StatementKind::Plain
        }
    }
}

/// A DO block that commits, as batched backfills do, must not stand in a transaction.
fn commits_inside(node: &SyntaxNode) -> bool {
    ast::Do::cast(node.clone())
        .and_then(|block| block.plpgsql())
        .is_some_and(|body| {
            has(&body.syntax(), SyntaxKind::PLPGSQL_COMMIT_STMT)
                || has(&body.syntax(), SyntaxKind::PLPGSQL_ROLLBACK_STMT)
        })
}

#[cfg(test)]
mod tests;
