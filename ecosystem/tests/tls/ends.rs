//! How a connection ends: in order, by halves, or cut off.

use std::io;

use anysock::prelude::*;
use anysock::{Connection, Error, ErrorKind};
use tokio::io::AsyncWriteExt;

use crate::fixture::{CELLS, DEADLINE, HOUSE, localhost, pair, plain, run};
use crate::upgrade;

/// A pair of which the client has read what a server says after the handshake (session tickets,
/// RFC 8446, 4.6.1): who is dropped with those unread resets the connection.
async fn acquainted(endpoint: &str) -> (Connection, Connection) {
    let (mut client, mut server) = pair(endpoint).await;
    server.send("welcome").await.unwrap();
    assert_eq!(client.recv().await.unwrap().unwrap(), "welcome");
    (client, server)
}

async fn assert_cut_off(mut peer: Connection) {
    for _ in 0..3 {
        let error = peer.recv().await.expect_err("a truncation is no orderly end");
        assert_eq!(error.io_kind(), Some(io::ErrorKind::UnexpectedEof), "{error}");
        assert!(error.to_string().contains("close_notify"), "{error}");
        assert!(error.is_fatal());
    }
}

#[test]
fn an_orderly_close_is_an_orderly_end_in_both_directions() {
    run(async {
        for endpoint in CELLS {
            let (client, server) = pair(endpoint).await;
            for (mut closing, mut other) in [(client, server)] {
                closing.send("last").await.unwrap();
                let (closed, ()) = tokio::join!(closing.close(), async {
                    assert_eq!(other.recv().await.unwrap().unwrap(), "last");
                    assert!(other.recv().await.unwrap().is_none());
                    assert!(other.recv().await.unwrap().is_none());
                    other.close().await.unwrap();
                });
                closed.unwrap();
            }
        }
    });
}

#[test]
fn the_end_of_tcp_without_close_notify_is_told_as_an_error_to_either_end() {
    run(async {
        for endpoint in CELLS {
            // Dropped, the socket ends, and TLS has not said that it does.
            let (mut client, mut server) = acquainted(endpoint).await;
            client.send("whole").await.unwrap();
            assert_eq!(server.recv().await.unwrap().unwrap(), "whole");
            drop(client);
            assert_cut_off(server).await;

            let (mut client, mut server) = pair(endpoint).await;
            server.send("whole").await.unwrap();
            assert_eq!(client.recv().await.unwrap().unwrap(), "whole");
            drop(server);
            assert_cut_off(client).await;
        }
    });
}

#[test]
fn what_came_whole_before_the_truncation_is_received_before_the_error() {
    run(async {
        for endpoint in CELLS {
            let (mut client, mut server) = acquainted(endpoint).await;
            for number in 0..100 {
                client.feed(format!("{number}")).await.unwrap();
            }
            client.flush().await.unwrap();
            drop(client);
            for number in 0..100 {
                assert_eq!(server.recv().await.unwrap().unwrap(), format!("{number}"));
            }
            assert_cut_off(server).await;
        }
    });
}

#[test]
fn an_end_inside_a_message_is_told_also_where_tls_ended_in_order() {
    run(async {
        for endpoint in CELLS {
            let (client, server) = plain(endpoint).await;
            let (client, server) = tokio::join!(
                upgrade::connect(HOUSE.member(), localhost(), client.into_stream().unwrap()),
                server.upgrade(DEADLINE, |socket| upgrade::accept(HOUSE.mutual(), socket)),
            );
            let (mut client, mut server) = (client.unwrap(), server.unwrap());
            client.write_all(b"\0\0\0\x05hell").await.unwrap();
            client.shutdown().await.unwrap(); // with close_notify
            let error = server.recv().await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::CutOff { held: 8 }), "{error}");
        }
    });
}

#[test]
fn a_client_that_has_closed_its_half_is_still_answered() {
    run(async {
        for endpoint in CELLS {
            let (client, mut server) = pair(endpoint).await;
            let (mut sending, mut receiving) = client.split();
            let asking = async {
                sending.send("question").await?;
                sending.close().await?; // close_notify, and the socket's end
                let mut answers = Vec::new();
                while let Some(answer) = receiving.recv().await? {
                    answers.push(answer);
                }
                Ok::<_, Error>(answers)
            };
            let answering = async {
                let question = server.recv().await?.unwrap();
                assert!(server.recv().await?.is_none());
                for _ in 0..100 {
                    server.feed(&question).await?;
                }
                server.close().await
            };
            let (answers, answered) = tokio::join!(asking, answering);
            answered.unwrap();
            assert_eq!(answers.unwrap(), ["question"; 100]);
        }
    });
}

#[test]
fn an_upgraded_connection_still_tells_where_it_is_and_who_made_the_other_end() {
    run(async {
        for endpoint in CELLS {
            let (client, server) = plain(endpoint).await;
            let told = |of: &Connection| {
                (of.cell(), of.local_addr().unwrap(), of.peer_addr().unwrap(), of.guarantees())
            };
            let before = (told(&client), told(&server));
            let uid = server.peer_credentials().map(|peer| peer.uid).ok();
            let (client, server) = tokio::join!(
                client.upgrade(DEADLINE, |socket| {
                    upgrade::connect(HOUSE.member(), localhost(), socket)
                }),
                server.upgrade(DEADLINE, |socket| upgrade::accept(HOUSE.mutual(), socket)),
            );
            let (client, server) = (client.unwrap(), server.unwrap());
            assert_eq!((told(&client), told(&server)), before);
            assert_eq!(server.peer_credentials().map(|peer| peer.uid).ok(), uid);
            let socket = server.as_socket().expect("it is the same socket");
            assert_eq!(socket.local_addr().unwrap(), server.local_addr().unwrap());
            server.require(Guarantees::RELIABLE | Guarantees::ORDERED).unwrap();
        }
    });
}
