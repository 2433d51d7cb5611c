//! A service at work: accepts, counts, and ends in three steps.

use std::any::Any;
use std::collections::HashMap;
use std::fmt::Display;
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use anysock_core::Addr;
use anysock_framing::{Accept, Error, Limits};
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::Instrument as _;

use super::admission::{Admission, Refusal, Ticket};
use super::report::{ListenerReport, Report};
use super::{Phase, Serve};
use crate::{Connection, Listener, observed};

/// How long an aborted handler may take to let go. It does so where it waits; one that never waits
/// is left behind.
const LETTING_GO: Duration = Duration::from_secs(1);

type Ended<E> = Result<(Id, Result<(), E>), JoinError>;

/// All the state of a service, in one task.
pub(super) struct Service<H, E> {
    handler: H,
    doors: Doors,
    max_connections: usize,
    admission: Admission,
    limits: Limits,
    signal: Pin<Box<dyn Future<Output = ()> + Send>>,
    grace: Option<Duration>,
    phase: watch::Sender<Phase>,
    /// As many permits are taken as there are tasks.
    tasks: JoinSet<Result<(), E>>,
    served: HashMap<Id, Served>,
    report: Report,
}

/// What is kept of a connection while its handler has it.
struct Served {
    ticket: Ticket,
    /// For the log, if anybody reads it.
    peer: Option<Box<Addr>>,
}

/// The listeners, of which each in turn is asked first.
struct Doors {
    listeners: Vec<Option<Listener>>,
    next: usize,
}

impl Doors {
    /// The next connection of any of them, or the end of one.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<(usize, Result<Connection, Error>)> {
        let count = self.listeners.len();
        for turn in 0..count {
            let which = (self.next + turn) % count;
            let Some(listener) = &mut self.listeners[which] else { continue };
            if let Poll::Ready(accepted) = listener.poll_accept(cx) {
                self.next = which + 1;
                return Poll::Ready((which, accepted));
            }
        }
        Poll::Pending
    }

    fn are_closed(&self) -> bool {
        self.listeners.iter().all(Option::is_none)
    }
}

/// What a running service meets.
#[expect(clippy::large_enum_variant, reason = "it is taken apart as soon as it is made")]
enum Event<E> {
    Shutdown,
    Ended(Ended<E>),
    Accepted(usize, Result<Connection, Error>),
}

