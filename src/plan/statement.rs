//! What a query's SQL says of itself: whether it parses, whether it reads, which parameters it has.

use squawk_syntax::ast::AstNode;
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};

use crate::input::line_at;
use crate::input::sql::{SqlMistake, first_mistake};
use crate::rehearse::workload::QueryKind;

/// One parsed statement of a workload.
#[derive(Debug)]
pub struct ParsedQuery {
    pub node: SyntaxNode,
    pub kind: QueryKind,
    /// The numbers of `$1`, `$2`, ascending, each once.
    pub params: Vec<usize>,
}

/// Parses the one statement that a query consists of.
pub fn parse_query(sql: &str) -> Result<ParsedQuery, SqlMistake> {
    let parsed = SourceFile::parse(sql);
    if let Some(mistake) = first_mistake(sql, &parsed) {
        return Err(mistake);
    }
    let nodes: Vec<SyntaxNode> = parsed
        .tree()
        .syntax()
        .children()
        .filter(|node| node.kind() != SyntaxKind::EMPTY_STMT)
        .collect();
    match nodes.as_slice() {
        [] => Err(mistake(sql, 0, "it holds no statement".to_owned())),
        [node] if controls_transactions(node) => Err(mistake(
            sql,
            0,
            "a query of the workload cannot begin or end a transaction".to_owned(),
        )),
        [node] => Ok(ParsedQuery {
            node: node.clone(),
            kind: kind_of(node),
            params: params_of(node),
        }),
        [_, second, ..] => Err(mistake(
            sql,
            second.text_range().start().into(),
            "a query is one statement; make the second a query of its own".to_owned(),
        )),
    }
}

fn mistake(sql: &str, byte: usize, message: String) -> SqlMistake {
    SqlMistake {
        line: line_at(sql, byte),
        message,
    }
}

fn controls_transactions(node: &SyntaxNode) -> bool {
    matches!(
        node.kind(),
        SyntaxKind::BEGIN
            | SyntaxKind::COMMIT_TRANSACTION
            | SyntaxKind::COMMIT_PREPARED
            | SyntaxKind::PREPARE_TRANSACTION
            | SyntaxKind::ROLLBACK_TRANSACTION
            | SyntaxKind::ROLLBACK_TO_SAVEPOINT
            | SyntaxKind::ROLLBACK_PREPARED
            | SyntaxKind::SAVEPOINT_CREATE
            | SyntaxKind::RELEASE_SAVEPOINT
    )
}

/// A read is a SELECT, VALUES or TABLE that neither locks rows nor changes them in a CTE.
fn kind_of(node: &SyntaxNode) -> QueryKind {
    let selects = matches!(
        node.kind(),
        SyntaxKind::SELECT
            | SyntaxKind::COMPOUND_SELECT
            | SyntaxKind::PAREN_SELECT
            | SyntaxKind::VALUES
            | SyntaxKind::TABLE
    );
    let changes = node.descendants().any(|inner| {
        matches!(
            inner.kind(),
            SyntaxKind::LOCKING_CLAUSE
                | SyntaxKind::INSERT
                | SyntaxKind::UPDATE
                | SyntaxKind::DELETE
                | SyntaxKind::MERGE
        )
    });
    if selects && !changes {
        QueryKind::Read
    } else {
        QueryKind::Write
    }
}

fn params_of(node: &SyntaxNode) -> Vec<usize> {
    let mut numbers: Vec<usize> = node
        .descendants_with_tokens()
        .filter_map(|element| element.into_token())
        .filter(|token| token.kind() == SyntaxKind::POSITIONAL_PARAM)
        .filter_map(|token| token.text().trim_start_matches('$').parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(sql: &str) -> QueryKind {
        parse_query(sql).unwrap().kind
    }

    #[test]
    fn what_only_selects_is_a_read() {
        for sql in [
            "SELECT 1",
            "WITH x AS (SELECT 1) SELECT * FROM x",
            "(SELECT 1) UNION ALL (SELECT 2)",
            "TABLE t",
            "VALUES (1)",
            "select update_count from t",
        ] {
            assert_eq!(kind(sql), QueryKind::Read, "{sql}");
        }
    }

    #[test]
    fn what_locks_or_changes_rows_is_a_write() {
        for sql in [
            "SELECT * FROM t FOR UPDATE",
            "SELECT * FROM t WHERE id = 1 FOR KEY SHARE SKIP LOCKED",
            "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
            "INSERT INTO t VALUES (1)",
            "UPDATE t SET a = 1",
            "DELETE FROM t",
            "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE",
        ] {
            assert_eq!(kind(sql), QueryKind::Write, "{sql}");
        }
    }

    #[test]
    fn parameters_are_counted_once_and_not_in_strings() {
        let parsed = parse_query("SELECT $2, $1, '$3', $2 + $10").unwrap();
        assert_eq!(parsed.params, [1, 2, 10]);
    }

    #[test]
    fn a_query_is_one_statement_that_parses() {
        for (sql, line, wanted) in [
            ("SELECT 1;\nSELECT 2", 2, "one statement"),
            ("SELECT\nFROM FROM", 2, "not SQL"),
            (" -- nothing", 1, "no statement"),
            ("BEGIN", 1, "transaction"),
        ] {
            let mistake = parse_query(sql).unwrap_err();
            assert_eq!(mistake.line, line, "{sql}");
            assert!(mistake.message.contains(wanted), "{sql}: {mistake:?}");
        }
    }
}
