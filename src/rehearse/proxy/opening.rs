//! The beginning of a connection: up to where the server, or the proxy in its place, has let the client in.
//!
//! The listener can be reached by every user of the machine. A server that asks for a password does so through the
//! proxy; for one that trusts whoever comes, because its socket is private, the proxy asks.

use std::io;

use anyhow::Result;
use bytes::BytesMut;
use postgres_protocol::message::backend::ERROR_RESPONSE_TAG;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::Config;

use super::frames::HEADER_BYTES;
use super::said;
use crate::rehearse::load::wire::{self, Socket};

/// The server's own limits.
const STARTUP_BYTES_MAX: usize = 10_000;
const AUTHENTICATION_BYTES_MAX: usize = 65_535;

/// What a first packet asks for, in place of a version.
pub(super) const CANCEL: u32 = 80_877_102;
const TLS: u32 = 80_877_103;
const GSS_ENCRYPTION: u32 = 80_877_104;

/// Codes of authentication messages.
const LET_IN: u32 = 0;
const CLEARTEXT: u32 = 3;
const SASL: u32 = 10;
const SASL_FINAL: u32 = 12;

/// It would bind the authentication to an encryption that the client does not have.
const CHANNEL_BINDING: &[u8] = b"SCRAM-SHA-256-PLUS\0";

/// What a client came for.
pub(super) enum Opening {
    /// To cancel what another connection does: the packet that says so.
    Cancel(Vec<u8>),
    /// To work: it is let in, and is to be told so.
    Session {
        server: Box<dyn Socket>,
        /// What the server has said that the client has not heard yet.
        unheard: Vec<u8>,
    },
    /// It has gone away, or the server has turned it away: that is said here.
    Over(Option<String>),
    /// It speaks another language.
    Refused {
        sqlstate: &'static str,
        reason: String,
    },
}

fn refused(sqlstate: &'static str, reason: String) -> Opening {
    Opening::Refused { sqlstate, reason }
}

/// Hears what the client wants, and has it authenticated. An error is the network's.
pub(super) async fn open(
    client: &mut TcpStream,
    server: &Config,
    password: &[u8],
) -> Result<Opening> {
    // Encryption can be asked for in two ways, once each.
    for _ in 0..3 {
        let mut header = [0; 8];
        if client.read_exact(&mut header[..1]).await.is_err() {
            return Ok(Opening::Over(None));
        }
        client.read_exact(&mut header[1..]).await?;
        let [length, code] = [&header[..4], &header[4..]].map(number);
        let length = length as usize;
        if !(8..=STARTUP_BYTES_MAX).contains(&length) {
            let reason = format!("a first packet says that it is {length} bytes long");
            return Ok(refused("08P01", reason));
        }
        let mut packet = header.to_vec();
        packet.resize(length, 0);
        client.read_exact(&mut packet[8..]).await?;
        match code {
            TLS | GSS_ENCRYPTION => client.write_all(b"N").await?,
            CANCEL => return Ok(Opening::Cancel(packet)),
            version if version >> 16 == 3 => {
                let mut server = wire::reach(server).await?;
                server.write_all(&packet).await?;
                return authenticate(client, server, password).await;
            }
            version => {
                let reason = format!("a client wants version {} of the protocol", version >> 16);
                return Ok(refused("08P01", reason));
            }
        }
    }
    let reason = "a client asks for encryption again and again";
    Ok(refused("08P01", reason.to_owned()))
}

