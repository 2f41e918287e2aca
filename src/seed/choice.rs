//! How each table is filled: what is described, what is inferred of the rest, and what loading it has taught.

use std::collections::BTreeMap;

use super::copy::Refusal;
use super::dataset::{Description, TableSpec};
use super::infer::{self, Inferred};
use super::session::Session;
use super::structure::Structure;
use super::trial::{self, Refused};
use super::{Error, Spec, kept};

/// What is chosen for the tables of a database.
pub(super) struct Choice<'a> {
    session: &'a Session,
    spec: &'a Spec,
    /// What the rest is inferred from; `None` where all is described.
    open: Option<Open>,
}

/// What a description leaves open.
pub(super) struct Open {
    pub(super) structure: Structure,
    description: Description,
    refused: Refused,
}

/// A description without gaps, and why tables stay empty.
pub(super) struct Chosen {
    pub(super) spec: Spec,
    pub(super) empty: BTreeMap<String, String>,
}

impl<'a> Choice<'a> {
    /// Reads what there is to choose for.
    pub(super) async fn open(session: &'a Session, spec: &'a Spec) -> Result<Choice<'a>, Error> {
        let open = match spec.dataset.infer {
            true => Some(Open::read(session, spec).await?),
            false => None,
        };
        Ok(Choice {
            session,
            spec,
            open,
        })
    }

    /// Chooses, and tries it on the server.
    pub(super) async fn make(&self) -> Result<Chosen, Error> {
        let mut spec = self.spec.clone();
        let Some(open) = &self.open else {
            let empty = |(name, table): (&String, &TableSpec)| {
                let why = table.empty.clone()?;
                Some((name.clone(), why))
            };
            let empty: BTreeMap<_, _> = spec.dataset.tables.iter().filter_map(empty).collect();
            spec.dataset
                .tables
                .retain(|name, _| !empty.contains_key(name));
            trial::check(self.session, &spec).await?;
            return Ok(Chosen { spec, empty });
        };
        let inferred = open.infer(self.session, self.spec).await?;
        spec.dataset.main = inferred.main;
        spec.dataset.tables = inferred.tables;
        Ok(Chosen {
            spec,
            empty: inferred.empty,
        })
    }

    /// Whether there is anything to choose.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Takes note of rows that a load could not bring in, so that the next choice does without them.
    pub(super) fn learn(&mut self, refusals: Vec<Refusal>) {
        let Some(open) = &mut self.open else {
            return;
        };
        for refusal in refusals {
            let known = open.refused.contains_key(&refusal.table);
            match refusal.row {
                Some(row) if !known => {
                    open.refused.entry(refusal.table).or_default().insert(row);
                }
                // What the trial of that row has not mended is not to be mended.
                _ => {
                    let empty = TableSpec {
                        empty: Some(format!("the server refuses a row: {}", refusal.error)),
                        ..TableSpec::default()
                    };
                    open.description.tables.insert(refusal.table, empty);
                }
            }
        }
    }
}

impl Open {
    /// Reads the tables that there are. Those with rows keep them.
    pub(super) async fn read(session: &Session, spec: &Spec) -> Result<Open, Error> {
        let mut description = spec.dataset.description();
        let structure = Structure::read(session).await?;
        kept::describe(session, &structure, &mut description).await?;
        Ok(Open {
            structure,
            description,
            refused: Refused::new(),
        })
    }

    /// What is inferred and has passed the server's trial, with its reasons.
    pub(super) async fn infer(&self, session: &Session, spec: &Spec) -> Result<Inferred, Error> {
        let (structure, description) = (&self.structure, &self.description);
        let inferred = infer::infer(structure, description, spec.rows, spec.seed);
        let refused = &self.refused;
        trial::settle(session, structure, spec, description, refused, inferred).await
    }
}
