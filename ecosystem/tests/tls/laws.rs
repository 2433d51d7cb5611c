//! The eleven laws, checked of TLS by the conformance kit as of any transport.

use anysock::framing::encode_frame;
use anysock::prelude::*;
use anysock::{Connection, LengthDelimited};
use anysock_testing::conformance::{Kit, Offer, Raw, Report, Subject, Table};

use crate::fixture::{DEADLINE, HOUSE, localhost, plain};
use crate::upgrade;

/// TLS over a cell, one end of it under test.
struct Tls {
    name: &'static str,
    endpoint: &'static str,
    is_server: bool,
}

type Pair = (Connection, Connection);

impl Tls {
    async fn shake(&self, (client, server): Pair) -> Offer<Pair> {
        let (client, server) = tokio::join!(
            client.upgrade(DEADLINE, |socket| {
                upgrade::connect(HOUSE.member(), localhost(), socket)
            }),
            server.upgrade(DEADLINE, |socket| upgrade::accept(HOUSE.mutual(), socket)),
        );
        let (client, server) = (client?, server?);
        Ok(if self.is_server { (server, client) } else { (client, server) })
    }
}

impl Subject for Tls {
    type Transport = Connection;

    fn name(&self) -> String {
        self.name.into()
    }

    async fn pair(&self) -> Offer<Pair> {
        self.shake(plain(self.endpoint).await).await
    }

    async fn pair_with_max(&self, near: usize, far: usize) -> Offer<Pair> {
        let (client, server) = if self.is_server { (far, near) } else { (near, far) };
        let mut listener = anysock::bind(self.endpoint).max(server).await?;
        let client = anysock::connect(listener.endpoint()).max(client).await?;
        let server = listener.accept().await?;
        self.shake((client, server)).await
    }

    /// The end of TCP alone is a truncation.
    fn drop_ends(&self) -> bool {
        false
    }

    /// The peer shakes hands, and then writes what it likes.
    async fn raw(&self) -> Offer<Raw<Connection>> {
        let frame = |message: &[u8]| {
            encode_frame(&mut LengthDelimited::u32(), message).expect("a sample").to_vec()
        };
        let (client, server) = plain(self.endpoint).await;
        if self.is_server {
            let wire = client.into_stream().expect("fresh");
            let (wire, near) = tokio::join!(
                upgrade::connect(HOUSE.member(), localhost(), wire),
                server.upgrade(DEADLINE, |socket| upgrade::accept(HOUSE.mutual(), socket)),
            );
            return Ok(Raw::new(near?, wire?, frame));
        }
        let wire = server.into_stream().expect("fresh");
        let (near, wire) = tokio::join!(
            client.upgrade(DEADLINE, |socket| {
                upgrade::connect(HOUSE.member(), localhost(), socket)
            }),
            upgrade::accept(HOUSE.mutual(), wire),
        );
        Ok(Raw::new(near?, wire?, frame))
    }

    /// The far end is dropped with unread input.
    async fn reset(&self, last_words: &[Vec<u8>]) -> Offer<Connection> {
        let (mut near, mut far) = self.pair().await?;
        near.send("never read").await?;
        for word in last_words {
            far.send(word).await?;
        }
        drop(far);
        Ok(near)
    }
}

#[test]
fn tls_keeps_the_laws_over_every_stream_cell() {
    let subjects = [
        Tls { name: "tls, unix-stream", endpoint: "unix:", is_server: false },
        Tls { name: "tls, ipv4-stream", endpoint: "tcp://127.0.0.1:0", is_server: false },
        Tls { name: "tls, ipv6-stream", endpoint: "tcp://[::1]:0", is_server: false },
        Tls { name: "tls, ipv4-stream, accepted", endpoint: "tcp://127.0.0.1:0", is_server: true },
    ];
    let checks = subjects.map(|subject| std::thread::spawn(|| Kit::default().check(subject)));
    let reports: Vec<Report> = checks.into_iter().map(|check| check.join().unwrap()).collect();
    println!("{}", Table(&reports));
    reports.iter().for_each(|report| report.assert());
}
