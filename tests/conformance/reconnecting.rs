//! A transport that connects again, towards what a listener accepts.

use std::task::{Context, Poll};
use std::time::Duration;

use anysock::framing::{AcceptExt, Halves, Payload};
use anysock::{
    Attached, Backoff, Connect, Connection, Error, Guaranteed, Guarantees, Listener, Message,
    Reconnecting, RecvHalf, SendHalf, Stats, Transport,
};
use anysock_testing::conformance::{Offer, Subject};

/// A reconnecting client at an endpoint whose port or name is free to choose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Again {
    name: &'static str,
    endpoint: &'static str,
    is_steady: bool,
}

type Pair = (Connection, Connection);

impl Again {
    /// As it is.
    pub(crate) const fn new(name: &'static str, endpoint: &'static str) -> Self {
        Self { name, endpoint, is_steady: false }
    }

    /// Held to all that its connection promises, for none is lost here: the end is the end.
    pub(crate) const fn steady(name: &'static str, endpoint: &'static str) -> Self {
        Self { name, endpoint, is_steady: true }
    }

    async fn meet(&self, mut listener: Listener, connect: Connect) -> Offer<Pair> {
        let backoff = Backoff::default().first(Duration::from_millis(1)).attempts(3);
        let reconnect = connect.reconnecting(backoff);
        if !self.is_steady {
            let client = Connection::from_transport(reconnect.await?);
            return Ok((client, listener.accept().await?));
        }
        let client: Reconnecting = reconnect.ends_with_peer().await?;
        let accepted = listener.accept().await?;
        let held = Held { transport: client, to: accepted.guarantees() };
        Ok((Connection::from_transport(held), accepted))
    }
}

impl Subject for Again {
    type Transport = Connection;

    fn name(&self) -> String {
        self.name.into()
    }

    async fn pair(&self) -> Offer<Pair> {
        let listener = anysock::bind(self.endpoint).await?;
        let connect = anysock::connect(listener.endpoint());
        self.meet(listener, connect).await
    }

    async fn pair_with_max(&self, near: usize, far: usize) -> Offer<Pair> {
        let listener = anysock::bind(self.endpoint).max(far).await?;
        let connect = anysock::connect(listener.endpoint()).max(near);
        self.meet(listener, connect).await
    }
}

/// A transport, or a half of one, that is held to more than it promises.
struct Held<T> {
    transport: T,
    to: Guarantees,
}

impl<T: Guaranteed> Guaranteed for Held<T> {
    fn guarantees(&self) -> Guarantees {
        self.to
    }
    fn stats(&self) -> Stats {
        self.transport.stats()
    }
}

impl<T: SendHalf> SendHalf for Held<T> {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.transport.poll_ready(cx)
    }
    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        self.transport.start_send(payload, attached)
    }
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.transport.poll_flush(cx)
    }
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.transport.poll_close(cx)
    }
    fn max_message(&self) -> usize {
        self.transport.max_message()
    }
}

impl<T: RecvHalf> RecvHalf for Held<T> {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        self.transport.poll_recv(cx)
    }
    fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        messages: &mut Vec<Message>,
        most: usize,
    ) -> Poll<Result<usize, Error>> {
        self.transport.poll_recv_many(cx, messages, most)
    }
}

impl Transport for Held<Reconnecting> {
    fn split_boxed(self: Box<Self>) -> Halves {
        let (sending, receiving) = self.transport.split();
        let sending = Held { transport: sending, to: self.to };
        (Box::new(sending), Box::new(Held { transport: receiving, to: self.to }))
    }
}
