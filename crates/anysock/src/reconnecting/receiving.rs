//! Receiving over a transport that connects again.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use anysock_core::Message;
use anysock_framing::{Error, ErrorKind, RecvHalf, SendHalf};

use super::line::{Line, Link, Old, Side, breaks};
use crate::ConnectionRecv;

/// How long a connection on which sending failed may still bring what had come: it mostly ends
/// by itself, unless the peer has only stopped receiving.
const LEFTOVERS: Duration = Duration::from_secs(1);

/// A call of receiving: what it brought, and `None` at the end.
type Received<T> = Poll<Result<Option<T>, Error>>;

impl Line {
    pub(super) fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, Error>> {
        self.poll_receiving(cx, |recv, cx| recv.poll_recv(cx))
    }

    pub(super) fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        messages: &mut Vec<Message>,
        most: usize,
    ) -> Poll<Result<usize, Error>> {
        if most == 0 {
            return Poll::Ready(Ok(0));
        }
        let got = self.poll_receiving(cx, |recv, cx| {
            recv.poll_recv_many(cx, messages, most).map_ok(|got| (got > 0).then_some(got))
        });
        got.map_ok(|got| got.unwrap_or(0))
    }

    /// A call of receiving on the connection at hand, or on the one before; `None` at the end.
    fn poll_receiving<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut call: impl FnMut(&mut ConnectionRecv, &mut Context<'_>) -> Received<T>,
    ) -> Received<T> {
        loop {
            if self.ended {
                return Poll::Ready(Ok(None));
            }
            if let Some(message) = ready!(self.poll_old(cx, &mut call))? {
                return Poll::Ready(Ok(Some(message)));
            }
            if let Some(error) = self.report(Side::Receiving) {
                return Poll::Ready(Err(error));
            }
            let recv = match &mut self.link {
                Link::Up { recv: Some(recv), .. } => recv,
                Link::Up { recv: None, .. } => return Poll::Ready(Ok(None)),
                Link::Down(_) => {
                    ready!(self.poll_redial(cx));
                    continue;
                }
                Link::Over(over) => return Poll::Ready(over.of_receiving().map(|()| None)),
            };
            match call(recv, cx) {
                Poll::Ready(Ok(Some(message))) => {
                    self.now.received = true;
                    return Poll::Ready(Ok(Some(message)));
                }
                Poll::Ready(Err(error)) if !error.is_fatal() => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    // Over halves in different hands the sender does that.
                    if !self.is_split {
                        let _ = self.poll_drive(cx);
                    }
                    return Poll::Pending;
                }
                // The peer may have ended only what it sends, and wait for replies.
                Poll::Ready(Ok(None)) => match ready!(self.poll_drive(cx)) {
                    Ok(()) if self.ends_with_peer || self.closing => self.ended = true,
                    driven => self.lose(driven.err(), Side::Receiving),
                },
                Poll::Ready(Err(error)) => {
                    if matches!(error.kind(), ErrorKind::CutOff { .. }) {
                        let _ = ready!(self.poll_drive(cx));
                    }
                    match breaks(&error) {
                        true => self.lose(Some(error), Side::Receiving),
                        false => return Poll::Ready(Err(error)),
                    }
                }
            }
        }
    }

    /// Sends what has not been sent, for a receiver that waits or ends. A failure comes again from
    /// the next call of sending; what is survivable is kept for it.
    fn poll_drive(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Link::Up { send: Some(send), .. } = &mut self.link else {
            return Poll::Ready(Ok(()));
        };
        if self.now.unflushed == 0 {
            return Poll::Ready(Ok(()));
        }
        match ready!(send.poll_flush(cx)) {
            Err(error) if breaks(&error) => return Poll::Ready(Err(error)),
            flushed => {
                self.now.unflushed = 0;
                self.kept = self.kept.take().or(flushed.err());
            }
        }
        Poll::Ready(Ok(()))
    }

    /// What the connection before still has. It is over once nothing comes for a while.
    fn poll_old<T>(
        &mut self,
        cx: &mut Context<'_>,
        call: &mut impl FnMut(&mut ConnectionRecv, &mut Context<'_>) -> Received<T>,
    ) -> Received<T> {
        let Some(Old { recv, until }) = &mut self.old else { return Poll::Ready(Ok(None)) };
        match call(recv, cx) {
            Poll::Ready(Ok(Some(message))) => {
                *until = None;
                self.recalled = true;
                return Poll::Ready(Ok(Some(message)));
            }
            Poll::Ready(Err(error)) if !error.is_fatal() => return Poll::Ready(Err(error)),
            Poll::Ready(_) => {}
            Poll::Pending => {
                let sleep = || Box::pin(tokio::time::sleep(LEFTOVERS));
                ready!(until.get_or_insert_with(sleep).as_mut().poll(cx));
            }
        }
        self.retire_old();
        Poll::Ready(Ok(None))
    }
}
