//! A TOML file that a person wrote: read into a type, with every mistake located.

mod mistake;
mod tree;

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::DeTable;

use super::{Problem, line_at};
use mistake::Mistake;
use tree::{locate, remove, span_at};

/// The text of one TOML file.
#[derive(Clone, Debug)]
pub struct Document {
    path: PathBuf,
    text: String,
}

/// One step on the way to a value: a table's key or an array's index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    Name(String),
    Index(usize),
}

/// A value's place in a document, whether or not it is there.
#[derive(Clone, Debug)]
pub struct Place<'d> {
    document: &'d Document,
    keys: Vec<Key>,
}

impl Document {
    /// The file at `path`; a file that cannot be read is a problem.
    pub fn read(path: impl Into<PathBuf>) -> Result<Document, Problem> {
        let path = path.into();
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Document { path, text }),
            Err(error) => Err(Problem::file(path, format!("cannot read it: {error}"))),
        }
    }

    /// A text that is already here, as if it had been read from `path`.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Document {
        Document {
            path: path.into(),
            text: text.into(),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The document as a whole; go on with [`Place::at`].
    pub fn root(&self) -> Place<'_> {
        Place {
            document: self,
            keys: Vec::new(),
        }
    }

    /// Reads the document as a `T` and adds every mistake in its form to `problems`.
    ///
    /// What is mistaken is left out, so that the rest comes back and can be checked further in the
    /// same go. `None` if too little is left to make a `T`.
    pub fn parse<T: DeserializeOwned>(&self, problems: &mut Vec<Problem>) -> Option<T> {
        let (original, errors) = DeTable::parse_recoverable(&self.text);
        if !errors.is_empty() {
            self.report_syntax(&errors, problems);
            return None;
        }
        let mut left = original.clone();
        let mut removed: Vec<Vec<Key>> = Vec::new();
        loop {
            let error = match T::deserialize(toml::Deserializer::from(left.clone())) {
                Ok(value) => return Some(value),
                Err(error) => error,
            };
            let span = error.span().unwrap_or(0..0);
            let mistake = Mistake::from_message(error.message());
            let place = Place {
                document: self,
                keys: mistake.place(locate(original.get_ref(), &span)),
            };
            let follows = mistake
                .missing
                .as_ref()
                .is_some_and(|name| removed.contains(&place.at(name.as_str()).keys));
            if !follows {
                problems.push(place.problem_of(&mistake, &original));
            }
            let way = mistake.place(locate(left.get_ref(), &span));
            if way.is_empty() || !remove(left.get_mut(), &way) {
                return None;
            }
            removed.push(place.keys);
        }
    }

    fn report_syntax(&self, errors: &[toml::de::Error], problems: &mut Vec<Problem>) {
        let mut last_line = 0;
        for error in errors {
            let start = error.span().map_or(0, |span| span.start);
            let line = line_at(&self.text, start);
            // One slip often makes several errors on its line; the first says what it is.
            if line != last_line {
                problems.push(
                    Problem::file(&self.path, format!("not TOML: {}", error.message()))
                        .at_line(line),
                );
            }
            last_line = line;
        }
    }

    /// A value as it was written, if it fits a message: a table under a header of its own does not.
    fn written(&self, span: Range<usize>) -> Option<String> {
        let value = self.text.get(span.clone())?;
        let line_start = self.text[..span.start].rfind('\n').map_or(0, |at| at + 1);
        let is_header = self.text[line_start..].trim_start().starts_with('[');
        if is_header && !self.text[line_start..span.start].contains('=') {
            return None;
        }
        let first = value.lines().next().unwrap_or_default();
        Some(match first.char_indices().nth(60) {
            Some((cut, _)) => format!("{}…", &first[..cut]),
            None if first.len() < value.len() => format!("{first}…"),
            None => first.to_owned(),
        })
    }
}

