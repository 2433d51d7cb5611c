//! Waiting for errors of a datagram socket that come without data.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::registered::Registered;

/// Waits for errors that come without data.
#[derive(Default)]
pub(crate) struct ErrorWatch(Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>);

impl ErrorWatch {
    pub(crate) fn poll(&mut self, io: &Arc<Registered>, cx: &mut Context<'_>) -> Poll<()> {
        let watch = self.0.get_or_insert_with(|| {
            let io = Arc::clone(io);
            // Where nothing can be waited for, receiving says so.
            Box::pin(async move { io.error().await.unwrap_or_default() })
        });
        ready!(watch.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(())
    }
}

impl std::fmt::Debug for ErrorWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ErrorWatch")
    }
}
