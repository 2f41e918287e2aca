//! Texts that only the server can read as values of a type: it is asked once for each.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use tokio_postgres::types::{Kind, Type};

use super::Encoding;
use crate::seed::value::Shape;

/// What the server made of texts, by the number of their type.
pub type Conversions = HashMap<u32, Arc<HashMap<String, Vec<u8>>>>;

/// The texts of a shape that no encoding of ours reads, by the number of their type.
pub fn to_convert(ty: &Type, shape: &Shape, found: &mut BTreeMap<u32, BTreeSet<String>>) {
    if let Kind::Domain(of) = ty.kind() {
        return to_convert(of, shape, found);
    }
    let reads = Encoding::of(ty).unwrap_or(Encoding::Opaque(String::new()));
    for shape in shape.alternatives() {
        match (ty.kind(), shape) {
            (_, Shape::Label(labels)) if !reads.takes(shape) => {
                let texts = found.entry(ty.oid()).or_default();
                texts.extend(labels.iter().cloned());
            }
            (Kind::Array(element), Shape::Array(of)) => to_convert(element, of, found),
            (Kind::Range(element) | Kind::Multirange(element), Shape::Range(of)) => {
                to_convert(element, of, found);
            }
            (Kind::Composite(fields), Shape::Record(given)) => {
                for (name, shape) in given {
                    let field = fields.iter().find(|field| field.name() == name);
                    field
                        .into_iter()
                        .for_each(|f| to_convert(f.type_(), shape, found));
                }
            }
            _ => {}
        }
    }
}

impl Encoding {
    /// The encoding of a type, with what the server has read.
    pub fn with(ty: &Type, conversions: &Conversions) -> Option<Encoding> {
        if let Kind::Domain(of) = ty.kind() {
            return Encoding::with(of, conversions);
        }
        let mut encoding = Encoding::of(ty)?;
        match (&mut encoding, ty.kind()) {
            (Encoding::Array { element, .. }, Kind::Array(of))
            | (Encoding::Range(element), Kind::Range(of))
            | (Encoding::Multirange(element), Kind::Multirange(of)) => {
                **element = Encoding::with(of, conversions)?;
            }
            (Encoding::Record(fields), Kind::Composite(of)) => {
                for ((_, _, encoding), field) in fields.iter_mut().zip(of) {
                    *encoding = Encoding::with(field.type_(), conversions)?;
                }
            }
            _ => {}
        }
        Some(match conversions.get(&ty.oid()) {
            Some(by_text) => Encoding::Converted {
                by_text: Arc::clone(by_text),
                otherwise: Box::new(encoding),
            },
            None => encoding,
        })
    }
}
