//! The script that every case runs: a server that echoes, a client, and a clean one after it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anysock::core::faults::{self, Plan, Trace};
use anysock::prelude::*;
use anysock::{Attached, Connection, Endpoint, Error, Listener, Message};
use bytes::Bytes;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

use crate::cells::Tried;
use crate::log::{FAREWELL, Log, MARKERS, Record, Sent};

/// Each case ends within this.
pub(crate) const BOUND: Duration = Duration::from_secs(2);

/// The message of the client that comes after the fault.
const CLEAN: u64 = MARKERS << 8;

/// What one run was.
pub(crate) struct Run {
    pub(crate) record: Record,
    pub(crate) trace: Trace,
    pub(crate) took: Duration,
    /// Descriptors that were open before, and are open after.
    pub(crate) descriptors: (usize, usize),
    /// Whether the socket file is still there.
    pub(crate) is_left: bool,
}

/// The client gave up; why is in the log.
struct GaveUp;

/// Runs the script once, with a fault in it or without.
pub(crate) fn run(tried: Tried, plan: Option<Plan>, directory: &Path) -> Run {
    let before = open_descriptors();
    let (log, began) = (Log::default(), Instant::now());
    faults::begin(plan);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().unwrap();
    runtime.block_on(async {
        let script = script(tried, &log, directory);
        if tokio::time::timeout(BOUND, script).await.is_err() {
            let step = log.get().step.clone();
            log.broken(format!("it still waits after {BOUND:?}, at: {step}"));
        }
    });
    drop(runtime);
    let (trace, took) = (faults::end(), began.elapsed());
    if took > BOUND {
        log.broken(format!("it took {took:?}"));
    }
    let record = std::mem::take(&mut *log.get());
    let descriptors = (before, open_descriptors());
    Run { record, trace, took, descriptors, is_left: directory.join("socket").exists() }
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

async fn script(tried: Tried, log: &Log, directory: &Path) {
    log.step("bind");
    let endpoint = tried.endpoint(directory);
    let listener = match bind(tried, &endpoint).await {
        Ok(listener) => listener,
        Err(error) => {
            log.told("bind", &error, true);
            // What failed has left nothing in the way.
            faults::pause(true);
            let listener = bind(tried, &endpoint).await;
            match listener {
                Ok(listener) => listener,
                Err(error) => return log.broken(format!("bound anew: {error}")),
            }
        }
    };
    let at = listener.endpoint().clone();
    let stop = Arc::new(Notify::new());
    let server = tokio::spawn(serve(tried, listener, log.clone(), Arc::clone(&stop)));
    if log.trouble() == 0 {
        let _ = client(tried, &at, log).await;
        log.step("the server's end");
        if tried.has_end() {
            log.until(|record| record.begun == record.ended).await;
        }
    }
    faults::pause(true);
    log.step("a clean client, after the fault");
    if let Err(what) = clean(tried, &at).await {
        log.broken(format!("the listener has taken harm: {what}"));
    }
    if tried.has_end() {
        log.step("the end of the server of the clean client");
        log.until(|record| record.begun == record.ended).await;
    }
    faults::pause(false);
    log.step("closing the listener");
    stop.notify_one();
    joined(server, log).await;
}

async fn bind(tried: Tried, endpoint: &str) -> Result<Listener, Error> {
    anysock::bind(endpoint).options(tried.options(true)).await
}

async fn connect(tried: Tried, at: &Endpoint) -> Result<Connection, Error> {
    anysock::connect(at).options(tried.options(false)).deadline(Duration::from_secs(1)).await
}

async fn joined(task: JoinHandle<()>, log: &Log) {
    if let Err(error) = task.await {
        log.broken(format!("a task: {error}"));
    }
}

/// One more connection to the same listener, and one message there and back.
async fn clean(tried: Tried, at: &Endpoint) -> Result<(), String> {
    let mut connection = connect(tried, at).await.map_err(|error| format!("connect: {error}"))?;
    let sent = Sent::new(CLEAN, 100);
    connection.send(sent.bytes()).await.map_err(|error| format!("send: {error}"))?;
    let back = connection.recv().await.map_err(|error| format!("recv: {error}"))?;
    match back.as_ref().and_then(Sent::of) {
        Some(back) if back == sent => {}
        _ => return Err(format!("{back:?} came back")),
    }
    connection.close().await.map_err(|error| format!("close: {error}"))
}

async fn serve(tried: Tried, mut listener: Listener, log: Log, stop: Arc<Notify>) {
    let mut handlers = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stop.notified() => break,
            Some(ended) = handlers.join_next() => {
                if let Err(error) = ended {
                    log.broken(format!("a handler: {error}"));
                }
                log.change(|record| record.ended += 1);
            }
            accepted = listener.accept() => match accepted {
                Ok(peer) => {
                    log.change(|record| record.begun += 1);
                    handlers.spawn(handle(tried, peer, log.clone()));
                }
                Err(error) => {
                    log.told("accept", &error, true);
                    stop.notified().await;
                    break;
                }
            },
        }
    }
    log.change(|record| record.lost = listener.stats().lost);
    handlers.shutdown().await;
}

