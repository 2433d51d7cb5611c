//! Sending over a transport that connects again.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use anysock_core::Attached;
use anysock_framing::{Error, ErrorKind, Payload, SendHalf};

use super::line::{Line, Link, Loss, Over, Side, breaks, retire};
use crate::ConnectionSend;

impl Line {
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.poll_sending(cx, |send, cx| send.poll_ready(cx)))?;
        self.ready_for = self.number;
        Poll::Ready(Ok(()))
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.poll_sending(cx, |send, cx| send.poll_flush(cx)))?;
        self.now.unflushed = 0;
        Poll::Ready(self.kept.take().map_or(Ok(()), Err))
    }

    pub(super) fn start_send(
        &mut self,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Result<(), Error> {
        if self.closing {
            return Err(ErrorKind::Closed.into());
        }
        let send = match &mut self.link {
            Link::Up { send: Some(send), .. }
                if self.told[Side::Sending as usize] == self.number =>
            {
                send
            }
            Link::Over(over) => return Err(over.of_sending()),
            _ => return self.accept_for_lost(payload.len()),
        };
        let length = payload.len();
        match send.start_send(payload, attached) {
            Ok(()) => {
                self.now.sent += 1;
                self.now.unflushed += 1;
                Ok(())
            }
            Err(error) if breaks(&error) => {
                self.lose(Some(error), Side::Sending);
                self.accept_for_lost(length)
            }
            Err(error) => Err(error),
        }
    }

    /// The other half, in another thread, has met the loss since this one was said to be ready.
    /// The message is for the connection that is gone: it is counted, and told of as lost.
    fn accept_for_lost(&mut self, length: usize) -> Result<(), Error> {
        if self.ready_for != self.told[Side::Sending as usize] {
            return Err(ErrorKind::NotReady.into());
        }
        if length > self.max_message {
            return Err(ErrorKind::TooLong { length, limit: self.max_message }.into());
        }
        self.ready_for = 0;
        self.loss.sent += 1;
        self.loss.unflushed += 1;
        self.past.sent += 1;
        self.past.sent_bytes += length as u64;
        Ok(())
    }

    /// Flushes and closes the connection at hand. There will be no other.
    pub(super) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.closing = true;
        if let Link::Down(_) = self.link {
            self.changed = true;
            self.link = Link::Over(match &self.loss.cause {
                Some(cause) => Over::Failed(Arc::clone(cause)),
                None => Over::Ended,
            });
            return Poll::Ready(self.lost_at_closing());
        }
        let Link::Up { send: Some(send), recv } = &mut self.link else {
            return Poll::Ready(match &self.link {
                Link::Over(Over::Failed(_) | Over::GaveUp(_)) => Err(self.over_of_sending()),
                _ => Ok(()),
            });
        };
        let closed = match &recv {
            // What comes while flushing can still be received; from there on the sender drains it.
            Some(_) if !self.is_split => match ready!(send.poll_flush(cx)) {
                Err(error) if breaks(&error) => Err(error),
                flushed => {
                    retire(&mut self.past, recv.take());
                    self.kept = self.kept.take().or(flushed.err());
                    ready!(send.poll_close(cx))
                }
            },
            _ => ready!(send.poll_close(cx)),
        };
        match closed {
            Err(error) if breaks(&error) => {
                self.fail(error);
                Poll::Ready(Err(self.over_of_sending()))
            }
            closed => {
                self.now.unflushed = 0;
                let kept = self.kept.take().map_or(Ok(()), Err);
                Poll::Ready(closed.and(kept).and(self.report(Side::Sending).map_or(Ok(()), Err)))
            }
        }
    }

    /// A call of sending on the connection at hand, once there is one that was told of.
    fn poll_sending(
        &mut self,
        cx: &mut Context<'_>,
        mut call: impl FnMut(&mut ConnectionSend, &mut Context<'_>) -> Poll<Result<(), Error>>,
    ) -> Poll<Result<(), Error>> {
        loop {
            if let Some(error) = self.report(Side::Sending) {
                return Poll::Ready(Err(error));
            }
            let send = match &mut self.link {
                Link::Up { send: Some(send), .. } => send,
                Link::Up { send: None, .. } => return Poll::Ready(Err(ErrorKind::Closed.into())),
                Link::Down(_) => {
                    ready!(self.poll_redial(cx));
                    continue;
                }
                Link::Over(over) => return Poll::Ready(Err(over.of_sending())),
            };
            match ready!(call(send, cx)) {
                Err(error) if breaks(&error) => self.lose(Some(error), Side::Sending),
                done => return Poll::Ready(done),
            }
        }
    }

    fn over_of_sending(&self) -> Error {
        match &self.link {
            Link::Over(over) => over.of_sending(),
            _ => ErrorKind::Closed.into(),
        }
    }

    /// Whether something was lost that nobody was told of, as nobody connects again.
    fn lost_at_closing(&self) -> Result<(), Error> {
        let what = match &self.loss {
            Loss { cause: None, unflushed: 0, .. } => return Ok(()),
            Loss { cause: Some(cause), .. } => format!("the connection was lost: {cause}"),
            Loss { unflushed, .. } => {
                format!("the peer closed the connection before {unflushed} messages had left")
            }
        };
        Err(io::Error::new(io::ErrorKind::ConnectionAborted, what).into())
    }
}
