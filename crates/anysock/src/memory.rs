//! The names of in-memory endpoints: who listens on `mem:NAME`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use anysock_core::{EndpointName, Options as SocketOptions};
use anysock_framing::memory::{Memory, Options};
use tokio::sync::mpsc;

/// Connections that wait to be accepted; a further one waits to be made.
const BACKLOG: usize = 1024;

/// The names of `mem:` endpoints: who listens on which. The process has one, and a test can have
/// one of its own in its place, whose names are other names, by which [`connect`](crate::connect())
/// and [`bind`](crate::bind()) go unchanged.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock::Names;
///
/// let names = Names::new();
/// let listener = names.scope(async { anysock::bind("mem:db").await }).await?;
/// assert!(anysock::connect("mem:db").await.is_err()); // not a name of the process
/// let _names = names.enter();
/// let client = anysock::connect(listener.endpoint()).await?;
/// # Ok::<_, anysock::Error>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Names(Arc<Table>);

/// How the two ends of an in-memory connection are made: what lies between them.
///
/// A simulated network puts itself here; see `anysock-testing`.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use std::time::Duration;
/// use anysock::core::EndpointName;
/// use anysock::framing::memory;
/// use anysock::{Dialing, Names, Wiring};
///
/// /// Connecting takes a while.
/// struct Far;
///
/// impl Wiring for Far {
///     fn dial(&self, _: &EndpointName, options: memory::Options) -> Dialing {
///         Box::pin(async move {
///             tokio::time::sleep(Duration::from_millis(1)).await;
///             Ok(options.pair())
///         })
///     }
/// }
///
/// let _names = Names::wired(Far).enter();
/// let listener = anysock::bind("mem:far").await?;
/// let client = anysock::connect("mem:far").await?;
/// # Ok::<_, anysock::Error>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub trait Wiring: Send + Sync {
    /// Somebody listens on `name` from now on. Called where `bind` was.
    fn bound(&self, name: &EndpointName) {
        let _ = name;
    }

    /// Makes the two ends of a connection to `name`: for who connects, and for who listens.
    /// Called where `connect` was, before it is known whether anybody listens; then, the ends are
    /// dropped if nobody does.
    ///
    /// # Errors
    ///
    /// Why there is none: those of connect(2).
    fn dial(&self, name: &EndpointName, options: Options) -> Dialing;
}

/// The two ends of a connection in the making.
pub type Dialing = Pin<Box<dyn Future<Output = io::Result<(Memory, Memory)>> + Send>>;

/// Has the names of this thread replaced until it is dropped. Made by [`Names::enter`].
///
/// ```
/// let names = anysock::Names::new();
/// let entered: anysock::EnteredNames = names.enter();
/// ```
#[derive(Debug)]
#[must_use = "the names are replaced as long as this lives"]
pub struct EnteredNames {
    before: Option<Names>,
    /// It belongs to the thread.
    here: PhantomData<*const ()>,
}

struct Table {
    listeners: Mutex<HashMap<EndpointName, mpsc::Sender<Memory>>>,
    wiring: Option<Box<dyn Wiring>>,
}

static PROCESS: LazyLock<Names> = LazyLock::new(Names::new);

thread_local! {
    static THREAD: RefCell<Option<Names>> = const { RefCell::new(None) };
}

tokio::task_local! {
    static TASK: Names;
}

impl Names {
    /// Names of its own, whose connections are plain ones.
    pub fn new() -> Self {
        Self::with(None)
    }

    /// Names of its own, whose connections are made by `wiring`.
    pub fn wired(wiring: impl Wiring + 'static) -> Self {
        Self::with(Some(Box::new(wiring)))
    }

    /// Puts these in the place of the process's, for what runs on this thread until the guard is
    /// dropped: in a runtime of one thread, for all its tasks. Guards are to be dropped in the
    /// opposite order.
    pub fn enter(&self) -> EnteredNames {
        let before = THREAD.with(|names| names.replace(Some(self.clone())));
        EnteredNames { before, here: PhantomData }
    }

    /// Puts these in the place of all others for one future, wherever it runs; not for tasks
    /// that it spawns.
    ///
    /// # Cancel safety
    ///
    /// As the future.
    pub async fn scope<F: Future>(&self, future: F) -> F::Output {
        TASK.scope(self.clone(), future).await
    }

    /// Those of the task, or of the thread, or of the process.
    fn current() -> Self {
        let of_thread = || THREAD.with(|names| names.borrow().clone());
        TASK.try_with(Self::clone).ok().or_else(of_thread).unwrap_or_else(|| PROCESS.clone())
    }

    fn with(wiring: Option<Box<dyn Wiring>>) -> Self {
        Self(Arc::new(Table { listeners: Mutex::default(), wiring }))
    }

    fn listeners(&self) -> MutexGuard<'_, HashMap<EndpointName, mpsc::Sender<Memory>>> {
        self.0.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn dial(&self, name: &EndpointName, options: Options) -> Dialing {
        match &self.0.wiring {
            Some(wiring) => wiring.dial(name, options),
            None => Box::pin(std::future::ready(Ok(options.pair()))),
        }
    }
}

impl Default for Names {
    fn default() -> Self {
        Self::new()
    }
}

/// Who listens.
impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Names").field(&self.listeners().keys().collect::<Vec<_>>()).finish()
    }
}

impl Drop for EnteredNames {
    fn drop(&mut self) {
        let before = self.before.take();
        // The thread may be ending: then nothing is left to be put back.
        let _ = THREAD.try_with(|names| names.replace(before));
    }
}

/// Who accepts on a name; the name is free again once this is dropped.
#[derive(Debug)]
pub(crate) struct MemoryListener {
    names: Names,
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
    let names = Names::current();
    let mut listeners = names.listeners();
    if listeners.contains_key(name) {
        let what = format!("mem:{name} is in use in this process");
        return Err(io::Error::new(io::ErrorKind::AddrInUse, what));
    }
    let (sender, arrivals) = mpsc::channel(BACKLOG);
    listeners.insert(name.clone(), sender);
    drop(listeners);
    if let Some(wiring) = &names.0.wiring {
        wiring.bound(name);
    }
    Ok(MemoryListener { names, name: name.clone(), arrivals })
}

pub(crate) async fn connect(name: &EndpointName, max: Option<usize>) -> io::Result<Memory> {
    let refused = || {
        let what = format!("nobody listens on mem:{name} in this process");
        io::Error::new(io::ErrorKind::ConnectionRefused, what)
    };
    let options = max.map_or_else(Options::default, |max| Options::default().max_message(max));
    let names = Names::current();
    let (near, far) = names.dial(name, options).await?;
    let listener = names.listeners().get(name).cloned().ok_or_else(refused)?;
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
        self.names.listeners().remove(&self.name);
    }
}
