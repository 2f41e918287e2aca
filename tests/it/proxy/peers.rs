//! Peers that speak the protocol by hand: byte for byte, and badly.

use bytes::BytesMut;
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use super::stage::{Stage, Stopped};

/// Reads up to the server's first ReadyForQuery, telling the password if it is asked for.
async fn log_in(peer: &mut (impl AsyncRead + AsyncWrite + Unpin), stage: &Stage) -> Vec<u8> {
    let config = stage.proxy.config();
    let mut out = BytesMut::new();
    let parameters = [
        ("user", config.get_user().unwrap()),
        ("database", config.get_dbname().unwrap()),
        ("DateStyle", "ISO, DMY"),
    ];
    frontend::startup_message(parameters, &mut out).unwrap();
    peer.write_all(&out).await.unwrap();
    let mut said = Vec::new();
    loop {
        let mut message = vec![0; 5];
        peer.read_exact(&mut message).await.unwrap();
        let length = u32::from_be_bytes(message[1..].try_into().unwrap());
        message.resize(1 + length as usize, 0);
        peer.read_exact(&mut message[5..]).await.unwrap();
        match message[0] {
            b'R' if message[8] == 3 => {
                out.clear();
                frontend::password_message(config.get_password().unwrap(), &mut out).unwrap();
                peer.write_all(&out).await.unwrap();
            }
            // Each backend has its own.
            b'K' => {}
            b'Z' => return said,
            _ => said.extend(message),
        }
    }
}

/// All that is answered to these bytes, up to the end of the connection.
async fn answers(peer: &mut (impl AsyncRead + AsyncWrite + Unpin), bytes: &[u8]) -> Vec<u8> {
    let mut said = Vec::new();
    let (mut read, mut write) = tokio::io::split(peer);
    let (written, ended) = tokio::join!(write.write_all(bytes), read.read_to_end(&mut said));
    written.unwrap();
    ended.unwrap();
    said
}