/// Gives back what comes, until the end, and then says farewell.
async fn handle(tried: Tried, mut peer: Connection, log: Log) {
    let mut messages = Vec::new();
    loop {
        match peer.recv_many(&mut messages, 16).await {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => {
                log.error("server recv", &error);
                if error.is_fatal() {
                    return;
                }
            }
        }
        for mut message in messages.drain(..) {
            let descriptors = message.take_descriptors().len();
            match Sent::of(&message) {
                Some(sent) => log.change(|record| {
                    record.taken += descriptors;
                    if !sent.is_marker() {
                        record.served.push(sent);
                    }
                }),
                None => log.broken(format!("the server received {message:?}")),
            }
            if is_over(peer.feed(message).await, "server feed", &log) {
                return;
            }
        }
        if is_over(flushed(&mut peer, &log).await, "server flush", &log) {
            return;
        }
    }
    if tried.has_end() {
        let farewell = Sent::new(FAREWELL, 64).bytes();
        if !is_over(peer.send(farewell).await, "server send", &log) {
            is_over(peer.close().await, "server close", &log);
        }
    }
}

/// Whether it is an error after which nothing more can be done.
fn is_over(done: Result<(), Error>, at: &str, log: &Log) -> bool {
    let Err(error) = done else { return false };
    log.error(at, &error);
    error.is_fatal()
}

/// Flushes until all is flushed, for an error of one message leaves the others to the next call.
async fn flushed(sending: &mut impl SendHalf, log: &Log) -> Result<(), Error> {
    loop {
        match sending.flush().await {
            Err(error) if !error.is_fatal() => log.error("flush", &error),
            done => return done,
        }
    }
}

async fn client(tried: Tried, at: &Endpoint, log: &Log) -> Result<(), GaveUp> {
    log.step("connect");
    let mut connection = connect(tried, at).await.map_err(|error| {
        log.told("connect", &error, true);
        GaveUp
    })?;
    let mut numbers = 1..;
    let mut next = move |length| Sent::new(numbers.next().unwrap_or_default(), length);
    for length in tried.singles() {
        let sent = next(length);
        log.step(format!("message {} of {} bytes, alone", sent.number, sent.length));
        let trouble = log.trouble();
        send(&mut connection, &[(sent, 0)], log).await?;
        if receive(&mut connection, Some(1), trouble, log).await? {
            let marker = Sent::new(MARKERS + sent.number, 64);
            send(&mut connection, &[(marker, 0)], log).await?;
            receive(&mut connection, None, usize::MAX, log).await?;
        }
    }
    let passing = tried.descriptors().iter().map(|count| vec![(next(40 + count), *count)]);
    let passing: Vec<_> = passing.collect();
    let batches = tried.batches().into_iter();
    let batches = batches.map(|batch| batch.into_iter().map(|length| (next(length), 0)).collect());
    let (mut sending, mut receiving) = connection.split();
    for batch in passing.into_iter().chain(batches.collect::<Vec<Vec<_>>>()) {
        let first = batch.iter().map(|(sent, _)| sent.number).max().unwrap_or_default();
        log.step(format!("{} messages up to {first}, together", batch.len()));
        let trouble = log.trouble();
        let (sent, received) = tokio::join!(
            send(&mut sending, &batch, log),
            receive(&mut receiving, Some(batch.len()), trouble, log)
        );
        sent?;
        if received? {
            let marker = Sent::new(MARKERS + first, 64);
            send(&mut sending, &[(marker, 0)], log).await?;
            receive(&mut receiving, None, usize::MAX, log).await?;
        }
    }
    log.step("half close");
    let closed = sending.close().await;
    if let Err(error) = closed {
        log.error("client close", &error);
        return Err(GaveUp);
    }
    if tried.has_end() {
        log.step("farewell");
        farewell(&mut receiving, log).await?;
    }
    log.change(|record| record.is_through = true);
    Ok(())
}

