//! Conversations message by message, at moments that the test sets.

use bytes::BytesMut;
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend;

use super::*;
use crate::rehearse::migrate::Progress;
use crate::rehearse::recording::StatementRecord;

struct Scene {
    conversation: Conversation,
    progress: Progress,
    ledger: Arc<Ledger>,
}

impl Scene {
    /// A session that has been let in.
    fn new() -> Scene {
        let progress = Progress::default();
        let ledger = Arc::new(Ledger::new(Arc::clone(&progress)));
        let mut scene = Scene {
            conversation: Conversation::new(Arc::clone(&ledger), Watched::default(), 0),
            progress,
            ledger,
        };
        scene.answer(0, &[(b'K', &[0, 0, 0, 7, 1, 2, 3, 4]), (b'Z', b"I")]);
        scene
    }

    fn request(&mut self, at: u64, write: impl FnOnce(&mut BytesMut)) {
        let mut bytes = BytesMut::new();
        write(&mut bytes);
        self.conversation.requests(&bytes).unwrap();
        self.conversation.passes_on(At(at));
    }

    fn query(&mut self, at: u64, sql: &str) {
        self.request(at, |out| frontend::query(sql, out).unwrap());
    }

    /// Parse, Bind, Execute, without a Sync.
    fn execute(&mut self, at: u64, sql: &str) {
        self.request(at, |out| {
            frontend::parse("", sql, [], out).unwrap();
            let none: [i32; 0] = [];
            let is_null = |_, _: &mut BytesMut| Ok(IsNull::Yes);
            assert!(frontend::bind("", "", [], none, is_null, [], out).is_ok());
            frontend::execute("", 0, out).unwrap();
        });
    }

    /// Whether the locks are to be read before these are passed on; if so, they are at once.
    fn answer(&mut self, at: u64, messages: &[(u8, &[u8])]) -> bool {
        let bytes: Vec<u8> = messages
            .iter()
            .flat_map(|(tag, body)| {
                let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
                [&[*tag], &length[..], body].concat()
            })
            .collect();
        let reads = self.conversation.answers(&bytes, At(at)).unwrap();
        if reads {
            self.conversation.has_read(At(at), Some(at * 10));
        }
        reads
    }

    fn records(&self) -> Vec<StatementRecord> {
        self.progress.lock().unwrap().clone()
    }

    /// Text, start and end of each statement.
    fn spans(&self) -> Vec<(String, u64, u64)> {
        let span = |one: StatementRecord| (one.sql, one.start.0, one.end.0);
        self.records().into_iter().map(span).collect()
    }
}

fn span(sql: &str, start: u64, end: u64) -> (String, u64, u64) {
    (sql.to_owned(), start, end)
}

const DONE: (u8, &[u8]) = (b'C', b"DONE\0");
const PARSED: (u8, &[u8]) = (b'1', b"");
const IDLE: (u8, &[u8]) = (b'Z', b"I");
const OPEN: (u8, &[u8]) = (b'Z', b"T");
const FAILED: (u8, &[u8]) = (b'Z', b"E");
const ERROR: (u8, &[u8]) = (b'E', b"SERROR\0C42P01\0Mno such table\0\0");

#[test]
fn in_a_transaction_locks_are_read_at_each_end_of_a_statement() {
    let mut scene = Scene::new();
    scene.query(1_000, "BEGIN");
    assert!(scene.answer(1_100, &[DONE, OPEN]), "for the WAL's position");
    scene.query(1_200, "ALTER TABLE t ADD c int");
    assert!(scene.answer(1_900, &[DONE, OPEN]));
    scene.query(2_000, "COMMIT");
    assert!(!scene.conversation.reads_first(At(2_000)));
    assert!(!scene.answer(2_100, &[DONE, IDLE]));
    assert_eq!(
        scene.spans(),
        [span("ALTER TABLE t ADD c int", 1_200, 1_900)]
    );
    assert_eq!(scene.records()[0].wal_bytes, Some(8_000));
}

#[test]
fn what_commits_on_its_own_is_not_held_back() {
    let mut scene = Scene::new();
    scene.query(1_000, "ALTER TABLE t ADD c int;");
    assert!(!scene.answer(1_900, &[DONE, IDLE]));
    scene.execute(3_000, "DROP TABLE t");
    scene.request(3_000, frontend::sync);
    assert!(!scene.answer(3_500, &[PARSED, (b'2', b""), DONE, IDLE]));
    assert_eq!(
        scene.spans(),
        [
            span("ALTER TABLE t ADD c int", 1_000, 1_900),
            span("DROP TABLE t", 3_000, 3_500)
        ]
    );
}

#[test]
fn a_loop_of_writes_does_not_pay_a_reading_each() {
    let mut scene = Scene::new();
    scene.query(0, "BEGIN");
    scene.answer(0, &[DONE, OPEN]);
    let mut readings = 0;
    for at in (0..100_000).step_by(100) {
        scene.query(at, "UPDATE t SET c = 1");
        readings += usize::from(scene.answer(at + 50, &[DONE, OPEN]));
    }
    assert!((45..=50).contains(&readings), "{readings}");
    // What the last ones took is read before it goes.
    scene.request(101_900, |out| frontend::query("COMMIT", out).unwrap());
    let mut last = Scene::new();
    last.query(0, "BEGIN");
    last.answer(0, &[DONE, OPEN]);
    last.query(100, "UPDATE t SET c = 1");
    assert!(!last.answer(200, &[DONE, OPEN]));
    let mut commit = BytesMut::new();
    frontend::query("COMMIT", &mut commit).unwrap();
    last.conversation.requests(&commit).unwrap();
    assert!(last.conversation.reads_first(At(2_300)));
}

