//! A server is killed and started again on the same path or port, over and over: it binds at once,
//! and a client that connects again comes back to it.

use std::future::IntoFuture;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anysock::prelude::*;
use anysock::{Backoff, Cell, Connection, Domain, Endpoint, ErrorKind, Reconnecting, Type};
use tokio::time::timeout;

use crate::children::{Child, End, kill_self, shared};
use crate::effort::tell;
use crate::part::{Run, per_cell};
use crate::{directory::Directory, words};

per_cell! { a_killed_server_binds_again_at_once_and_its_clients_come_back }

const DEADLINE: Duration = Duration::from_secs(20);
/// How long a client waits for an answer where nothing tells it that the server is gone.
const PATIENCE: Duration = Duration::from_millis(50);

fn a_killed_server_binds_again_at_once_and_its_clients_come_back(run: &Run) {
    let servers = run.effort.pick(8, 50, 300);
    let directory = Directory::new();
    let endpoint = at_free_port(&words::endpoint(run.cell, &directory), run.cell);
    // What the keeper has to tell: connections in TIME-WAIT, the longest bind in microseconds.
    let [ref waiting, ref longest_bind] = shared(2)[..] else { unreachable!() };
    let (mut told, tells) = UnixStream::pair().unwrap();
    let keeper = Child::fork(|| keep(run, servers, &endpoint, [waiting, longest_bind], tells));
    told.read_exact(&mut [0]).expect("the first server is bound");

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let Told { answers, connections, longest } =
        runtime.block_on(exchange(run.cell, &endpoint, servers));
    // Which kills the server that is left.
    drop(keeper);
    if run.cell.kind != Type::Datagram {
        assert!(
            connections >= u64::from(servers),
            "{connections} connections to {servers} servers"
        );
    }
    let [waiting, longest_bind] = [waiting, longest_bind].map(|of| of.load(Ordering::Relaxed));
    let along = match is_tcp(run.cell) {
        true => format!(", up to {waiting} connections in TIME-WAIT"),
        false => String::new(),
    };
    tell(
        &format!("a killed server's path or port is bound again at once, {}", run.cell),
        format_args!("{servers} servers, each killed but the last{along}"),
        format_args!("bound in {:.1?}", Duration::from_micros(u64::from(longest_bind))),
        "at the first attempt",
    );
    tell(
        &format!("a client comes back to a server that was killed, {}", run.cell),
        format_args!("{answers} answers over {connections} connections"),
        format_args!("{longest:.0?} from question to answer"),
        format_args!("{DEADLINE:?}"),
    );
}

/// Starts servers one after the other, each when the one before has been killed.
fn keep(
    run: &Run,
    servers: u32,
    endpoint: &Endpoint,
    [waiting, longest_bind]: [&AtomicU32; 2],
    tells: UnixStream,
) {
    for number in 0..servers {
        let mut random = fastrand::Rng::with_seed(run.seed ^ u64::from(number) << 32);
        let is_last = number + 1 == servers;
        let death = (!is_last).then(|| Death::draw(&mut random));
        let server = Child::fork(|| {
            serve(endpoint, number, death, longest_bind, tells.try_clone().unwrap())
        });
        let end = server.wait();
        assert_eq!(end, End::Killed, "server {number}, which was to die at {death:?}");
        if is_tcp(run.cell) {
            waiting.fetch_max(in_time_wait(endpoint), Ordering::Relaxed);
        }
    }
}

/// When a server is killed.
#[derive(Clone, Copy, Debug)]
struct Death {
    /// With this message that it receives, counted from one ...
    message: u32,
    /// ... and here.
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Received,
    Fed,
    Answered,
}

impl Death {
    fn draw(random: &mut fastrand::Rng) -> Self {
        let place = [Place::Received, Place::Fed, Place::Answered][random.usize(..3)];
        Self { message: random.u32(1..12), place }
    }
}

/// Binds at the first attempt, and answers until it dies.
fn serve(
    endpoint: &Endpoint,
    number: u32,
    death: Option<Death>,
    longest_bind: &AtomicU32,
    mut tells: UnixStream,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let begun = Instant::now();
        let bound = anysock::bind(endpoint).await;
        let listener = bound.unwrap_or_else(|error| panic!("server {number} at once: {error}"));
        longest_bind.fetch_max(begun.elapsed().as_micros() as u32, Ordering::Relaxed);
        if number == 0 {
            tells.write_all(&[1]).unwrap();
        }
        let count = Arc::new(AtomicU32::new(0));
        let handler = move |peer| answer(peer, number, death, Arc::clone(&count));
        anysock::serve(listener, handler).into_future().await;
    });
}

