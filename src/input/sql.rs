//! What is wrong with a text that should be SQL.

use squawk_syntax::{Parse, SourceFile};

use super::line_at;

/// Where a text stops being SQL, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlMistake {
    /// The line in the text, from 1.
    pub line: usize,
    pub message: String,
}

/// The parser's first complaint about `text`, if it has one.
pub fn first_mistake(text: &str, parsed: &Parse<SourceFile>) -> Option<SqlMistake> {
    let error = parsed.errors().first()?.clone();
    let line = line_at(text, error.range().start().into());
    // A command of psql, such as `\i other.sql`, is common in scripts and no SQL.
    let written = text.lines().nth(line - 1).unwrap_or_default().trim();
    let message = if written.starts_with('\\') {
        format!("`{written}` is a command of psql, which does not run here")
    } else {
        format!("not SQL that Postgres understands: {}", error.message())
    };
    Some(SqlMistake { line, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(usize, &str)>) {
        let found = first_mistake(text, &SourceFile::parse(text));
        let expected = expected.map(|(line, message)| SqlMistake {
            line,
            message: message.to_owned(),
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_no_sql_is_named_with_its_line() {
        check("SELECT 1;\n-- fine\n", None);
        check(
            "SELECT 1;\nSELEC 2;",
            Some((
                2,
                "not SQL that Postgres understands: expected command, found IDENT",
            )),
        );
        check(
            "SELECT 1;\n\\i other.sql\n",
            Some((
                2,
                "`\\i other.sql` is a command of psql, which does not run here",
            )),
        );
    }
}
