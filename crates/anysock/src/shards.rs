//! Several listeners at one address: the passive open of a service on many processors.

use std::future::{Future, IntoFuture};
use std::io;
use std::pin::Pin;

use anysock_core::{Endpoint, EndpointName};
use anysock_framing::Error;

use crate::{Bind, Listener};

/// Listeners to be made at one address: the builder of [`Bind::shards`].
///
/// The kernel spreads connections, and the peers of datagrams, among them by the hash of their
/// addresses (`SO_REUSEPORT`, socket(7)). Each is served by itself, on a runtime of its own if
/// wanted. Port 0 is one free port for all. TCP and UDP have this; a unix address belongs to one
/// socket, which is a typed refusal, as is `fd:N`. `systemd:NAME` takes as many sockets as were
/// asked for of those that were passed by that name, whatever their addresses. See [`bind_shards`](crate::sockets::bind_shards) for what
/// comes when one is dropped.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock::prelude::*;
///
/// let shards: anysock::Shards = anysock::bind("tcp://127.0.0.1:0").shards(2);
/// for mut listener in shards.await? {
///     tokio::spawn(async move {
///         while let Ok(mut peer) = listener.accept().await {
///             tokio::spawn(async move { peer.send("hello").await });
///         }
///     });
/// }
/// # Ok::<_, anysock::Error>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is bound unless this is awaited"]
pub struct Shards {
    bind: Bind,
    count: usize,
}

impl Shards {
    pub(crate) fn new(bind: Bind, count: usize) -> Self {
        Self { bind, count }
    }
}

impl IntoFuture for Shards {
    type Output = Result<Vec<Listener>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            if let one @ (Endpoint::Mem(_) | Endpoint::Fd(_)) = self.bind.endpoint()? {
                let what = format!("{one} is one listener, which nobody shares");
                return Err(io::Error::new(io::ErrorKind::Unsupported, what).into());
            }
            self.bind.run_shards(self.count).await
        })
    }
}

/// All or none: whether so many sockets of that name were passed and are not taken yet.
pub(crate) fn expect_passed(name: &EndpointName, count: usize) -> io::Result<()> {
    let names = anysock_core::inherited_names()?;
    let left = names.iter().filter(|left| *left == name.as_str()).count();
    if count == 0 || left < count {
        let what = format!(
            "systemd:{name}: {count} sockets are wanted; {left} of this name were passed to this \
             process and not taken yet"
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    Ok(())
}
