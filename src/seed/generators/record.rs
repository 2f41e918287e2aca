//! `record`: a value of a composite type.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::array::push_part;
use super::json::push_text;
use super::{Generator, GeneratorSpec, Make, Recipe};
use crate::seed::cells::Cells;
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::encode::{Encoding, Misfit};
use crate::seed::value::{Scratch, Shape, Value};

/// The fields of a composite type, by name: `record = { street = { street = {} } }`; others are NULL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Record(pub BTreeMap<String, GeneratorSpec>);

impl Recipe for Record {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let build = |(name, spec): (&String, &GeneratorSpec)| {
            let generator = spec.build(&place.part(name));
            Ok((
                name.clone(),
                generator.map_err(|message| format!("{name}: {message}"))?,
            ))
        };
        let fields = self.0.iter().map(build).collect::<Result<_, String>>()?;
        Ok(Box::new(Records { fields }))
    }
}

struct Records {
    fields: BTreeMap<String, Generator>,
}

impl Make for Records {
    /// In the order of the names: only the server knows the type's, and `put` is told of it.
    fn value<'a>(&'a self, row: u64, _: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let (out, inner) = scratch.nested();
        out.push('(');
        for (at, generator) in self.fields.values().enumerate() {
            if at > 0 {
                out.push(',');
            }
            push_part(generator.value(row, inner), "", out);
        }
        out.push(')');
        Value::Composed(out.as_str())
    }

    fn put(
        &self,
        row: u64,
        dice: &mut Dice,
        scratch: &mut Scratch,
        encoding: &Encoding,
        out: &mut Cells,
    ) -> Result<(), Misfit> {
        let Encoding::Record(fields) = encoding.composed() else {
            return encoding.put_cell(self.value(row, dice, scratch), out);
        };
        // `record_send`: the number of fields; the type and the value of each.
        out.put_measured(|out| {
            out.put_i32(fields.len() as i32);
            for (name, oid, encoding) in fields {
                out.put_u32(*oid);
                match self.fields.get(name) {
                    Some(generator) => generator.put(row, scratch, encoding, out)?,
                    None => encoding.put_cell(Value::Null, out)?,
                }
            }
            Ok(())
        })
    }

    fn json(&self, row: u64, _: &mut Dice, scratch: &mut Scratch, out: &mut Cells) {
        out.push('{');
        for (at, (name, generator)) in self.fields.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            push_text(out, name);
            out.push(':');
            generator.json(row, scratch, out);
        }
        out.push('}');
    }

    fn shape(&self) -> Shape {
        let shape = |(name, generator): (&String, &Generator)| (name.clone(), generator.shape());
        Shape::Record(self.fields.iter().map(shape).collect())
    }
}
