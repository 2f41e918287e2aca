//! Rows into tables: COPY BINARY, in chunks that any worker may take.

pub mod stream;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::JoinSet;
use tokio_postgres::Config;

use self::stream::{BUFFER_BYTES, Stream};
use super::Error;
use super::cells::{Cells, Column};
use super::encode::Misfit;
use super::layout::Layout;
use super::value::Scratch;
use crate::postgres::failure::is_about_values;
use crate::postgres::relation::quote_identifier;
use crate::talk::Talk;

/// Rows that one COPY sends. Fixed, so that no number of workers changes what is sent.
const CHUNK_ROWS: u64 = 50_000;

/// The work of all workers: chunks of all tables, taken in order.
struct Work {
    layouts: Vec<Layout>,
    chunks: Vec<Chunk>,
    next: AtomicUsize,
    rows_done: AtomicU64,
    rows_total: u64,
    /// After a row was refused.
    goes_on: bool,
    /// By the index of their tables.
    refusals: Mutex<BTreeMap<usize, Refusal>>,
    talk: Talk,
}

/// A row that the server would not take: nothing more of its table was sent.
pub(super) struct Refusal {
    pub(super) table: String,
    /// Which it is, if the server says.
    pub(super) row: Option<u64>,
    pub(super) error: Error,
}

struct Chunk {
    /// Index in the layouts.
    table: usize,
    rows: Range<u64>,
}

/// Fills all tables, with `workers` streams at once. A row that is refused ends it, or, with `goes_on`, its table: then what
/// other tables have got may be gone, too.
pub(super) async fn all(
    config: &Config,
    layouts: Vec<Layout>,
    workers: usize,
    goes_on: bool,
    talk: &Talk,
) -> Result<Vec<Refusal>, Error> {
    let work = Arc::new(Work {
        chunks: chunks(&layouts),
        rows_total: layouts.iter().map(|layout| layout.rows).sum(),
        layouts,
        next: AtomicUsize::new(0),
        rows_done: AtomicU64::new(0),
        goes_on,
        refusals: Mutex::default(),
        talk: talk.clone(),
    });
    let mut streams = JoinSet::new();
    for _ in 0..workers.max(1) {
        let (config, work) = (config.clone(), Arc::clone(&work));
        streams.spawn(async move { work.take_all(&config).await });
    }
    while let Some(ended) = streams.join_next().await {
        ended.expect("a worker neither panics nor is aborted while it is waited for")?;
    }
    talk.done();
    let refusals = std::mem::take(&mut *work.refusals());
    Ok(refusals.into_values().collect())
}

fn chunks(layouts: &[Layout]) -> Vec<Chunk> {
    let of_table = |(table, layout): (usize, &Layout)| {
        let rows = layout.rows;
        (0..rows.div_ceil(CHUNK_ROWS)).map(move |chunk| Chunk {
            table,
            rows: chunk * CHUNK_ROWS..((chunk + 1) * CHUNK_ROWS).min(rows),
        })
    };
    layouts.iter().enumerate().flat_map(of_table).collect()
}

