//! Where a parameter stands in a statement, and which tables the statement names.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::plan::names::{alias_name, own_alias};
use crate::seed::schema::last_name;

/// What a parameter's value is for.
#[derive(Debug)]
pub(super) enum Place {
    Limit,
    Offset,
    /// A column of the result, whatever its value.
    Result,
    /// The expression on the other side; the parameter may be an array of such values.
    Compared {
        with: SyntaxNode,
        in_array: bool,
    },
    /// The column that is set.
    Put {
        into: SyntaxNode,
    },
    /// The n-th column of the table that this INSERT names.
    PutAt {
        into: SyntaxNode,
        at: usize,
    },
}

/// A table that a statement names.
#[derive(Debug)]
pub(super) struct Relation {
    pub(super) schema: Option<String>,
    pub(super) name: String,
    /// The name that it goes by in the statement.
    pub(super) alias: String,
    /// Where it stands in the text.
    pub(super) byte: usize,
}

/// All tables in the order of the text.
pub(super) fn relations(query: &SyntaxNode) -> Vec<Relation> {
    let references = query.descendants().filter(|node| {
        matches!(
            node.kind(),
            SyntaxKind::RELATION_NAME_REF | SyntaxKind::TABLE_NAME_REF
        )
    });
    let relation = |node: SyntaxNode| {
        let name = last_name(&node)?;
        let text = node.text().to_string();
        let schema = text
            .rsplit_once('.')
            .map(|(schema, _)| schema.trim_matches('"').to_owned());
        let alias = own_alias(&node).and_then(|alias| alias_name(&alias));
        Some(Relation {
            alias: alias.unwrap_or_else(|| name.clone()),
            schema,
            name,
            byte: node.text_range().start().into(),
        })
    };
    references.filter_map(relation).collect()
}

/// Where the parameter stands; `None` where that says nothing of its value.
pub(super) fn place(literal: &SyntaxNode) -> Option<Place> {
    let mut node = literal.clone();
    let mut in_array = false;
    loop {
        let outer = node.parent()?;
        match outer.kind() {
            SyntaxKind::LIMIT_CLAUSE | SyntaxKind::FETCH_CLAUSE => return Some(Place::Limit),
            SyntaxKind::OFFSET_CLAUSE => return Some(Place::Offset),
            SyntaxKind::TARGET => return result(&outer),
            SyntaxKind::BETWEEN_EXPR => {
                return Some(Place::Compared {
                    with: outer.first_child()?,
                    in_array,
                });
            }
            SyntaxKind::BIN_EXPR => {
                let other = outer.children().find(|side| *side != node)?;
                if let Some(with) = compared(&other, &node, literal) {
                    return Some(Place::Compared { with, in_array });
                }
            }
            SyntaxKind::ROW => return inserted(&outer, position(&outer, &node)?),
            SyntaxKind::SET_EXPR => return set(&outer),
            SyntaxKind::ANY_FN | SyntaxKind::ALL_FN => in_array = true,
            // Through these the value is the other side's, or like it.
            SyntaxKind::PAREN_EXPR
            | SyntaxKind::TUPLE_EXPR
            | SyntaxKind::CAST_EXPR
            | SyntaxKind::ARG
            | SyntaxKind::CALL_EXPR
            | SyntaxKind::PREFIX_EXPR => {}
            SyntaxKind::ARG_LIST if outer.children().count() == 1 => {}
            _ => return None,
        }
        node = outer;
    }
}

/// A constant that a SELECT gives back; one that is inserted that way is for a column that is not looked for.
fn result(target: &SyntaxNode) -> Option<Place> {
    let is_inserted = target
        .ancestors()
        .any(|outer| outer.kind() == SyntaxKind::INSERT);
    (!is_inserted).then_some(Place::Result)
}

/// What stands on the other side: of two lists, what stands at the same place.
fn compared(other: &SyntaxNode, own: &SyntaxNode, literal: &SyntaxNode) -> Option<SyntaxNode> {
    let is_list = |node: &SyntaxNode| node.kind() == SyntaxKind::TUPLE_EXPR;
    if is_list(other) && is_list(own) {
        let at = own
            .children()
            .position(|part| part.text_range().contains_range(literal.text_range()))?;
        return other.children().nth(at);
    }
    let is_name =
        |node: SyntaxNode| matches!(node.kind(), SyntaxKind::NAME_REF | SyntaxKind::FIELD_EXPR);
    other.descendants().any(is_name).then(|| other.clone())
}

fn position(list: &SyntaxNode, part: &SyntaxNode) -> Option<usize> {
    list.children().position(|child| child == *part)
}

fn child(node: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxNode> {
    node.children().find(|inner| inner.kind() == kind)
}

fn inserted(row: &SyntaxNode, at: usize) -> Option<Place> {
    let insert = row
        .ancestors()
        .find(|outer| outer.kind() == SyntaxKind::INSERT)?;
    Some(match child(&insert, SyntaxKind::COLUMN_TARGET_LIST) {
        Some(list) => Place::Put {
            into: list.children().nth(at)?,
        },
        None => Place::PutAt { into: insert, at },
    })
}

fn set(expression: &SyntaxNode) -> Option<Place> {
    let outer = expression.parent()?;
    let into = match outer.kind() {
        SyntaxKind::SET_SINGLE_COLUMN => child(&outer, SyntaxKind::COLUMN_TARGET)?,
        SyntaxKind::SET_EXPR_LIST => {
            let at = position(&outer, expression)?;
            let list = child(&outer.parent()?, SyntaxKind::COLUMN_TARGET_LIST)?;
            list.children().nth(at)?
        }
        _ => return None,
    };
    Some(Place::Put { into })
}