/// A session of everything that the protocol has, pipelined from its first byte to its last.
fn session() -> BytesMut {
    let mut out = BytesMut::new();
    let query = |sql: &str, out: &mut BytesMut| frontend::query(sql, out).unwrap();
    let bind = |statement: &str, out: &mut BytesMut| {
        let serialize = |value: &str, out: &mut BytesMut| {
            out.extend_from_slice(value.as_bytes());
            Ok(IsNull::No)
        };
        assert!(frontend::bind("p", statement, [], ["5"], serialize, [], out).is_ok());
    };
    query("", &mut out);
    query(
        "SELECT id, repeat('x', id * 1000) FROM t; SELECT 1",
        &mut out,
    );
    query("BEGIN; ALTER TABLE t ADD c int", &mut out);
    query("SELECT nothing", &mut out);
    query("ROLLBACK", &mut out);
    query("DO $$ BEGIN RAISE WARNING 'heard'; END $$", &mut out);
    query("SET application_name = 'other'", &mut out);
    frontend::parse("s", "SELECT id FROM t WHERE id <= $1", [23], &mut out).unwrap();
    frontend::describe(b'S', "s", &mut out).unwrap();
    frontend::flush(&mut out);
    bind("s", &mut out);
    frontend::describe(b'P', "p", &mut out).unwrap();
    frontend::execute("p", 2, &mut out).unwrap();
    frontend::execute("p", 0, &mut out).unwrap();
    frontend::close(b'P', "p", &mut out).unwrap();
    bind("unknown", &mut out);
    frontend::execute("p", 0, &mut out).unwrap();
    frontend::sync(&mut out);
    query("BEGIN", &mut out);
    query("COPY t FROM STDIN", &mut out);
    for id in 0..20_000 {
        let row = format!("{id}\n").into_bytes();
        frontend::CopyData::new(&row[..]).unwrap().write(&mut out);
    }
    frontend::copy_done(&mut out);
    query("COPY t TO STDOUT", &mut out);
    query("COPY t FROM STDIN", &mut out);
    frontend::copy_fail("no more", &mut out).unwrap();
    query("ROLLBACK", &mut out);
    // abs(int4), called by its number, with one argument; all in binary.
    out.extend_from_slice(b"F\0\0\0\x18");
    out.extend_from_slice(&1397_u32.to_be_bytes());
    out.extend_from_slice(&[0, 1, 0, 1, 0, 1, 0, 0, 0, 4]);
    out.extend_from_slice(&(-7_i32).to_be_bytes());
    out.extend_from_slice(&[0, 1]);
    frontend::terminate(&mut out);
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_gets_the_same_bytes_as_without_the_proxy() {
    let stage = Stage::with("CREATE TABLE t AS SELECT id FROM generate_series(1, 9) id").await;
    let bytes = session();
    let mut direct = UnixStream::connect(stage.socket()).await.unwrap();
    let mut through = TcpStream::connect(stage.proxy.address).await.unwrap();
    let greetings = (
        log_in(&mut direct, &stage).await,
        log_in(&mut through, &stage).await,
    );
    assert!(greetings.0 == greetings.1, "{greetings:?}");
    let expected = answers(&mut direct, &bytes).await;
    let found = answers(&mut through, &bytes).await;
    assert!(expected.len() > 200_000, "{}", expected.len());
    let same = expected.iter().zip(&found).take_while(|(a, b)| a == b);
    let differ = same.count();
    assert!(
        expected == found,
        "they differ from byte {differ} on, {:?} and {:?}",
        String::from_utf8_lossy(&expected[differ..expected.len().min(differ + 200)]),
        String::from_utf8_lossy(&found[differ..found.len().min(differ + 200)]),
    );
    let Stopped {
        traced, statements, ..
    } = stage.stop().await;
    // Sent all at once, it has answers that come together.
    let ran: Vec<_> = statements.iter().map(|s| s.sql.as_str()).collect();
    let ran = ran.join(";\n");
    for sql in [
        "SELECT id, repeat('x', id * 1000) FROM t",
        "ALTER TABLE t ADD c int",
        "SELECT nothing",
        "DO $$ BEGIN RAISE WARNING 'heard'; END $$",
        "SELECT id FROM t WHERE id <= $1",
        "COPY t FROM STDIN",
        "COPY t TO STDOUT",
    ] {
        assert!(ran.contains(sql), "{sql}: {ran}");
    }
    let failed = traced.failures.iter().map(|one| one.sqlstate);
    let failed: Vec<_> = failed.map(|state| state.unwrap().to_string()).collect();
    assert_eq!(failed, ["42703", "26000", "57014"]);
}

/// Sends these bytes to the proxy, and says what it answered and for which reason it closed.
async fn check(stage: &Stage, bytes: &[u8], answer: &str) {
    let mut peer = TcpStream::connect(stage.proxy.address).await.unwrap();
    let mut said = Vec::new();
    peer.write_all(bytes).await.unwrap();
    let _ = peer.shutdown().await;
    // Closed with something unread it may be reset.
    let _ = peer.read_to_end(&mut said).await;
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains(answer), "{said:?} to {bytes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_speak_the_protocol_is_turned_away() {
    let stage = Stage::with("").await;
    check(&stage, b"GET / HTTP/1.1\r\n\r\n", "").await;
    check(&stage, b"\0\0\0\x03\0\0\0\0", "3 bytes long").await;
    check(&stage, b"\x40\0\0\0\0\x03\0\0", "1073741824 bytes long").await;
    check(&stage, b"\0\0\0\x08\0\x02\0\0", "version 2").await;
    check(&stage, b"\0\0\0\x08\x04\xd2\x16\x2f", "N").await;

    let mut peer = TcpStream::connect(stage.proxy.address).await.unwrap();
    log_in(&mut peer, &stage).await;
    assert_eq!(answers(&mut peer, b"S\x40\0\0\0").await, b"");
    let mut peer = TcpStream::connect(stage.proxy.address).await.unwrap();
    log_in(&mut peer, &stage).await;
    assert_eq!(answers(&mut peer, b"Q\0\0\0\x02").await, b"");

    let mut wrong = stage.proxy.config();
    wrong.password("guessed");
    let error = pgrehearse::provision::connect(&wrong).await.err().unwrap();
    assert_eq!(error.code().unwrap().code(), "28P01");

    let Stopped {
        traced, statements, ..
    } = stage.stop().await;
    assert_eq!(statements, []);
    let expected = [
        "a first packet says that it is 1195725856 bytes long",
        "a first packet says that it is 3 bytes long",
        "a first packet says that it is 1073741824 bytes long",
        "a client wants version 2 of the protocol",
        "a message 'S' says that it is 1073741824 bytes long",
        "a message 'Q' says that it is 2 bytes long",
        "a client did not know the password",
    ];
    for reason in expected {
        assert!(traced.refused.iter().any(|one| one == reason), "{traced:?}");
    }
}
