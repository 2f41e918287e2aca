//! Rows into tables: COPY BINARY, in chunks that any worker may take.

use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::SinkExt;
use tokio::task::JoinSet;
use tokio_postgres::{Client, Config};

use super::Error;
use super::layout::Layout;
use super::session::Session;
use super::value::Scratch;
use crate::postgres::relation::quote_identifier;
use crate::talk::Talk;

/// Rows that one COPY sends. Fixed, so that no number of workers changes what is sent.
const CHUNK_ROWS: u64 = 50_000;
/// Bytes made before they are handed to the connection.
const BUFFER_BYTES: usize = 256 << 10;

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
    async fn take_all(&self, config: &Config) -> Result<(), Error> {
        let session = Session::open(config).await?;
        let mut buffer = BytesMut::new();
        while let Some(chunk) = self.chunks.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let layout = &self.layouts[chunk.table];
            self.copy(&session, layout, chunk.rows.clone(), &mut buffer)
                .await?;
        }
        // The last COPY's answer comes before its commit; the next answer comes after it.
        let committed = session.batch_execute("").await;
        committed.map_err(Error::doing("while committing the last rows"))
    }

    async fn copy(
        &self,
        client: &Client,
        layout: &Layout,
        rows: Range<u64>,
        buffer: &mut BytesMut,
    ) -> Result<(), Error> {
        let failed = || Error::doing(format!("while filling {}", layout.sql_name));
        let sink = client
            .copy_in::<_, Bytes>(&statement(layout, &layout.sql_name))
            .await
            .map_err(failed())?;
        let mut sink = pin!(sink);
        let mut scratch = Scratch::default();
        put_header(buffer);
        let mut reported = rows.start;
        for row in rows.clone() {
            put_row(layout, row, &mut scratch, buffer)?;
            if buffer.len() >= BUFFER_BYTES {
                sink.send(buffer.split().freeze()).await.map_err(failed())?;
                // Takes the same memory again where the connection is done with it.
                buffer.reserve(BUFFER_BYTES + BUFFER_BYTES / 8);
                self.report(row + 1 - reported);
                reported = row + 1;
            }
        }
        buffer.put_i16(-1);
        sink.send(buffer.split().freeze()).await.map_err(failed())?;
        sink.as_mut().finish().await.map_err(failed())?;
        self.report(rows.end - reported);
        Ok(())
    }

    fn report(&self, rows: u64) {
        let done = self.rows_done.fetch_add(rows, Ordering::Relaxed) + rows;
        self.talk.progress("filling", done, self.rows_total, "rows");
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

/// Signature, flags, length of an extension: COPY's binary format.
pub(super) fn put_header(buffer: &mut BytesMut) {
    buffer.put_slice(b"PGCOPY\n\xff\r\n\0");
    buffer.put_i32(0);
    buffer.put_i32(0);
}

pub(super) fn put_row(
    layout: &Layout,
    row: u64,
    scratch: &mut Scratch,
    buffer: &mut BytesMut,
) -> Result<(), Error> {
    buffer.put_i16(layout.columns.len() as i16);
    for column in &layout.columns {
        column
            .generator
            .put(row, scratch, &column.encoding, buffer)
            .map_err(|misfit| Error::Value {
                table: layout.name.clone(),
                column: column.name.clone(),
                misfit,
            })?;
    }
    Ok(())
}
