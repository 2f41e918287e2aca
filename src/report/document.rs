//! The report as a document: reading it, and the JSON Schema it keeps to.

use serde::Deserialize;

use super::{Report, SCHEMA_VERSION};

/// Why a text cannot be read as a report.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("not JSON: {0}; expected a report.json that pgrehearse wrote")]
    NotJson(serde_json::Error),
    #[error(
        "not a report: it has no \"schema_version\"; expected a report.json that pgrehearse wrote"
    )]
    NotAReport,
    #[error(
        "the report has schema version {theirs}, this pgrehearse reads up to {}; \
         install pgrehearse {tool_version} or later",
        SCHEMA_VERSION
    )]
    Newer { theirs: u64, tool_version: String },
    #[error(
        "not a report of schema version {version}: {problem}; rehearse again, or undo the edit that broke it"
    )]
    Malformed {
        version: u64,
        problem: serde_json::Error,
    },
}

/// What every version of the document has had, and will have.
#[derive(Deserialize)]
struct Envelope {
    schema_version: Option<u64>,
    tool_version: Option<String>,
}

impl Report {
    /// Reads a report of this schema version or an older one.
    pub fn read(text: &str) -> Result<Report, ReadError> {
        let value: serde_json::Value = serde_json::from_str(text).map_err(ReadError::NotJson)?;
        let envelope = Envelope::deserialize(&value).map_err(|_| ReadError::NotAReport)?;
        let theirs = envelope.schema_version.ok_or(ReadError::NotAReport)?;
        if theirs > u64::from(SCHEMA_VERSION) {
            return Err(ReadError::Newer {
                theirs,
                tool_version: envelope
                    .tool_version
                    .unwrap_or_else(|| "of that version".into()),
            });
        }
        // From the text again: an error then has its line and column.
        serde_json::from_str(text).map_err(|problem| ReadError::Malformed {
            version: theirs,
            problem,
        })
    }
}

/// The JSON Schema of `report.json`.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Report).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXTURE: &str = include_str!("../../tests/fixtures/reports/create-index.json");

    fn edited(edit: impl Fn(&mut serde_json::Value)) -> String {
        let mut value: serde_json::Value = serde_json::from_str(FIXTURE).unwrap();
        edit(&mut value);
        value.to_string()
    }

    fn error(text: &str) -> String {
        Report::read(text).unwrap_err().to_string()
    }

    #[test]
    fn a_report_survives_being_written_and_read() {
        let report = Report::read(FIXTURE).unwrap();
        let again = Report::read(&serde_json::to_string(&report).unwrap()).unwrap();
        assert_eq!(report, again);
    }

    #[test]
    fn a_newer_report_names_both_versions_and_the_tool() {
        // What a newer version changed must not be looked at: it cannot be understood.
        let newer = edited(|report| {
            report["schema_version"] = 7.into();
            report["tool_version"] = "3.1.4".into();
            report["runs"] = "in another shape".into();
        });
        assert_eq!(
            error(&newer),
            "the report has schema version 7, this pgrehearse reads up to 1; \
             install pgrehearse 3.1.4 or later"
        );
    }

    #[test]
    fn what_is_no_report_is_named_as_such() {
        assert!(error("<html>").starts_with("not JSON: "));
        assert!(error("[1]").starts_with("not a report: "));
        assert!(error(r#"{"runs": []}"#).starts_with("not a report: "));
        assert!(error(r#"{"schema_version": "1"}"#).starts_with("not a report: "));
    }

    #[test]
    fn a_damaged_report_names_the_key() {
        let damaged = edited(|report| report["runs"][0]["locks"][0]["mode"] = "Exclusiv".into());
        let message = error(&damaged);
        assert!(message.contains("schema version 1"), "{message}");
        assert!(message.contains("Exclusiv"), "{message}");
    }

    #[test]
    fn the_schema_has_the_keys_that_others_rely_on() {
        let schema = schema();
        for key in [
            "schema_version",
            "outcome",
            "scenario",
            "dataset",
            "runs",
            "verdict",
        ] {
            assert!(!schema["properties"][key].is_null(), "{key}");
        }
        assert!(!schema["$defs"]["Lock"]["properties"]["hold_ms"].is_null());
    }
}