impl Work {
    /// Chunks go into one transaction until it has the rows of a full one: a commit for each of
    /// many small tables would take longer than its rows.
    async fn take_all(&self, config: &Config) -> Result<(), Error> {
        let mut stream = Stream::open(config).await?;
        let mut maker = Maker::default();
        let mut uncommitted = 0;
        while let Some(chunk) = self.chunks.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            if self.refusals().contains_key(&chunk.table) {
                continue;
            }
            let layout = &self.layouts[chunk.table];
            let rows = chunk.rows.clone();
            match self.copy(&mut stream, &mut maker, layout, rows).await {
                Ok(()) => uncommitted += chunk.rows.end - chunk.rows.start,
                Err(Failed::Server(error)) if self.goes_on && is_about_values(&error) => {
                    self.refuse(chunk, error);
                    stream.roll_back().await?;
                    uncommitted = 0;
                }
                Err(failed) => return Err(failed.at(layout)),
            }
            if uncommitted >= CHUNK_ROWS {
                stream.commit().await?;
                uncommitted = 0;
            }
        }
        stream.commit().await
    }

    fn refusals(&self) -> MutexGuard<'_, BTreeMap<usize, Refusal>> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuse(&self, chunk: &Chunk, error: tokio_postgres::Error) {
        let layout = &self.layouts[chunk.table];
        let refusal = Refusal {
            table: layout.name.clone(),
            row: line_of(&error).map(|line| chunk.rows.start + line.saturating_sub(1)),
            error: Failed::Server(error).at(layout),
        };
        self.refusals().entry(chunk.table).or_insert(refusal);
    }

    async fn copy(
        &self,
        stream: &mut Stream,
        maker: &mut Maker,
        layout: &Layout,
        rows: Range<u64>,
    ) -> Result<(), Failed> {
        stream.begin(&statement(layout, &layout.sql_name)).await?;
        let mut reported = rows.start;
        for start in rows.clone().step_by(BATCH as usize) {
            let end = (start + BATCH).min(rows.end);
            maker.put(layout, start..end, &mut stream.buffer)?;
            if stream.buffer.len() >= BUFFER_BYTES {
                stream.send().await?;
                self.report(end - reported);
                reported = end;
            }
        }
        stream.end().await?;
        self.report(rows.end - reported);
        Ok(())
    }

    fn report(&self, rows: u64) {
        let done = self.rows_done.fetch_add(rows, Ordering::Relaxed) + rows;
        self.talk.progress("filling", done, self.rows_total, "rows");
    }
}

/// The line that the server was at, from 1: `COPY orders, line 17`.
fn line_of(error: &tokio_postgres::Error) -> Option<u64> {
    let context = error.as_db_error()?.where_()?;
    let copy = context.lines().find(|line| line.starts_with("COPY "))?;
    let (_, line) = copy.rsplit_once(", line ")?;
    let digits = line.split(|char: char| !char.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// Why a table's rows did not arrive.
pub(super) enum Failed {
    Server(tokio_postgres::Error),
    Misfit { column: usize, misfit: Misfit },
}

impl From<tokio_postgres::Error> for Failed {
    fn from(error: tokio_postgres::Error) -> Failed {
        Failed::Server(error)
    }
}

impl Failed {
    pub(super) fn at(self, layout: &Layout) -> Error {
        match self {
            Failed::Server(error) => {
                Error::doing(format!("while filling {}", layout.sql_name))(error)
            }
            Failed::Misfit { column, misfit } => Error::Value {
                table: layout.name.clone(),
                column: layout.columns[column].name.clone(),
                misfit,
            },
        }
    }
}

/// COPY into the layout's table, or one with the same columns.
pub(super) fn statement(layout: &Layout, table: &str) -> String {
    let columns: Vec<_> = layout
        .columns
        .iter()
        .map(|column| quote_identifier(&column.name))
        .collect();
    format!(
        "COPY {} ({}) FROM STDIN (FORMAT binary)",
        table,
        columns.join(", ")
    )
}

/// Rows that are made a column at a time.
const BATCH: u64 = 32;

/// Makes rows.
#[derive(Default)]
pub(super) struct Maker {
    scratch: Scratch,
    /// As many as any table so far has had.
    columns: Vec<Column>,
}

impl Maker {
    /// Appends rows: first all cells of a column, then the next column, and these row by row.
    pub(super) fn put(
        &mut self,
        layout: &Layout,
        rows: Range<u64>,
        out: &mut Cells,
    ) -> Result<(), Failed> {
        let described = &layout.columns;
        let width = described.len();
        let known = self.columns.len().max(width);
        self.columns.resize_with(known, Column::default);
        for (number, (column, cells)) in described.iter().zip(&mut self.columns).enumerate() {
            let (generator, encoding) = (&column.generator, &column.encoding);
            generator
                .put_all(rows.clone(), &mut self.scratch, encoding, cells)
                .map_err(|misfit| Failed::Misfit {
                    column: number,
                    misfit,
                })?;
        }
        for at in 0..(rows.end - rows.start) as usize {
            out.put_i16(width as i16);
            for Column { cells, ends } in &self.columns[..width] {
                let start = if at == 0 { 0 } else { ends[at - 1] };
                out.put_part(cells, start..ends[at]);
            }
        }
        Ok(())
    }
}
