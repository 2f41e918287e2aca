//! What an SQL text means to whoever follows it: its statements, and which of them begin or end a transaction.

use std::sync::Arc;

use crate::input::line_at;
use crate::migrations::script::{self, StatementKind};

/// One statement as it is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) sql: String,
    /// Line of the text that was sent, from 1.
    pub(super) line: usize,
    pub(super) kind: Kind,
    /// It may call functions, which may take locks at any time.
    pub(super) runs_code: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Begin,
    /// COMMIT, ROLLBACK, PREPARE TRANSACTION: locks go.
    End,
    /// Reads or writes rows, or sets a savepoint, as loops do by the thousand. Its locks are seldom news.
    Data,
    /// Anything else.
    Other,
}

impl Statement {
    /// A text that holds one statement.
    pub(super) fn one(text: &str) -> Statement {
        let sql = after_comments(text);
        let line = line_at(text, text.len() - sql.len());
        let sql = sql.trim_end().trim_end_matches(';').trim_end();
        let words = first_words(sql);
        Statement {
            kind: Kind::of(&words),
            runs_code: matches!(words[0].as_str(), "do" | "call" | "select"),
            sql: sql.to_owned(),
            line,
        }
    }

    /// A text that could not be taken apart.
    pub(super) fn whole(text: &str) -> Statement {
        Statement {
            sql: text.trim().to_owned(),
            line: 1,
            kind: Kind::Other,
            runs_code: true,
        }
    }
}

/// The statements of a text, in order. One that the parser does not understand stays in one piece.
pub(super) fn statements(text: &str) -> Vec<Arc<Statement>> {
    let stripped = text
        .trim()
        .trim_end_matches(|c: char| c == ';' || c.is_whitespace());
    if after_comments(stripped).is_empty() {
        return Vec::new();
    }
    // Parsing costs more than most statements do.
    if !stripped.contains(';') {
        return vec![Arc::new(Statement::one(text))];
    }
    match script::split(text) {
        Ok(all) => all.into_iter().map(|one| Arc::new(one.into())).collect(),
        Err(_) => vec![Arc::new(Statement::whole(text))],
    }
}

impl From<script::Statement> for Statement {
    fn from(one: script::Statement) -> Statement {
        Statement {
            kind: match one.kind {
                StatementKind::Begin => Kind::Begin,
                StatementKind::Commit | StatementKind::Rollback => Kind::End,
                StatementKind::Plain | StatementKind::OutsideTransaction => {
                    Kind::of(&first_words(&one.sql))
                }
            },
            runs_code: one.runs_code,
            line: one.line,
            sql: one.sql,
        }
    }
}

impl Kind {
    fn of(words: &[String; 3]) -> Kind {
        let [first, second, third] = words.each_ref().map(String::as_str);
        // Between ROLLBACK and TO there may be one word more.
        let is_partial = [second, third].contains(&"to") || second == "prepared";
        match first {
            "begin" => Kind::Begin,
            "start" if second == "transaction" => Kind::Begin,
            "commit" | "end" | "rollback" | "abort" if !is_partial => Kind::End,
            "prepare" if second == "transaction" => Kind::End,
            "select" | "insert" | "update" | "delete" | "copy" | "merge" | "with" | "values"
            | "table" | "fetch" | "execute" | "savepoint" | "release" | "set" | "show" => {
                Kind::Data
            }
            _ => Kind::Other,
        }
    }
}

/// The first three words in lower case, without comments and brackets before the first.
fn first_words(sql: &str) -> [String; 3] {
    let mut rest = sql;
    std::array::from_fn(|_| {
        while let Some(inside) = after_comments(rest).strip_prefix('(') {
            rest = inside;
        }
        rest = after_comments(rest);
        let end = rest.find(|c: char| !c.is_ascii_alphabetic() && c != '_');
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        word.to_ascii_lowercase()
    })
}

fn after_comments(sql: &str) -> &str {
    let mut rest = sql;
    loop {
        rest = rest.trim_start();
        rest = if rest.starts_with("--") {
            rest.split_once('\n').map_or("", |(_, after)| after)
        } else if rest.starts_with("/*") {
            after_block(rest)
        } else {
            return rest;
        };
    }
}

/// What follows a block comment, which may hold others.
fn after_block(sql: &str) -> &str {
    let mut depth = 0;
    let mut rest = sql;
    loop {
        if let Some(after) = rest.strip_prefix("/*") {
            (depth, rest) = (depth + 1, after);
        } else if let Some(after) = rest.strip_prefix("*/") {
            (depth, rest) = (depth - 1, after);
        } else {
            let mut characters = rest.chars();
            if characters.next().is_none() {
                return "";
            }
            rest = characters.as_str();
        }
        if depth == 0 {
            return rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, Kind)]) {
        let found = statements(text);
        let found: Vec<_> = found.iter().map(|s| (s.sql.as_str(), s.kind)).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn the_words_at_the_beginning_say_what_a_statement_does() {
        for (text, kind) in [
            ("begin isolation level serializable", Kind::Begin),
            ("START TRANSACTION", Kind::Begin),
            ("end", Kind::End),
            ("abort", Kind::End),
            ("PREPARE TRANSACTION 'a'", Kind::End),
            ("COMMIT PREPARED 'a'", Kind::Other),
            ("ROLLBACK TO SAVEPOINT a", Kind::Other),
            ("rollback work to a", Kind::Other),
            ("(select 1)", Kind::Data),
            ("insert into t values (1)", Kind::Data),
            ("alter table t add c int", Kind::Other),
            ("lock table t", Kind::Other),
            ("do $$begin end$$", Kind::Other),
        ] {
            check(text, &[(text, kind)]);
        }
    }

    #[test]
    fn a_text_is_taken_apart_where_it_parses() {
        check(" ; ", &[]);
        check("-- ping", &[]);
        check(
            "/* by /* the */ tool */ -- y\n COMMIT;",
            &[("COMMIT", Kind::End)],
        );
        assert_eq!(statements("-- up\n\nSELECT 1;\n")[0].line, 3);
        check(
            "BEGIN; ALTER TABLE t ADD c int;\nCOMMIT;",
            &[
                ("BEGIN", Kind::Begin),
                ("ALTER TABLE t ADD c int", Kind::Other),
                ("COMMIT", Kind::End),
            ],
        );
        let broken = "BEGIN; SELEC 1; COMMIT";
        check(broken, &[(broken, Kind::Other)]);
    }
}