/// Passes on what server and client say in turn, until the server has let the client in.
async fn authenticate(
    client: &mut TcpStream,
    mut server: Box<dyn Socket>,
    password: &[u8],
) -> Result<Opening> {
    let mut inbox = BytesMut::new();
    let mut has_asked = false;
    loop {
        let Some(length) = receive(&mut server, &mut inbox).await? else {
            return Ok(Opening::Over(Some("the server hung up".to_owned())));
        };
        let (tag, body) = (inbox[0], &inbox[HEADER_BYTES..length]);
        let code = body
            .first_chunk::<4>()
            .map(|code| u32::from_be_bytes(*code));
        let code = code.filter(|_| tag == b'R');
        if code == Some(LET_IN) {
            if !has_asked && !knows(client, password).await? {
                let reason = "a client did not know the password".to_owned();
                return Ok(refused("28P01", reason));
            }
            return Ok(Opening::Session {
                server,
                unheard: inbox.to_vec(),
            });
        }
        let message = inbox.split_to(length);
        match code {
            Some(SASL) => client.write_all(&without_binding(&message)).await?,
            _ => client.write_all(&message).await?,
        }
        if tag == ERROR_RESPONSE_TAG {
            let said = said::error(&message[HEADER_BYTES..]);
            return Ok(Opening::Over(Some(format!("the server said: {said}"))));
        }
        if code.is_some_and(|code| code != SASL_FINAL) {
            has_asked = true;
            let mut answer = BytesMut::new();
            // psql goes away to ask its user, and comes again.
            let Some(length) = receive(client, &mut answer).await? else {
                return Ok(Opening::Over(None));
            };
            server.write_all(&answer[..length]).await?;
        }
    }
}

/// Asks the client for the password.
async fn knows(client: &mut TcpStream, password: &[u8]) -> Result<bool> {
    let mut question = vec![b'R', 0, 0, 0, 8];
    question.extend(CLEARTEXT.to_be_bytes());
    client.write_all(&question).await?;
    let mut answer = BytesMut::new();
    let Some(length) = receive(client, &mut answer).await? else {
        return Ok(false);
    };
    let given = said::name(&answer[HEADER_BYTES..length]).map_or(&[][..], |(given, _)| given);
    // In a time that does not depend on where they differ.
    let differences = given
        .iter()
        .zip(password)
        .fold(0, |all, (a, b)| all | (a ^ b));
    Ok(answer[0] == b'p' && given.len() == password.len() && differences == 0)
}

/// Reads until the first message in `inbox` is there, and says where it ends; `None` if the peer has hung up.
async fn receive(
    peer: &mut (impl AsyncRead + Unpin),
    inbox: &mut BytesMut,
) -> io::Result<Option<usize>> {
    loop {
        if let Some(header) = inbox.first_chunk::<HEADER_BYTES>() {
            let length = number(&header[1..]) as usize;
            if !(4..=AUTHENTICATION_BYTES_MAX).contains(&length) {
                let reason =
                    format!("an answer to a password request says that it is {length} bytes long");
                return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
            }
            if inbox.len() > length {
                return Ok(Some(1 + length));
            }
        }
        if peer.read_buf(inbox).await? == 0 {
            return Ok(None);
        }
    }
}

fn number(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0, |all, byte| all << 8 | u32::from(*byte))
}

/// The ways to authenticate that the server offers, but for the one that needs the client to be encrypted.
fn without_binding(message: &[u8]) -> Vec<u8> {
    let (head, offered) = message.split_at(HEADER_BYTES + 4);
    let offered = offered.strip_prefix(CHANNEL_BINDING).unwrap_or(offered);
    let length = u32::try_from(4 + 4 + offered.len()).unwrap_or(u32::MAX);
    let length = length.to_be_bytes();
    [&head[..1], &length, &head[HEADER_BYTES..], offered].concat()
}

/// The words with which a client is turned away.
pub(super) fn farewell(sqlstate: &str, reason: &str) -> Vec<u8> {
    let fields = format!("SFATAL\0VFATAL\0C{sqlstate}\0Mpgrehearse: {reason}\0\0");
    let length = u32::try_from(4 + fields.len()).unwrap_or(u32::MAX);
    [b"E", &length.to_be_bytes()[..], fields.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_without_encryption_cannot_do_is_not_offered() {
        let plain = b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0";
        let both = b"R\0\0\0\x2a\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0";
        assert_eq!(without_binding(both), plain);
        assert_eq!(without_binding(plain), plain);
    }
}