impl<'d> Place<'d> {
    /// The place of a key or an element below this one.
    pub fn at(&self, key: impl Into<Key>) -> Place<'d> {
        let mut keys = self.keys.clone();
        keys.push(key.into());
        Place {
            document: self.document,
            keys,
        }
    }

    /// Whether something was written here.
    pub fn is_written(&self) -> bool {
        let (table, _) = DeTable::parse_recoverable(&self.document.text);
        span_at(table.get_ref(), &self.keys).is_some()
    }

    /// A mistake in what is written here, with its line and value.
    pub fn problem(&self, message: impl Into<String>) -> Problem {
        let (table, _) = DeTable::parse_recoverable(&self.document.text);
        self.located(message, table.get_ref())
    }

    /// A mistake in a line, from 1, of the text that is written here.
    pub fn problem_in_text(&self, line: usize, message: impl Into<String>) -> Problem {
        let (table, _) = DeTable::parse_recoverable(&self.document.text);
        let mut problem = self.located(message, table.get_ref());
        if let (Some(first), Some(span)) = (problem.line, span_at(table.get_ref(), &self.keys)) {
            // The newline right after an opening `"""` is not part of the text.
            let raw = &self.document.text[span];
            let opens_below = ["\"\"\"\n", "'''\n", "\"\"\"\r\n", "'''\r\n"]
                .iter()
                .any(|opening| raw.starts_with(opening));
            problem.line = Some(first + line - 1 + usize::from(opens_below));
            problem.value = None;
        }
        problem
    }

    fn located(&self, message: impl Into<String>, table: &DeTable<'_>) -> Problem {
        let mut problem = Problem::file(&self.document.path, message);
        problem.key = self.name();
        // A key that is not there is looked for in what is around it.
        for depth in (1..=self.keys.len()).rev() {
            if let Some(span) = span_at(table, &self.keys[..depth]) {
                problem.line = Some(line_at(&self.document.text, span.start));
                if depth == self.keys.len() {
                    problem.value = self.document.written(span);
                }
                break;
            }
        }
        problem
    }

    fn problem_of(&self, mistake: &Mistake, table: &Spanned<DeTable<'_>>) -> Problem {
        let place = match &mistake.missing {
            Some(name) => self.at(name.as_str()),
            None => self.clone(),
        };
        let mut problem = place.located(mistake.message.clone(), table.get_ref());
        let is_table = problem.value.as_ref().is_some_and(|v| v.starts_with('{'));
        if mistake.names_key || is_table {
            // The message is about a key, which is named already.
            problem.value = None;
        }
        problem.hint.clone_from(&mistake.hint);
        problem
    }

    /// The place as a reader finds it: `apps.v1.queries[2].params[0]`.
    fn name(&self) -> Option<String> {
        let mut name = String::new();
        for key in &self.keys {
            match key {
                Key::Name(key) if name.is_empty() => name.push_str(key),
                Key::Name(key) => name = format!("{name}.{key}"),
                Key::Index(index) => name = format!("{name}[{index}]"),
            }
        }
        (!name.is_empty()).then_some(name)
    }
}

impl From<&str> for Key {
    fn from(name: &str) -> Key {
        Key::Name(name.to_owned())
    }
}

