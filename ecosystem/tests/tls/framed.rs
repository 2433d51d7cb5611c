//! The upgrade by hand: what it is made of, `Framed<Io<TlsStream>>`, and what it refuses.

use std::io;

use anysock::prelude::*;
use anysock::sockets::StreamSocket;
use anysock::{Delimited, Framed, Io};
use tokio_rustls::server::TlsStream;

use crate::fixture::{CELLS, DEADLINE, HOUSE, localhost, plain, run};
use crate::upgrade;

#[test]
fn a_framed_tls_stream_is_a_transport_and_tells_the_certificates_of_its_peer() {
    run(async {
        for endpoint in CELLS {
            let (client, server) = plain(endpoint).await;
            let (client, server) = tokio::join!(
                upgrade::connect(HOUSE.member(), localhost(), client.into_stream().unwrap()),
                upgrade::accept(HOUSE.mutual(), server.into_stream().unwrap()),
            );
            let mut client = Framed::new(Io::new(client.unwrap()), Delimited::lines());
            let mut server: Framed<Io<TlsStream<StreamSocket>>, Delimited> =
                Framed::new(Io::new(server.unwrap()), Delimited::lines());
            client.send("hello").await.unwrap();
            assert_eq!(server.recv().await.unwrap().unwrap(), "hello");

            let (socket, tls) = server.stream().get_ref().get_ref();
            assert!(socket.peer_addr().is_ok());
            let (shown, _) = HOUSE.client.read().unwrap();
            assert_eq!(tls.peer_certificates().unwrap(), shown);
        }
    });
}

#[test]
fn bytes_that_came_in_plain_before_the_upgrade_are_not_taken_for_what_comes_by_it() {
    run(async {
        for endpoint in CELLS {
            let (mut client, mut server) = plain(endpoint).await;
            client.feed("STARTTLS").await.unwrap();
            client.feed("injected").await.unwrap();
            client.flush().await.unwrap();
            assert_eq!(server.recv().await.unwrap().unwrap(), "STARTTLS");
            let refused = server.into_stream().unwrap_err();
            assert!(refused.to_string().contains("not handed out yet"), "{refused}");
            let mut server = refused.into_inner();
            assert_eq!(server.recv().await.unwrap().unwrap(), "injected");
            server.into_stream().unwrap();
        }
    });
}

#[test]
fn what_has_no_stream_of_bytes_is_refused_and_given_back() {
    run(async {
        for endpoint in ["udp://127.0.0.1:0", "unix-seqpacket:", "unix-dgram:"] {
            let listener = anysock::bind(endpoint).await.unwrap();
            let client = anysock::connect(listener.endpoint()).await.unwrap();
            let refused = client.into_stream().unwrap_err();
            assert_eq!(refused.error().kind(), io::ErrorKind::Unsupported);
            let upgraded = refused
                .into_inner()
                .upgrade(DEADLINE, |socket| upgrade::connect(HOUSE.member(), localhost(), socket));
            assert_eq!(upgraded.await.unwrap_err().io_kind(), Some(io::ErrorKind::Unsupported));
        }
    });
}