impl<H, F, E> Service<H, E>
where
    H: FnMut(Connection) -> F + Send + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Display + Send + 'static,
{
    pub(super) fn new(serve: Serve<H>) -> Self {
        let Serve { listeners, handler, max_connections, admission, limits, signal, grace, phase } =
            serve;
        let listener_reports =
            listeners.iter().map(|listener| ListenerReport::new(listener.endpoint().clone()));
        let report = Report { listeners: listener_reports.collect(), ..Report::default() };
        Self {
            handler,
            doors: Doors { listeners: listeners.into_iter().map(Some).collect(), next: 0 },
            max_connections,
            admission,
            limits,
            signal,
            grace,
            phase,
            tasks: JoinSet::new(),
            served: HashMap::new(),
            report,
        }
    }

    pub(super) async fn run(mut self) -> Report {
        self.accept().await;
        for which in 0..self.doors.listeners.len() {
            self.close(which);
        }
        self.drain().await;
        self.abort().await;
        self.phase.send_replace(Phase::Done);
        self.report
    }

    /// The first step: accepts until told to stop.
    async fn accept(&mut self) {
        while !self.doors.are_closed() {
            self.phase.send_replace(Phase::Running { connections: self.tasks.len() });
            match self.next().await {
                Event::Shutdown => return,
                Event::Ended(ended) => self.end(ended),
                Event::Accepted(which, Ok(connection)) => {
                    self.begin(which, connection);
                    // A flood of strangers does not hold up the thread.
                    tokio::task::consume_budget().await;
                }
                Event::Accepted(which, Err(error)) => {
                    let report = &mut self.report.listeners[which];
                    tracing::error!(endpoint = %report.endpoint, %error, "a listener has failed");
                    report.error = Some(error);
                    self.close(which);
                }
            }
        }
    }

    /// Closes a listener, unless it has failed before; what it has counted is told at the end.
    fn close(&mut self, which: usize) {
        if let Some(listener) = self.doors.listeners[which].take() {
            self.report.listeners[which].stats = listener.stats();
        }
    }

    async fn next(&mut self) -> Event<E> {
        let Self { doors, tasks, signal, .. } = self;
        // Taken before accepting, so that who has none to give accepts nothing.
        let has_permit = tasks.len() < self.max_connections;
        tokio::select! {
            // In this order, or handlers that end by the shutdown would make room for others.
            biased;
            () = signal => Event::Shutdown,
            Some(ended) = tasks.join_next_with_id() => Event::Ended(ended),
            (which, accepted) = poll_fn(|cx| doors.poll_accept(cx)), if has_permit => {
                Event::Accepted(which, accepted)
            }
        }
    }

    /// Has a connection handled, or refuses it.
    fn begin(&mut self, which: usize, connection: Connection) {
        let report = &mut self.report.listeners[which];
        let ticket = match self.admission.admit(&connection) {
            Ok(ticket) => ticket,
            Err(refusal) => {
                tracing::debug!(endpoint = %report.endpoint, ?refusal, "a connection is refused");
                report.refused += 1;
                match refusal {
                    Refusal::PerAddress => self.report.refused_per_address += 1,
                    Refusal::PerUid => self.report.refused_per_uid += 1,
                }
                observed::refused(refusal.limit());
                return;
            }
        };
        report.accepted += 1;
        self.report.accepted += 1;
        let is_logged = tracing::enabled!(tracing::Level::DEBUG);
        let peer = is_logged.then(|| connection.peer_addr().ok().map(Box::new)).flatten();
        let span = connection.span();
        let connection = connection.limit(&self.limits);
        let handler = AssertUnwindSafe(|| span.in_scope(|| (self.handler)(connection)));
        // The handler's own future is the task, so that each connection is held once.
        match catch_unwind(handler) {
            Ok(handling) => {
                let task = match span.is_disabled() {
                    true => self.tasks.spawn(handling),
                    false => self.tasks.spawn(handling.instrument(span)),
                };
                let id = task.id();
                self.served.insert(id, Served { ticket, peer });
            }
            Err(panic) => {
                self.admission.release(ticket);
                self.panicked(&*panic);
            }
        }
    }

    /// The second step: lets handlers finish.
    async fn drain(&mut self) {
        let deadline = self.grace.and_then(|grace| Instant::now().checked_add(grace));
        loop {
            self.phase.send_replace(Phase::Draining { left: self.tasks.len() });
            let grace_over = async {
                match deadline {
                    Some(deadline) => sleep_until(deadline).await,
                    None => pending().await,
                }
            };
            let ended = tokio::select! {
                ended = self.tasks.join_next_with_id() => ended,
                () = grace_over => return,
            };
            match ended {
                Some(ended) => self.end(ended),
                None => return,
            }
        }
    }

    /// The third step: drops those that are left.
    async fn abort(&mut self) {
        if self.tasks.is_empty() {
            return;
        }
        tracing::warn!(left = self.tasks.len(), "the grace is over, handlers are aborted");
        self.tasks.abort_all();
        let deadline = Instant::now() + LETTING_GO;
        loop {
            self.phase.send_replace(Phase::Aborting { left: self.tasks.len() });
            match timeout_at(deadline, self.tasks.join_next_with_id()).await {
                Ok(Some(ended)) => self.end(ended),
                Ok(None) => return,
                Err(_) => break,
            }
        }
        let stuck = self.tasks.len() as u64;
        tracing::error!(stuck, "handlers never wait, and cannot be aborted");
        self.report.aborted += stuck;
        self.report.stuck = stuck;
    }

    /// Counts how a handler has ended.
    fn end(&mut self, ended: Ended<E>) {
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let Some(Served { ticket, peer }) = self.served.remove(&id) else { return };
        self.admission.release(ticket);
        match ended {
            Ok((_, Ok(()))) => {
                self.report.finished += 1;
                observed::handler_ended("finished");
            }
            Ok((_, Err(error))) => {
                tracing::debug!(?peer, %error, "a handler has failed");
                self.report.failed += 1;
                observed::handler_ended("failed");
            }
            Err(error) => match error.try_into_panic() {
                Ok(panic) => self.panicked(&*panic),
                Err(_) => {
                    self.report.aborted += 1;
                    observed::handler_ended("aborted");
                }
            },
        }
    }

    fn panicked(&mut self, panic: &(dyn Any + Send)) {
        let words = panic.downcast_ref::<&str>().copied();
        let words = words.or_else(|| panic.downcast_ref().map(String::as_str));
        tracing::error!(panic = words.unwrap_or("without words"), "a handler has panicked");
        self.report.panicked += 1;
        observed::handler_ended("panicked");
    }
}