/// Answers with its number and the message, until it dies.
async fn answer(
    mut peer: Connection,
    number: u32,
    death: Option<Death>,
    count: Arc<AtomicU32>,
) -> Result<(), anysock::Error> {
    while let Some(message) = peer.recv().await? {
        let count = count.fetch_add(1, Ordering::Relaxed) + 1;
        let dies = |at| death.is_some_and(|death| death.message == count && death.place == at);
        if dies(Place::Received) {
            kill_self();
        }
        peer.feed([&number.to_be_bytes()[..], &message].concat()).await?;
        if dies(Place::Fed) {
            kill_self();
        }
        peer.flush().await?;
        if dies(Place::Answered) {
            kill_self();
        }
    }
    Ok(())
}

struct Told {
    answers: u64,
    connections: u64,
    longest: Duration,
}

/// Asks until the last server has answered a few times; each question until it is answered.
async fn exchange(cell: Cell, endpoint: &Endpoint, servers: u32) -> Told {
    let backoff = Backoff::default();
    let backoff = backoff.first(Duration::from_millis(1)).longest(Duration::from_millis(10));
    let mut server = anysock::connect(endpoint).reconnecting(backoff).await.unwrap();
    let mut told = Told { answers: 0, connections: 0, longest: Duration::ZERO };
    let mut of_the_last = 0;
    while of_the_last < 5 {
        let asked = Instant::now();
        let question = words::message(1, told.answers as u32, 8 + told.answers as usize % 900);
        let by = timeout(DEADLINE, ask(&mut server, cell, &question)).await;
        let by = by.unwrap_or_else(|_| panic!("no answer to {} in {DEADLINE:?}", told.answers));
        told.answers += 1;
        told.longest = told.longest.max(asked.elapsed());
        of_the_last += u32::from(by + 1 == servers);
    }
    told.connections = server.connections();
    told
}

/// Asks until there is an answer to this question; the server's number.
async fn ask(server: &mut Reconnecting, cell: Cell, question: &[u8]) -> u32 {
    'asking: loop {
        match server.send(question).await {
            Err(error) if matches!(error.kind(), ErrorKind::Reconnected { .. }) => continue,
            Err(error) if error.is_fatal() => panic!("the client does not come back: {error}"),
            _ => {}
        }
        loop {
            let received = match cell.kind {
                Type::Datagram => match timeout(PATIENCE, server.recv()).await {
                    Ok(received) => received,
                    Err(_) => continue 'asking,
                },
                _ => server.recv().await,
            };
            let answer = match received {
                Ok(answer) => answer.expect("a transport that connects again has no end"),
                Err(error) if error.is_fatal() => panic!("the client does not come back: {error}"),
                Err(_) => continue 'asking,
            };
            // Of a question that was asked twice there may be two answers.
            if answer[4..] == *question {
                return u32::from_be_bytes(answer[..4].try_into().unwrap());
            }
            words::read(&answer[4..]);
        }
    }
}

fn is_tcp(cell: Cell) -> bool {
    cell.domain != Domain::Unix && cell.kind == Type::Stream
}

/// The same endpoint, at a port that is free if it has ports.
///
/// Not one that the kernel chooses: those it also gives to whoever connects, in this process or any
/// other, while no server is there.
fn at_free_port(endpoint: &Endpoint, cell: Cell) -> Endpoint {
    let text = endpoint.to_string();
    let Some(start) = text.strip_suffix(":0") else { return endpoint.clone() };
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
    let lowest: u16 = range.split_whitespace().next().unwrap().parse().unwrap();
    loop {
        let port = fastrand::u16(lowest / 2..lowest);
        let endpoint: Endpoint = format!("{start}:{port}").parse().unwrap();
        let socket = anysock::Socket::open(cell).unwrap();
        if socket.bind(&words::addr(&endpoint)).is_ok() {
            return endpoint;
        }
    }
}

/// Connections of a local port in TIME-WAIT, or on the way there: proc_net(5).
fn in_time_wait(endpoint: &Endpoint) -> u32 {
    let addr = words::addr(endpoint).as_ip().unwrap();
    let table = if addr.is_ipv4() { "/proc/net/tcp" } else { "/proc/net/tcp6" };
    let ending = format!(":{:04X}", addr.port());
    let table = std::fs::read_to_string(table).unwrap();
    let rows = table.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
    // 06 is TIME-WAIT, 04 and 05 are FIN-WAIT.
    let is_waiting = |row: &Vec<&str>| ["04", "05", "06"].contains(&row[3]);
    rows.filter(|row| row[1].ends_with(&ending) && is_waiting(row)).count() as u32
}