#[test]
fn the_statements_of_one_text_are_told_apart_by_their_ends() {
    let mut scene = Scene::new();
    scene.query(1_000, "BEGIN; LOCK TABLE t; SELECT 1; SELEC; COMMIT");
    assert_eq!(
        scene.spans().len(),
        1,
        "what does not parse is one statement"
    );
    scene.answer(1_001, &[ERROR, IDLE]);
    scene.query(2_000, "BEGIN; LOCK TABLE t;\nSELECT 1; COMMIT");
    assert!(scene.answer(2_100, &[DONE, DONE]));
    assert!(!scene.answer(2_200, &[DONE]));
    scene.answer(2_300, &[DONE, IDLE]);
    assert_eq!(
        scene.spans()[1..],
        [
            span("LOCK TABLE t", 2_000, 2_100),
            span("SELECT 1", 2_100, 2_200)
        ]
    );
    assert_eq!(scene.records()[2].line, 2);
}

#[test]
fn after_an_error_what_was_sent_up_to_the_sync_does_not_run() {
    let mut scene = Scene::new();
    scene.query(0, "BEGIN");
    scene.answer(0, &[DONE, OPEN]);
    scene.execute(100, "SELECT 1");
    scene.execute(100, "DELETE FROM t");
    assert!(scene.answer(200, &[PARSED, (b'2', b""), DONE, ERROR]));
    scene.execute(300, "DROP TABLE u");
    scene.request(400, frontend::sync);
    scene.answer(500, &[FAILED]);
    scene.query(600, "SELECT 2");
    scene.answer(700, &[ERROR, FAILED]);
    assert_eq!(
        scene.spans(),
        [
            span("SELECT 1;\nDELETE FROM t", 100, 200),
            span("SELECT 2", 600, 700)
        ]
    );
    let failures = scene.ledger.take().1;
    let failed: Vec<_> = failures.iter().map(|one| one.statement).collect();
    assert_eq!(failed, [Some(0), Some(1)]);
}

#[test]
fn a_statement_that_is_only_prepared_is_none_yet() {
    let mut scene = Scene::new();
    scene.request(100, |out| {
        frontend::parse("s", "DELETE FROM t", [], out).unwrap();
        frontend::sync(out);
    });
    scene.answer(200, &[PARSED, IDLE]);
    assert_eq!(scene.spans(), []);
    for at in [1_000, 2_000] {
        scene.request(at, |out| {
            let none: [i32; 0] = [];
            let is_null = |_, _: &mut BytesMut| Ok(IsNull::Yes);
            assert!(frontend::bind("", "s", [], none, is_null, [], out).is_ok());
            frontend::execute("", 0, out).unwrap();
            frontend::sync(out);
        });
        scene.answer(at + 50, &[(b'2', b""), DONE, IDLE]);
    }
    assert_eq!(
        scene.spans(),
        [
            span("DELETE FROM t", 1_000, 1_050),
            span("DELETE FROM t", 2_000, 2_050)
        ]
    );
}

#[test]
fn requests_with_a_sync_each_are_told_apart_though_their_answers_come_together() {
    let mut scene = Scene::new();
    scene.query(0, "BEGIN");
    scene.answer(0, &[DONE, OPEN]);
    scene.request(90, |out| {
        frontend::close(b'S', "before", out).unwrap();
        frontend::sync(out);
    });
    scene.query(100, "LOCK TABLE t");
    scene.query(110, "LOCK TABLE u");
    assert!(scene.answer(200, &[(b'3', b""), OPEN, DONE, OPEN, DONE, OPEN]));
    assert_eq!(
        scene.spans(),
        [
            span("LOCK TABLE t", 110, 200),
            span("LOCK TABLE u", 110, 200)
        ]
    );
}

#[test]
fn a_sync_before_the_rows_of_a_copy_is_not_answered() {
    let mut scene = Scene::new();
    scene.execute(100, "COPY t FROM STDIN");
    scene.request(100, frontend::sync);
    scene.answer(200, &[PARSED, (b'2', b""), (b'G', b"")]);
    scene.request(300, |out| {
        frontend::copy_done(out);
        frontend::sync(out);
    });
    scene.answer(400, &[DONE, IDLE]);
    scene.query(500, "COPY t FROM STDIN");
    scene.answer(600, &[(b'G', b""), ERROR, IDLE]);
    scene.request(700, frontend::copy_done);
    scene.execute(710, "COPY t FROM STDIN");
    scene.request(710, frontend::sync);
    scene.answer(720, &[PARSED, (b'2', b""), (b'G', b""), ERROR]);
    scene.request(730, |out| {
        frontend::copy_done(out);
        frontend::sync(out);
    });
    scene.answer(740, &[IDLE]);
    scene.query(800, "SELECT 1");
    scene.answer(900, &[DONE, IDLE]);
    assert_eq!(
        scene.spans(),
        [
            span("COPY t FROM STDIN", 100, 400),
            span("COPY t FROM STDIN", 500, 600),
            span("COPY t FROM STDIN", 710, 720),
            span("SELECT 1", 800, 900)
        ]
    );
}

#[test]
fn what_ends_with_the_connection_has_failed() {
    let mut scene = Scene::new();
    scene.query(100, "VACUUM");
    scene
        .conversation
        .ends(At(900), "the server closed the connection");
    assert_eq!(scene.spans(), [span("VACUUM", 100, 900)]);
    let (sessions, failures, _) = scene.ledger.take();
    assert_eq!((sessions[0].pid, sessions[0].end), (7, At(900)));
    assert_eq!(sessions[0].error.as_ref(), failures.first());
    assert_eq!(failures[0].message, "the server closed the connection");
}
