//! Many messages without waiting for an answer, then half close: all come back.

use anysock::prelude::*;
use anysock::{AnyCodec, Cell};

use crate::runtime::block_on;
use crate::support::{Directory, Server, endpoint, over_the_matrix};

const MESSAGES: usize = 1_000;

/// Unanswered messages at a time where more could be dropped by rights: a unix socket queues
/// eleven datagrams, UDP promises nothing.
const IN_FLIGHT: usize = 8;

over_the_matrix!(every_message_comes_back_in_order);

fn every_message_comes_back_in_order(cell: Cell) {
    echo(cell, "u32", |number| text(number, number * 37 % 400));
}

/// One module per codec, one test per stream cell.
macro_rules! every_message_comes_back_in_order_with {
    ($($module:ident $codec:literal $length:expr;)*) => {
        mod every_message_comes_back_in_order_with {$(
            mod $module {
                use crate::pipelined::{Cell, echo, text};

                #[test]
                fn unix_stream() {
                    echo(Cell::UNIX_STREAM, $codec, |number| text(number, $length(number)));
                }

                #[test]
                fn ipv4_stream() {
                    echo(Cell::IPV4_STREAM, $codec, |number| text(number, $length(number)));
                }

                #[test]
                fn ipv6_stream() {
                    echo(Cell::IPV6_STREAM, $codec, |number| text(number, $length(number)));
                }
            }
        )*}
    };
}

every_message_comes_back_in_order_with! {
    u8 "u8" |number| number % 256;
    u16 "u16" |number| number % 400;
    u24 "u24" |number| number % 400;
    u32 "u32" |number| number % 400;
    u64 "u64" |number| number % 400;
    u8le "u8le" |number| number % 256;
    u16le "u16le" |number| number % 400;
    u24le "u24le" |number| number % 400;
    u32le "u32le" |number| number % 400;
    u64le "u64le" |number| number % 400;
    varint "varint" |number| number % 400;
    lines "lines" |number| number % 400;
    crlf "crlf" |number| number % 400;
    nul "nul" |number| number % 400;
    fixed "fixed:16" |_| 16;
    netstring "netstring" |number| number % 400;
    octets "octets" |number| number % 400 + 1;
    content_length "content-length" |number| number % 400;
    cobs "cobs" |number| number % 400;
    slip "slip" |number| number % 400 + 1;
    resync "resync:lines" |number| number % 400;
}

/// So many bytes that no other message has, unless they are very few.
fn text(number: usize, length: usize) -> Vec<u8> {
    format!("{number} ").into_bytes().into_iter().cycle().take(length).collect()
}

fn echo(cell: Cell, codec: &str, message: fn(usize) -> Vec<u8>) {
    let directory = Directory::new();
    let server = Server::start(&[endpoint(cell, &directory)], &["--codec", codec]);
    block_on(async {
        let codec: AnyCodec = codec.parse().unwrap();
        let client = anysock::connect(&server.endpoints[0]).codec(codec).await.unwrap();
        match client.guarantees().end_of_file() {
            true => all_at_once(client, message).await,
            false => some_at_a_time(client, message).await,
        }
    });
    assert!(server.stop("TERM").success());
    directory.assert_empty();
}

async fn all_at_once(client: anysock::Connection, message: fn(usize) -> Vec<u8>) {
    let (mut sending, mut receiving) = client.split();
    let sent = tokio::spawn(async move {
        for number in 0..MESSAGES {
            sending.feed(message(number)).await?;
        }
        sending.close().await
    });
    for number in 0..MESSAGES {
        let received = receiving.recv().await.unwrap();
        let received = received.unwrap_or_else(|| panic!("{number} of {MESSAGES} came back"));
        assert_eq!(received, message(number)[..], "message {number}");
    }
    assert!(receiving.recv().await.unwrap().is_none());
    sent.await.unwrap().unwrap();
}

async fn some_at_a_time(mut client: anysock::Connection, message: fn(usize) -> Vec<u8>) {
    for number in 0..MESSAGES + IN_FLIGHT {
        if number < MESSAGES {
            client.send(message(number)).await.unwrap();
        }
        if let Some(answered) = number.checked_sub(IN_FLIGHT) {
            let received = client.recv().await.unwrap().unwrap();
            assert_eq!(received, message(answered)[..], "message {answered}");
        }
    }
}
