//! The names of in-memory endpoints: who listens on `mem:NAME` in this process.

use std::collections::HashMap;
use std::io;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use anysock_core::{EndpointName, Options as SocketOptions};
use anysock_framing::memory::{Memory, Options};
use tokio::sync::mpsc;

/// Connections that wait to be accepted; a further one waits to be made.
const BACKLOG: usize = 1024;

static LISTENERS: LazyLock<Mutex<HashMap<EndpointName, mpsc::Sender<Memory>>>> =
    LazyLock::new(Mutex::default);

fn listeners() -> MutexGuard<'static, HashMap<EndpointName, mpsc::Sender<Memory>>> {
    LISTENERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who accepts on a name; the name is free again once this is dropped.
#[derive(Debug)]
pub(crate) struct MemoryListener {
    name: EndpointName,
    arrivals: mpsc::Receiver<Memory>,
}

/// There is no socket to set them on, and whatever they would change stays as it is.
pub(crate) fn expect_no_options(name: &EndpointName, options: &SocketOptions) -> io::Result<()> {
    if *options == SocketOptions::default() {
        return Ok(());
    }
    let what = format!("mem:{name} is no socket, and has no options; leave them unset");
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}

pub(crate) fn bind(name: &EndpointName) -> io::Result<MemoryListener> {
    let mut listeners = listeners();
    if listeners.contains_key(name) {
        let what = format!("mem:{name} is in use in this process");
        return Err(io::Error::new(io::ErrorKind::AddrInUse, what));
    }
    let (sender, arrivals) = mpsc::channel(BACKLOG);
    listeners.insert(name.clone(), sender);
    Ok(MemoryListener { name: name.clone(), arrivals })
}

pub(crate) async fn connect(name: &EndpointName, max: Option<usize>) -> io::Result<Memory> {
    let refused = || {
        let what = format!("nobody listens on mem:{name} in this process");
        io::Error::new(io::ErrorKind::ConnectionRefused, what)
    };
    let listener = listeners().get(name).cloned().ok_or_else(refused)?;
    let options = max.map_or_else(Options::default, |max| Options::default().max_message(max));
    let (near, far) = options.pair();
    listener.send(far).await.map_err(|_| refused())?;
    Ok(near)
}

impl MemoryListener {
    pub(crate) fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Memory>> {
        self.arrivals.poll_recv(cx).map(|arrival| {
            arrival.ok_or_else(|| io::Error::other("the name of this listener was taken away"))
        })
    }
}

impl Drop for MemoryListener {
    fn drop(&mut self) {
        listeners().remove(&self.name);
    }
}