/// Feeds all and flushes; owned from some length on, a slice below.
async fn send(
    sending: &mut impl SendHalf,
    batch: &[(Sent, usize)],
    log: &Log,
) -> Result<(), GaveUp> {
    for (sent, descriptors) in batch {
        let bytes = sent.bytes();
        let mut attached = Attached::nothing();
        for _ in 0..*descriptors {
            attached = attached.descriptor(std::fs::File::open("/dev/null").unwrap());
        }
        log.change(|record| {
            record.passed += descriptors;
            if !sent.is_marker() {
                record.sent.push(*sent);
            }
        });
        let fed = match sent.length >= 4096 {
            true => sending.feed_with(Bytes::from(bytes), attached).await,
            false => sending.feed_with(&bytes[..], attached).await,
        };
        if is_over(fed, "client feed", log) {
            return Err(GaveUp);
        }
    }
    match is_over(flushed(sending, log).await, "client flush", log) {
        true => Err(GaveUp),
        false => Ok(()),
    }
}

/// Receives so many messages, or until a marker comes. Whether anybody was told of an error
/// meanwhile: then it is not known how many are to come.
async fn receive(
    receiving: &mut impl RecvHalf,
    mut count: Option<usize>,
    trouble: usize,
    log: &Log,
) -> Result<bool, GaveUp> {
    let mut messages: Vec<Message> = Vec::new();
    while count != Some(0) {
        let received = tokio::select! {
            biased;
            received = receiving.recv_many(&mut messages, count.unwrap_or(16)) => received,
            () = log.until(|record| record.told.len() + record.broken.len() > trouble) => {
                return Ok(true);
            }
        };
        match received {
            Ok(0) => {
                log.change(|record| {
                    if record.told.is_empty() {
                        record.broken.push("the client received the end too early".to_owned());
                    }
                });
                return Err(GaveUp);
            }
            Ok(received) => count = count.map(|count| count.saturating_sub(received)),
            Err(error) => {
                log.error("client recv", &error);
                if error.is_fatal() {
                    return Err(GaveUp);
                }
            }
        }
        for message in messages.drain(..) {
            match Sent::of(&message) {
                Some(sent) if sent.is_marker() => count = Some(0),
                Some(sent) => log.change(|record| record.echoed.push(sent)),
                None => log.broken(format!("the client received {message:?}")),
            }
        }
    }
    Ok(false)
}

/// The last message of the server, and the end behind it.
async fn farewell(receiving: &mut impl RecvHalf, log: &Log) -> Result<(), GaveUp> {
    let mut expected = Some(FAREWELL);
    loop {
        match receiving.recv().await {
            Ok(Some(message)) => {
                let number = Sent::of(&message).map(|sent| sent.number);
                if expected.is_none() || number != expected.take() {
                    log.broken(format!("the client received {message:?} for a farewell"));
                }
            }
            Ok(None) if expected.is_none() || log.trouble() > 0 => return Ok(()),
            Ok(None) => {
                log.broken("the end came without the farewell");
                return Err(GaveUp);
            }
            Err(error) => {
                log.error("client farewell", &error);
                return Err(GaveUp);
            }
        }
    }
}
