//! Rows into tables: COPY BINARY, in chunks that any worker may take.

pub mod stream;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::{BufMut, BytesMut};
use tokio::task::JoinSet;
use tokio_postgres::Config;

use self::stream::{BUFFER_BYTES, Stream};
use super::Error;
use super::encode::Misfit;
use super::layout::Layout;
use super::value::Scratch;
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
    talk: Talk,
}

struct Chunk {
    /// Index in the layouts.
    table: usize,
    rows: Range<u64>,
}

/// Fills all tables, with `workers` streams at once.
pub(super) async fn all(
    config: &Config,
    layouts: Vec<Layout>,
    workers: usize,
    talk: &Talk,
) -> Result<(), Error> {
    let work = Arc::new(Work {
        chunks: chunks(&layouts),
        rows_total: layouts.iter().map(|layout| layout.rows).sum(),
        layouts,
        next: AtomicUsize::new(0),
        rows_done: AtomicU64::new(0),
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
    Ok(())
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
        let mut uncommitted = 0;
        while let Some(chunk) = self.chunks.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let layout = &self.layouts[chunk.table];
            let rows = chunk.rows.clone();
            self.copy(&mut stream, layout, rows.clone())
                .await
                .map_err(|failed| failed.at(layout))?;
            uncommitted += rows.end - rows.start;
            if uncommitted >= CHUNK_ROWS {
                stream.commit().await?;
                uncommitted = 0;
            }
        }
        stream.commit().await
    }

    async fn copy(
        &self,
        stream: &mut Stream,
        layout: &Layout,
        rows: Range<u64>,
    ) -> Result<(), Failed> {
        stream.begin(&statement(layout, &layout.sql_name)).await?;
        let mut scratch = Scratch::default();
        let mut reported = rows.start;
        for row in rows.clone() {
            put_row(layout, row, &mut scratch, &mut stream.buffer)?;
            if stream.buffer.len() >= BUFFER_BYTES {
                stream.send().await?;
                self.report(row + 1 - reported);
                reported = row + 1;
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

pub(super) fn put_row(
    layout: &Layout,
    row: u64,
    scratch: &mut Scratch,
    buffer: &mut BytesMut,
) -> Result<(), Failed> {
    buffer.put_i16(layout.columns.len() as i16);
    for (number, column) in layout.columns.iter().enumerate() {
        column
            .generator
            .put(row, scratch, &column.encoding, buffer)
            .map_err(|misfit| Failed::Misfit {
                column: number,
                misfit,
            })?;
    }
    Ok(())
}
