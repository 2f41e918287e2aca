//! What users write by hand, and the mistakes in it: each with file, line, key, value and a way out.

pub mod document;
pub mod sql;
pub mod conf;

use std::fmt;
use std::path::PathBuf;

pub use document::{Document, Place};

/// One mistake in a file or an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, where the mistake is in one.
    pub file: Option<PathBuf>,
    /// The line in it, from 1.
    pub line: Option<usize>,
    /// The path of the key, `load.connections`, or the argument, `--rows`.
    pub key: Option<String>,
    /// The offending value as it was written.
    pub value: Option<String>,
    /// What is wrong: a lower-case fragment.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl Problem {
    pub fn new(message: impl Into<String>) -> Problem {
        Problem {
            file: None,
            line: None,
            key: None,
            value: None,
            message: message.into(),
            hint: None,
        }
    }

    /// A mistake in a command-line argument, named as it is typed: `--rows`.
    pub fn argument(name: &str, value: impl fmt::Display, message: impl Into<String>) -> Problem {
        Problem {
            key: Some(name.to_owned()),
            value: Some(value.to_string()),
            ..Problem::new(message)
        }
    }

    /// A mistake in a file as a whole.
    pub fn file(path: impl Into<PathBuf>, message: impl Into<String>) -> Problem {
        Problem {
            file: Some(path.into()),
            ..Problem::new(message)
        }
    }

    pub fn at_line(mut self, line: usize) -> Problem {
        self.line = Some(line);
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }

    /// With the near miss as its hint, if there is one.
    pub fn meant<'a>(mut self, typed: &str, known: impl IntoIterator<Item = &'a str>) -> Problem {
        self.hint = did_you_mean(typed, known).or(self.hint);
        self
    }
}

impl fmt::Display for Problem {
    /// `scenario.toml:12: load.connections = "x": message (hint)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}", file.display())?;
            if let Some(line) = self.line {
                write!(f, ":{line}")?;
            }
            f.write_str(": ")?;
        }
        match (&self.key, &self.value) {
            (Some(key), Some(value)) => write!(f, "{key} = {value}: ")?,
            (Some(key), None) => write!(f, "{key}: ")?,
            _ => {}
        }
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

/// All the mistakes found, in the order of the files; never empty when it is an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Problems(pub Vec<Problem>);

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Problems {
        Problems(vec![problem])
    }
}

/// The question that follows a mistyped name, if a known one is near enough to be meant.
pub fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    near_miss(typed, known).map(|name| format!("did you mean `{name}`?"))
}

/// The known name nearest to a mistyped one, if one is near enough to be meant.
fn near_miss<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(typed, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .min()
        .map(|(_, name)| name)
}

/// The line of a byte, from 1.
pub fn line_at(text: &str, byte: usize) -> usize {
    let before = &text.as_bytes()[..byte.min(text.len())];
    1 + before.iter().filter(|b| **b == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_names_file_line_key_value_and_hint() {
        let problem = Problem {
            file: Some("scenarios/x/scenario.toml".into()),
            line: Some(12),
            key: Some("load.connections".into()),
            value: Some("0".into()),
            message: "must be at least 1".into(),
            hint: Some("leave it out for 32".into()),
        };
        assert_eq!(
            problem.to_string(),
            "scenarios/x/scenario.toml:12: load.connections = 0: must be at least 1; leave it out for 32"
        );
    }

    #[test]
    fn a_near_miss_is_named_and_a_stranger_is_not() {
        assert_eq!(
            near_miss("conections", ["connections", "baseline"]),
            Some("connections")
        );
        assert_eq!(near_miss("zebra", ["connections", "baseline"]), None);
    }
}
