//! The cells of the table as subjects: `anysock::connect` towards `anysock::bind`.

use anysock::framing::{AcceptExt, RecvExt, SendExt, encode_frame};
use anysock::sockets::{self, Accepted, DatagramSocket};
use anysock::{Connection, LengthDelimited, Listener, Options, Packets, Type};
use anysock_testing::conformance::{Offer, Raw, Stop, Subject};

/// Which end is the one under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Near {
    Client,
    Accepted,
}

/// One cell, bound at an endpoint whose port or name is free to choose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    name: &'static str,
    endpoint: &'static str,
    near: Near,
}

type Pair = (Connection, Connection);

impl Cell {
    pub(crate) const fn new(name: &'static str, endpoint: &'static str, near: Near) -> Self {
        Self { name, endpoint, near }
    }

    fn kind(&self) -> Option<Type> {
        self.endpoint.parse::<anysock::Endpoint>().ok()?.kind()
    }

    /// The client and what was accepted of it. A datagram socket hears of a client by its
    /// first message.
    async fn meet(
        &self,
        mut listener: Listener,
        connect: anysock::Connect,
    ) -> Offer<(Connection, Connection)> {
        let mut client = connect.await?;
        let datagrams = self.kind() == Some(Type::Datagram);
        if datagrams {
            client.send("hello").await?;
        }
        let mut accepted = listener.accept().await?;
        if datagrams {
            let hello = accepted.recv().await?;
            if hello.is_none_or(|hello| hello != "hello") {
                return Err(Stop::failed("the first datagram was another one"));
            }
        }
        Ok((client, accepted))
    }

    fn order(&self, (client, accepted): Pair) -> Pair {
        match self.near {
            Near::Client => (client, accepted),
            Near::Accepted => (accepted, client),
        }
    }
}

impl Subject for Cell {
    type Transport = Connection;

    fn name(&self) -> String {
        self.name.into()
    }

    async fn pair(&self) -> Offer<Pair> {
        let listener = anysock::bind(self.endpoint).await?;
        let connect = anysock::connect(listener.endpoint());
        Ok(self.order(self.meet(listener, connect).await?))
    }

    async fn pair_with_max(&self, near: usize, far: usize) -> Offer<Pair> {
        let (client, accepted) = match self.near {
            Near::Client => (near, far),
            Near::Accepted => (far, near),
        };
        let listener = anysock::bind(self.endpoint).max(accepted).await?;
        let connect = anysock::connect(listener.endpoint()).max(client);
        Ok(self.order(self.meet(listener, connect).await?))
    }

    /// A stream's peer may write what it likes.
    async fn raw(&self) -> Offer<Raw<Connection>> {
        if self.kind() != Some(Type::Stream) {
            return Err(Stop::not_applicable("no byte stream lies beneath it"));
        }
        let frame = |message: &[u8]| {
            encode_frame(&mut LengthDelimited::u32(), message).expect("a sample").to_vec()
        };
        let addr = sockets::resolve(&self.endpoint.parse()?).await?.remove(0);
        match self.near {
            Near::Client => {
                let options = Options::default();
                let limits = anysock::PeerLimits::default();
                let mut listener = sockets::bind(&addr, Type::Stream, &options, &limits).await?;
                let endpoint = anysock::Endpoint::from_addr(listener.local_addr()?, Type::Stream);
                let near = anysock::connect(endpoint).await?;
                match std::future::poll_fn(|cx| listener.poll_accept(cx)).await? {
                    Accepted::Stream(wire) => Ok(Raw::new(near, wire, frame)),
                    other => Err(Stop::failed(format!("no stream was accepted: {other:?}"))),
                }
            }
            Near::Accepted => {
                let mut listener = anysock::bind(self.endpoint).await?;
                let endpoint = listener.endpoint().clone();
                let addr = sockets::resolve(&endpoint).await?.remove(0);
                let deadline = std::time::Duration::from_secs(5);
                let options = Options::default();
                let wire = sockets::connect(&addr, Type::Stream, &options, deadline).await?;
                let near = listener.accept().await?;
                match wire {
                    sockets::Connected::Stream(wire) => Ok(Raw::new(near, wire, frame)),
                    other => Err(Stop::failed(format!("no stream was connected: {other:?}"))),
                }
            }
        }
    }

    /// The far end is dropped with unread input.
    async fn reset(&self, last_words: &[Vec<u8>]) -> Offer<Connection> {
        if self.kind() == Some(Type::Datagram) {
            return Err(Stop::not_applicable("it has no connection to be reset"));
        }
        let (mut near, mut far) = self.pair().await?;
        near.send("never read").await?;
        for word in last_words {
            far.send(word).await?;
        }
        drop(far);
        Ok(near)
    }

    /// A UDP port on which nobody is, and then somebody.
    async fn refused(&self) -> Offer<Pair> {
        if self.near == Near::Accepted || !self.endpoint.starts_with("udp") {
            return Err(Stop::not_applicable("a peer that is gone does not come back"));
        }
        let (mut near, far) = self.pair().await?;
        let addr = near.peer_addr()?;
        drop(far);
        // The listener's task lets go of the address in its own time.
        let far = loop {
            match DatagramSocket::bind(&addr, &Options::default()) {
                Ok(far) => break far,
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(1)).await,
            }
        };
        drop(far);
        near.send("to nobody").await?;
        let far = DatagramSocket::bind(&addr, &Options::default())?;
        far.connect(&near.local_addr()?)?;
        Ok((near, Packets::new(far).into()))
    }
}
