//! Reports and comparisons as text. One shared outline says what is told; each format has its own syntax.

pub mod outline;
pub mod json;
pub mod terminal;
pub mod markdown;

use crate::compare::Comparison;
use crate::input::did_you_mean;
use crate::report::Report;

/// One format in which a report or a comparison is written. A new one is a file and an entry in `FORMATS`.
pub struct Format {
    /// What `--format` calls it.
    pub name: &'static str,
    /// Of the file beside `report.json`.
    pub extension: &'static str,
    /// One line for `--help`.
    pub about: &'static str,
    pub report: fn(&Report, Look) -> String,
    pub comparison: fn(&Comparison, Look) -> String,
}

/// All formats, the one for people first.
pub const FORMATS: &[Format] = &[
    Format {
        name: "terminal",
        extension: "txt",
        about: "for people, in a terminal",
        report: terminal::report,
        comparison: terminal::comparison,
    },
    Format {
        name: "json",
        extension: "json",
        about: "for programs, with every figure",
        report: json::report,
        comparison: json::comparison,
    },
    Format {
        name: "markdown",
        extension: "md",
        about: "for a comment on a pull request, or the page of a CI job",
        report: markdown::report,
        comparison: markdown::comparison,
    },
];

/// What the place of the text allows. Formats that are not for a terminal ignore it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Columns; no line is wider. Taken as 60 if it is less.
    pub width: usize,
    pub colour: bool,
}

impl Look {
    /// For a file or a pipe.
    pub const PLAIN: Look = Look {
        width: 100,
        colour: false,
    };
}

/// A name that no format has.
#[derive(Debug, thiserror::Error)]
#[error("unknown format {name:?}: expected one of {known}{hint}")]
pub struct UnknownFormat {
    name: String,
    known: String,
    hint: String,
}

impl Format {
    pub fn named(name: &str) -> Result<&'static Format, UnknownFormat> {
        let names = || FORMATS.iter().map(|format| format.name);
        FORMATS
            .iter()
            .find(|format| format.name == name)
            .ok_or_else(|| UnknownFormat {
                name: name.to_owned(),
                known: names().collect::<Vec<_>>().join(", "),
                hint: did_you_mean(name, names())
                    .map(|hint| format!("; {hint}"))
                    .unwrap_or_default(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_found_by_its_name_and_a_near_miss_is_named() {
        assert_eq!(Format::named("json").unwrap().extension, "json");
        let error = Format::named("jsn").err().unwrap().to_string();
        assert_eq!(
            error,
            "unknown format \"jsn\": expected one of terminal, json, markdown; did you mean `json`?"
        );
    }
}
