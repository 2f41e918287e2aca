//! What a stage says while it works. Stages speak, `commands` decides how it is shown.

use std::sync::Arc;

/// One thing said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// One line for people, such as why a provider was chosen.
    Note(String),
    /// How far a long piece of work is; `total` 0 means that it is not known.
    Progress {
        what: String,
        done: u64,
        total: u64,
        unit: &'static str,
    },
    /// The piece of work last reported by `Progress` has ended.
    Done,
}

/// Where a stage speaks to. Cheap to clone.
#[derive(Clone)]
pub struct Talk(Arc<dyn Fn(Said) + Send + Sync>);

impl Talk {
    pub fn new(listen: impl Fn(Said) + Send + Sync + 'static) -> Talk {
        Talk(Arc::new(listen))
    }

    /// Nobody listens.
    pub fn silent() -> Talk {
        Talk::new(|_| {})
    }

    pub fn note(&self, text: impl Into<String>) {
        (self.0)(Said::Note(text.into()));
    }

    pub fn progress(&self, what: &str, done: u64, total: u64, unit: &'static str) {
        (self.0)(Said::Progress {
            what: what.to_owned(),
            done,
            total,
            unit,
        });
    }

    pub fn done(&self) {
        (self.0)(Said::Done);
    }
}
