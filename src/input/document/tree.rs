//! Ways through a parsed TOML document, by key and by byte.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Key;

/// The way to the innermost key or value with this span, or else around it.
pub(super) fn locate(table: &DeTable<'_>, span: &Range<usize>) -> Vec<Key> {
    // Only the document as a whole has an empty span.
    if span.is_empty() {
        return Vec::new();
    }
    let mut around = Vec::new();
    let mut exact = None;
    let mut path = Vec::new();
    visit_table(table, &mut path, &mut |path, place| {
        if place == span {
            exact = Some(path.to_vec());
        } else if place.start <= span.start && span.end <= place.end && !place.is_empty() {
            around = path.to_vec();
        }
    });
    exact.unwrap_or(around)
}

fn visit_table(
    table: &DeTable<'_>,
    path: &mut Vec<Key>,
    see: &mut impl FnMut(&[Key], &Range<usize>),
) {
    for (key, value) in table {
        path.push(Key::Name(key.get_ref().to_string()));
        see(path, &key.span());
        visit_value(value, path, see);
        path.pop();
    }
}

fn visit_value(
    value: &Spanned<DeValue<'_>>,
    path: &mut Vec<Key>,
    see: &mut impl FnMut(&[Key], &Range<usize>),
) {
    see(path, &value.span());
    match value.get_ref() {
        DeValue::Table(table) => visit_table(table, path, see),
        DeValue::Array(array) => {
            for (index, element) in array.iter().enumerate() {
                path.push(Key::Index(index));
                visit_value(element, path, see);
                path.pop();
            }
        }
        _ => {}
    }
}

/// The span of what stands at the end of a way.
pub(super) fn span_at(table: &DeTable<'_>, way: &[Key]) -> Option<Range<usize>> {
    let (Key::Name(first), rest) = way.split_first()? else {
        return None;
    };
    let mut value = table.get(first.as_str())?;
    for key in rest {
        value = match (value.get_ref(), key) {
            (DeValue::Table(table), Key::Name(name)) => table.get(name.as_str())?,
            (DeValue::Array(array), Key::Index(index)) => array.get(*index)?,
            _ => return None,
        };
    }
    Some(value.span())
}

pub(super) fn remove(table: &mut DeTable<'_>, way: &[Key]) -> bool {
    match way {
        [Key::Name(name)] => table.remove(name.as_str()).is_some(),
        [Key::Name(name), rest @ ..] => table
            .get_mut(name.as_str())
            .is_some_and(|value| remove_in(value.get_mut(), rest)),
        _ => false,
    }
}

fn remove_in(value: &mut DeValue<'_>, way: &[Key]) -> bool {
    match (value, way) {
        (DeValue::Table(table), way) => remove(table, way),
        (DeValue::Array(array), [Key::Index(gone)]) => {
            let kept = array.iter().enumerate().filter(|(i, _)| i != gone);
            *array = kept.map(|(_, element)| element.clone()).collect();
            true
        }
        (DeValue::Array(array), [Key::Index(index), rest @ ..]) => array
            .get_mut(*index)
            .is_some_and(|element| remove_in(element.get_mut(), rest)),
        _ => false,
    }
}
