//! Names and other text of SQL, as Postgres reads them.

use squawk_syntax::ast::AstNode;
use squawk_syntax::{SyntaxKind, SyntaxNode};

/// A name as Postgres reads it: in lower case unless it is quoted. `None` for what is no plain name.
pub fn identifier(node: &SyntaxNode) -> Option<String> {
    let text = node.text().to_string();
    let text = text.trim();
    match text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    {
        Some(quoted) => Some(quoted.replace("\"\"", "\"")),
        None if text.is_empty() || text.contains(['"', '&', '(', ' ']) => None,
        None => Some(text.to_ascii_lowercase()),
    }
}

/// The last name of a path, `orders` of `public.orders`.
pub fn last_name(node: &SyntaxNode) -> Option<String> {
    path(node).pop()?
}

/// A table's name as a schema calls it: with the schema's name before it unless that is `public`.
pub(super) fn table_name(node: &impl AstNode) -> Option<String> {
    let mut parts: Vec<String> = path(node.syntax()).into_iter().collect::<Option<_>>()?;
    if parts.len() > 1 && parts[0] == "public" {
        parts.remove(0);
    }
    (!parts.is_empty()).then(|| parts.join("."))
}

fn path(node: &SyntaxNode) -> Vec<Option<String>> {
    let segments = node.descendants().filter(|inner| {
        matches!(
            inner.kind(),
            SyntaxKind::PATH_SEGMENT | SyntaxKind::PATH_SEGMENT_REF
        )
    });
    segments.map(|segment| identifier(&segment)).collect()
}

/// A node's text on one line, without comments, in small letters but for what is quoted.
pub(super) fn text(node: &impl AstNode) -> String {
    let mut words = String::new();
    for token in node.syntax().descendants_with_tokens() {
        let Some(token) = token.into_token() else {
            continue;
        };
        let word = token.text();
        if word.trim().is_empty() || word.starts_with("--") || word.starts_with("/*") {
            words.push_str(if words.ends_with(' ') { "" } else { " " });
        } else if word.starts_with(['"', '\'']) {
            words.push_str(word);
        } else {
            words.push_str(&word.to_lowercase());
        }
    }
    words.trim().to_owned()
}
