//! Reads a parameter so that a mistake in it is told as what it is.
//!
//! The first key decides which kind of parameter is meant. An untagged enum would try one kind after
//! the other and could only say that none fits.

use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, Visitor};

use super::{ColumnParam, Param};
use crate::seed::generators::GeneratorSpec;

impl<'de> Deserialize<'de> for Param {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Param, D::Error> {
        deserializer.deserialize_map(ParamVisitor)
    }
}

struct ParamVisitor;

impl<'de> Visitor<'de> for ParamVisitor {
    type Value = Param;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a parameter such as { column = \"orders.id\" } or { int = { min = 1, max = 9 } }",
        )
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Param, A::Error> {
        let Some(first) = map.next_key::<String>()? else {
            return Err(A::Error::custom(
                "an empty parameter; write { column = \"table.column\" }",
            ));
        };
        let is_column = matches!(first.as_str(), "column" | "skew");
        let mut replay = Replay {
            first: Some(first),
            map: &mut map,
        };
        if is_column {
            return ColumnParam::deserialize(MapAccessDeserializer::new(replay)).map(Param::Column);
        }
        let made = GeneratorSpec::deserialize(MapAccessDeserializer::new(&mut replay))?;
        match replay.next_key::<String>()? {
            None => Ok(Param::Made(made)),
            Some(second) => Err(A::Error::custom(format!(
                "`{second}` beside another generator: a parameter has one"
            ))),
        }
    }
}

/// A map whose first key has been looked at already.
struct Replay<'m, A> {
    first: Option<String>,
    map: &'m mut A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Replay<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        match self.first.take() {
            Some(first) => {
                let key: StrDeserializer<'_, A::Error> = first.as_str().into_deserializer();
                seed.deserialize(key).map(Some)
            }
            None => self.map.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct File {
        p: Param,
    }

    fn read(param: &str) -> Result<Param, String> {
        toml::from_str::<File>(&format!("p = {param}"))
            .map(|file| file.p)
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_column_and_a_generator_are_told_apart() {
        let column = read("{ skew = 0.5, column = 'orders.id' }").unwrap();
        assert!(matches!(column, Param::Column(param) if param.skew == 0.5));
        assert!(matches!(
            read("{ int = { min = 1, max = 9 } }"),
            Ok(Param::Made(_))
        ));
    }

    #[test]
    fn a_mistake_is_told_as_what_it_is() {
        for (param, wanted) in [
            ("{ column = 'a.b', skw = 1 }", "unknown field `skw`"),
            ("{ skew = 1 }", "missing field `column`"),
            ("{ itn = { min = 1, max = 9 } }", "unknown variant `itn`"),
            ("{ int = { min = 'x', max = 9 } }", "invalid type: string"),
            (
                "{ int = { min = 1, max = 2 }, uuid = {} }",
                "a parameter has one",
            ),
            ("{}", "an empty parameter"),
            ("3", "expected a parameter such as"),
        ] {
            let error = read(param).unwrap_err();
            assert!(error.contains(wanted), "{param}: {error}");
        }
    }
}
