//! The ways to fill a table: ours, its ceiling, and others'.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use pgrehearse::seed::copy::stream::{BUFFER_BYTES, Stream};
use pgrehearse::seed::{self, Spec};
use pgrehearse::talk::Talk;

use crate::ground::{Cost, Ground, program};
use crate::tables::Table;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Values made on the fly.
    Made,
    /// The same bytes from memory, through the same client.
    Ready,
    PsqlBinary,
    PsqlCsv,
    Pgbench,
}

impl Way {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Way::Made => "made on the fly",
            Way::Ready => "ready in memory",
            Way::PsqlBinary => "psql \\copy binary",
            Way::PsqlCsv => "psql \\copy csv",
            Way::Pgbench => "pgbench -i -I g",
        }
    }
}

/// Rows of one COPY of ready-made bytes.
const READY_ROWS: u64 = 50_000;
/// How many such sets of rows there are, sent again and again.
const READY_SETS: u64 = 4;

/// What the ways need to have before they are measured.
pub(crate) struct Ways {
    spec: Spec,
    streams: usize,
    ready: Arc<Vec<Vec<Bytes>>>,
    files: Vec<(Way, PathBuf)>,
}

impl Ways {
    /// Creates the table, and fills it once for what the others send.
    pub(crate) async fn prepare(
        ground: &Ground,
        table: &Table,
        rows: u64,
        streams: usize,
        ways: &[Way],
    ) -> Result<Ways> {
        let spec = table.spec(rows, streams)?;
        let client = &ground.client;
        client
            .batch_execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            .await?;
        client.batch_execute(table.schema()).await?;
        let mut made = Ways {
            spec,
            streams,
            ready: Arc::default(),
            files: Vec::new(),
        };
        if ways.len() > 1 {
            seed::rows(&ground.config, &made.spec, &talk()).await?;
        }
        if ways.contains(&Way::Ready) {
            made.ready = Arc::new(ready(ground).await?);
        }
        for (way, format) in [(Way::PsqlBinary, "binary"), (Way::PsqlCsv, "csv")] {
            if ways.contains(&way) {
                let path = ground.dir.path().join(format);
                let half = format!("SELECT * FROM t LIMIT {}", rows / streams as u64);
                let copy = format!("\\copy ({half}) TO '{}' (FORMAT {format})", path.display());
                ground.programs(&[(&program("psql"), psql(&copy))])?;
                made.files.push((way, path));
            }
        }
        Ok(made)
    }

    /// Fills the emptied table in this way.
    pub(crate) async fn go(&self, ground: &Ground, way: Way) -> Result<Cost> {
        let tables: Vec<_> = self
            .spec
            .dataset
            .tables
            .keys()
            .map(String::as_str)
            .collect();
        let empty = format!("TRUNCATE {}", tables.join(", "));
        ground.client.batch_execute(&empty).await?;
        ground.client.batch_execute("CHECKPOINT").await.ok();
        match way {
            Way::Made => {
                let made = async || Ok(seed::rows(&ground.config, &self.spec, &talk()).await?);
                ground.measure(made).await
            }
            Way::Ready => ground.measure(async || self.send(ground).await).await,
            Way::PsqlBinary | Way::PsqlCsv => {
                let (_, path) = self
                    .files
                    .iter()
                    .find(|(of, _)| *of == way)
                    .context("the file is made")?;
                let format = if way == Way::PsqlCsv { "csv" } else { "binary" };
                let copy = format!("\\copy t FROM '{}' (FORMAT {format})", path.display());
                let psql = (program("psql"), psql(&copy));
                let all = vec![(psql.0.as_path(), psql.1); self.streams];
                ground.measure(async || ground.programs(&all)).await
            }
            Way::Pgbench => {
                let scale = (self.spec.rows / 100_000).to_string();
                let pgbench = program("pgbench");
                let run = |steps: &str| {
                    let arguments = ["-i", "-q", "-I", steps, "-s", &scale].map(str::to_owned);
                    ground.programs(&[(&pgbench, arguments.to_vec())])
                };
                run("dt")?;
                ground.measure(async || run("g")).await
            }
        }
    }

    /// As many rows as are made on the fly, from memory.
    async fn send(&self, ground: &Ground) -> Result<()> {
        let copies = self.spec.rows / READY_ROWS;
        let mut streams = tokio::task::JoinSet::new();
        for number in 0..self.streams as u64 {
            let (config, ready, streams_all) = (
                ground.config.clone(),
                self.ready.clone(),
                self.streams as u64,
            );
            streams.spawn(async move {
                let mut stream = Stream::open(&config).await?;
                for copy in (number..copies).step_by(streams_all as usize) {
                    stream.begin("COPY t FROM STDIN (FORMAT binary)").await?;
                    stream.send().await?;
                    for bytes in &ready[(copy % READY_SETS) as usize] {
                        stream.send_ready(bytes.clone()).await?;
                    }
                    stream.end().await?;
                    stream.commit().await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(ended) = streams.join_next().await {
            ended??;
        }
        Ok(())
    }
}

/// Rows of the filled table, as COPY sends them.
async fn ready(ground: &Ground) -> Result<Vec<Vec<Bytes>>> {
    const HEADER_BYTES: usize = 19;
    const END_BYTES: usize = 2;
    let mut sets = Vec::new();
    for set in 0..READY_SETS {
        let copy = format!(
            "COPY (SELECT * FROM t OFFSET {} LIMIT {READY_ROWS}) TO STDOUT (FORMAT binary)",
            set * READY_ROWS
        );
        let rows = ground.client.copy_out(&copy).await?;
        let all: BytesMut = rows
            .try_fold(BytesMut::new(), async |mut all, bytes| {
                all.extend_from_slice(&bytes);
                Ok(all)
            })
            .await?;
        let mut all = all.freeze();
        all.truncate(all.len() - END_BYTES);
        let mut all = all.split_off(HEADER_BYTES);
        let mut buffers = Vec::new();
        while !all.is_empty() {
            buffers.push(all.split_to(BUFFER_BYTES.min(all.len())));
        }
        sets.push(buffers);
    }
    Ok(sets)
}

fn psql(command: &str) -> Vec<String> {
    ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", command]
        .map(str::to_owned)
        .to_vec()
}

pub(crate) fn talk() -> Talk {
    Talk::silent()
}

/// The most memory that this process has had. Source: `proc_pid_status(5)`.
pub(crate) fn peak_kb() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    Ok(number.context("VmHWM")?.parse()?)
}
