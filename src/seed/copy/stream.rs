//! One connection that takes COPY after COPY. Benches send ready-made bytes through the same.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::SinkExt;
use tokio_postgres::{Config, CopyInSink};

use crate::seed::Error;
use crate::seed::cells::Cells;
use crate::seed::session::Session;

/// Bytes made before they are handed to the connection.
pub const BUFFER_BYTES: usize = 64 << 10;
/// Several rows are made at once, and they may begin just before the buffer is full.
const ROOM_BYTES: usize = 2 * BUFFER_BYTES;

/// A connection, its COPY if it is in one, and the bytes that go there next.
pub struct Stream {
    session: Session,
    sink: Option<Pin<Box<CopyInSink<Bytes>>>>,
    is_in_transaction: bool,
    pub buffer: Cells,
    spare: Spare,
}

/// Buffers that the connection is done with.
type Spare = Arc<Mutex<Vec<Cells>>>;

/// A buffer on its way, and where it goes after that.
struct Sent {
    cells: Cells,
    back: Spare,
}

impl AsRef<[u8]> for Sent {
    fn as_ref(&self) -> &[u8] {
        self.cells.as_slice()
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        let mut cells = std::mem::take(&mut self.cells);
        cells.clear();
        let mut spare = self.back.lock().unwrap_or_else(PoisonError::into_inner);
        spare.push(cells);
    }
}

impl Stream {
    pub async fn open(config: &Config) -> Result<Stream, Error> {
        Ok(Stream {
            session: Session::open(config).await?,
            sink: None,
            is_in_transaction: false,
            buffer: Cells::with_capacity(ROOM_BYTES),
            spare: Spare::default(),
        })
    }

    /// Starts this COPY … FROM STDIN (FORMAT binary), within the transaction of those before it.
    pub async fn begin(&mut self, statement: &str) -> Result<(), tokio_postgres::Error> {
        if !self.is_in_transaction {
            self.session.batch_execute("BEGIN").await?;
            self.is_in_transaction = true;
        }
        self.sink = Some(Box::pin(self.session.copy_in(statement).await?));
        put_header(&mut self.buffer);
        Ok(())
    }

    /// Hands the buffer over and goes on: the connection sends while the next one is filled.
    pub async fn send(&mut self) -> Result<(), tokio_postgres::Error> {
        let empty = self.spare();
        let sent = Sent {
            cells: std::mem::replace(&mut self.buffer, empty),
            back: Arc::clone(&self.spare),
        };
        self.send_ready(Bytes::from_owner(sent)).await
    }

    fn spare(&self) -> Cells {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let cells = spare.pop();
        cells.unwrap_or_else(|| Cells::with_capacity(ROOM_BYTES))
    }

    /// Sends rows that somebody made before.
    pub async fn send_ready(&mut self, rows: Bytes) -> Result<(), tokio_postgres::Error> {
        let sink = self.sink.as_mut();
        sink.expect("a COPY has begun").feed(rows).await
    }

    /// Sends what is left, and waits until the server has taken all.
    pub async fn end(&mut self) -> Result<(), tokio_postgres::Error> {
        self.buffer.put_i16(-1);
        self.send().await?;
        let mut sink = self.sink.take().expect("a COPY has begun");
        sink.as_mut().finish().await.map(drop)
    }

    /// Forgets the transaction and what was to be sent in it.
    pub async fn roll_back(&mut self) -> Result<(), Error> {
        self.sink = None;
        self.buffer.clear();
        self.is_in_transaction = false;
        let rolled_back = self.session.batch_execute("ROLLBACK").await;
        rolled_back.map_err(Error::doing("while rolling rows back"))
    }

    /// The rows are there for all. Does nothing where no COPY has begun since.
    pub async fn commit(&mut self) -> Result<(), Error> {
        if std::mem::take(&mut self.is_in_transaction) {
            let committed = self.session.batch_execute("COMMIT").await;
            committed.map_err(Error::doing("while committing rows"))?;
        }
        Ok(())
    }
}

/// Signature, flags, length of an extension: COPY's binary format.
pub(in crate::seed) fn put_header(buffer: &mut Cells) {
    buffer.put_slice(b"PGCOPY\n\xff\r\n\0");
    buffer.put_u64(0);
}