impl From<usize> for Key {
    fn from(index: usize) -> Key {
        Key::Index(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its form matters here")]
    struct File {
        title: String,
        load: Option<Load>,
        #[serde(default)]
        steps: Vec<Step>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its form matters here")]
    struct Load {
        connections: Option<usize>,
        rate: Option<f64>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its form matters here")]
    struct Step {
        name: String,
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    #[expect(dead_code, reason = "only its form matters here")]
    enum Kind {
        Migrate,
        Wait { ms: u32 },
    }

    fn check(text: &str, expected: &[&str]) -> Option<File> {
        let mut problems = Vec::new();
        let file = Document::new("x.toml", text).parse(&mut problems);
        let found: Vec<String> = problems.iter().map(Problem::to_string).collect();
        assert_eq!(found, expected);
        file
    }

    #[test]
    fn every_mistake_is_found_in_one_go() {
        let text = "title = 3\n\n[load]\nconections = 3\nrate = \"fast\"\n\n[[steps]]\nname = \"a\"\nkind = \"migrat\"\n\n[[steps]]\nkind = \"migrate\"\n";
        check(
            text,
            &[
                "x.toml:4: load.conections: unknown key `conections`; did you mean `connections`?",
                "x.toml:5: load.rate = \"fast\": expected a number, found a string",
                "x.toml:9: steps[0].kind = \"migrat\": unknown name `migrat`; did you mean `migrate`?",
                "x.toml:11: steps[1].name: the key `name` is missing",
                "x.toml:1: title = 3: expected a string, found a whole number",
            ],
        );
    }

    #[test]
    fn what_is_right_comes_back_beside_the_mistakes() {
        let file = check(
            "title = \"t\"\n[load]\nconnections = -1\n[[steps]]\nname = \"a\"\n",
            &[
                "x.toml:3: load.connections = -1: expected a whole number from 0, found a whole number",
            ],
        );
        assert_eq!(file.expect("the rest is whole").steps.len(), 1);
    }

    #[test]
    fn a_choice_is_one_known_name() {
        check(
            "title = \"t\"\n[[steps]]\nname = \"a\"\nkind = { wat = { ms = 1 } }\n[[steps]]\nname = \"b\"\nkind = {}\n",
            &[
                "x.toml:4: steps[0].kind: unknown name `wat`; did you mean `wait`?",
                "x.toml:7: steps[1].kind: expected exactly one name with what belongs to it, `{ name = … }`",
            ],
        );
    }

    #[test]
    fn a_stranger_is_told_the_known_keys() {
        check(
            "title = \"t\"\nzebra = 1\n",
            &["x.toml:2: zebra: unknown key `zebra`; known: title, load, steps"],
        );
    }

    #[test]
    fn a_syntax_error_has_its_line() {
        let mut problems = Vec::new();
        let document = Document::new("x.toml", "title = \"t\"\n[load\nrate = 1\n");
        assert!(document.parse::<File>(&mut problems).is_none());
        assert!(
            problems[0].to_string().starts_with("x.toml:2: not TOML: "),
            "{problems:?}"
        );
    }

    #[test]
    fn a_place_knows_its_line_and_value_and_a_missing_one_its_surroundings() {
        let document = Document::new(
            "x.toml",
            "title = 't'\n\n[[steps]]\nname = 'a'\nsql = \"\"\"\nSELECT 1\nFROM x\"\"\"\n",
        );
        let step = document.root().at("steps").at(0);
        assert_eq!(
            step.at("name").problem("no").to_string(),
            "x.toml:4: steps[0].name = 'a': no"
        );
        assert_eq!(
            step.at("kind").problem("no").to_string(),
            "x.toml:3: steps[0].kind: no"
        );
        assert_eq!(
            step.at("sql").problem_in_text(2, "no").to_string(),
            "x.toml:7: steps[0].sql: no"
        );
        assert!(step.at("name").is_written() && !step.at("kind").is_written());
    }

    #[test]
    fn an_inline_table_is_a_value_and_one_with_a_header_is_not() {
        let document = Document::new("x.toml", "[a]\nb = { c = 1 }\n[[d]]\ne = [\n1]\n");
        for (place, expected) in [
            (document.root().at("a"), "x.toml:1: a: no"),
            (
                document.root().at("a").at("b"),
                "x.toml:2: a.b = { c = 1 }: no",
            ),
            (document.root().at("d").at(0), "x.toml:3: d[0]: no"),
            (document.root().at("d"), "x.toml:3: d: no"),
            (
                document.root().at("d").at(0).at("e"),
                "x.toml:4: d[0].e = […: no",
            ),
        ] {
            assert_eq!(place.problem("no").to_string(), expected);
        }
    }
}
