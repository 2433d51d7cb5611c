//! Peers that are killed, in every cell and either role: what the survivor sees, and that it
//! keeps no descriptor.

use std::io::{self, IoSlice, Read};
use std::time::{Duration, Instant};

use anysock_async::{Accepted, Connected, DatagramPeer, Packet, PeerLimits, bind, connect};
use anysock_core::{Addr, Cell, Domain, Endpoint, Options, Outgoing, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::ends::{bound, fresh, listening};
use crate::process::{Lines, Process, rerun, run};
use crate::raw::{POLLIN, poll};
use crate::watchdog::poll_once;

const DEADLINE: Duration = Duration::from_secs(20);
const CELL: &str = "ANYSOCK_TEST_KILLED_CELL";
/// What the one that is killed does: it listens, or connects to an address.
const CONNECTS_TO: &str = "ANYSOCK_TEST_KILLED_CONNECTS_TO";

fn killed_client(cell: Cell) {
    run(rerun("killed::the_part_of_a_server_whose_client_is_killed").env(CELL, cell.to_string()));
}

per_cell! { killed_client {
    unix_stream_survives_a_killed_client => UNIX_STREAM,
    unix_datagram_survives_a_killed_client => UNIX_DATAGRAM,
    unix_seqpacket_survives_a_killed_client => UNIX_SEQPACKET,
    ipv4_stream_survives_a_killed_client => IPV4_STREAM,
    ipv4_datagram_survives_a_killed_client => IPV4_DATAGRAM,
    ipv6_stream_survives_a_killed_client => IPV6_STREAM,
    ipv6_datagram_survives_a_killed_client => IPV6_DATAGRAM,
} }

fn killed_server(cell: Cell) {
    run(rerun("killed::the_part_of_a_client_whose_server_is_killed").env(CELL, cell.to_string()));
}

per_cell! { killed_server {
    unix_stream_survives_a_killed_server => UNIX_STREAM,
    unix_datagram_survives_a_killed_server => UNIX_DATAGRAM,
    unix_seqpacket_survives_a_killed_server => UNIX_SEQPACKET,
    ipv4_stream_survives_a_killed_server => IPV4_STREAM,
    ipv4_datagram_survives_a_killed_server => IPV4_DATAGRAM,
    ipv6_stream_survives_a_killed_server => IPV6_STREAM,
    ipv6_datagram_survives_a_killed_server => IPV6_DATAGRAM,
} }

#[test]
fn the_part_of_a_server_whose_client_is_killed() {
    let Some(cell) = cell() else { return };
    survive(async || {
        for unread in [false, true] {
            let limits = PeerLimits::default();
            let any = fresh(cell.domain);
            let mut listener = bind(&any, cell.kind, &Options::new(), &limits).await.unwrap();
            let (victim, lines) = start(cell, Some(listener.local_addr().unwrap()));
            let accepted = listener.accept().await.unwrap();
            lines.wait_for("ready");
            match accepted {
                Accepted::Stream(stream) => {
                    watch(Connected::Stream(stream), victim, unread).await;
                }
                Accepted::SeqPacket(packets) => {
                    watch(Connected::SeqPacket(packets), victim, unread).await;
                }
                Accepted::Peer(peer) => watch_peer(peer, victim).await,
            }
            // Others are served as before.
            let (victim, lines) = start(cell, Some(listener.local_addr().unwrap()));
            let _other = listener.accept().await.unwrap();
            lines.wait_for("ready");
            victim.kill();
        }
    });
}

#[test]
fn the_part_of_a_client_whose_server_is_killed() {
    let Some(cell) = cell() else { return };
    survive(async || {
        for unread in [false, true] {
            let (victim, lines) = start(cell, None);
            let at = endpoint(cell, &lines.wait_for("at "));
            let connected = connect(&at, cell.kind, &Options::new(), DEADLINE).await.unwrap();
            if let Connected::Datagram(datagrams) = &connected {
                datagrams.send(b"who is there?").await.unwrap();
            }
            lines.wait_for("ready");
            watch(connected, victim, unread).await;
        }
    });
}

#[test]
fn the_part_of_a_process_that_is_killed() {
    let Some(cell) = cell() else { return };
    let _ends = match std::env::var(CONNECTS_TO) {
        Ok(to) => client(cell, &endpoint(cell, &to)),
        Err(_) => server(cell),
    };
    println!("\nready");
    // Until it is killed, or whoever started it is gone.
    let _ = io::stdin().read_to_end(&mut Vec::new());
}

/// Connects and says hello.
fn client(cell: Cell, to: &Addr) -> (Socket, Option<Socket>) {
    let socket = match cell.kind {
        Type::Datagram => bound(cell),
        _ => Socket::open(cell).unwrap(),
    };
    let begun = socket.connect(to);
    if begun.is_err_and(|error| error.raw_os_error() != Some(libc::EINPROGRESS)) {
        panic!("cannot connect to {to}");
    }
    poll(&socket, libc::POLLOUT);
    socket.send(b"hello").unwrap();
    (socket, None)
}

/// Listens, and says hello to the first.
fn server(cell: Cell) -> (Socket, Option<Socket>) {
    let socket = match cell.kind {
        Type::Datagram => bound(cell),
        _ => listening(cell, 8),
    };
    println!("\nat {}", socket.local_addr().unwrap());
    poll(&socket, POLLIN);
    if cell.kind == Type::Datagram {
        let question = socket.recv_message(&mut [0; 64]).unwrap();
        let to = question.source.unwrap();
        socket.send_message(&[IoSlice::new(b"hello")], &Outgoing::to(&to)).unwrap();
        return (socket, None);
    }
    let (accepted, _) = socket.accept().unwrap();
    accepted.send(b"hello").unwrap();
    (socket, Some(accepted))
}

fn cell() -> Option<Cell> {
    let name = std::env::var(CELL).ok()?;
    Cell::ALL.into_iter().find(|cell| cell.to_string() == name)
}

fn start(cell: Cell, connects_to: Option<Addr>) -> (Process, Lines) {
    let mut command = rerun("killed::the_part_of_a_process_that_is_killed");
    command.env(CELL, cell.to_string());
    if let Some(addr) = connects_to {
        command.env(CONNECTS_TO, addr.to_string());
    }
    Process::start(&mut command)
}

fn endpoint(cell: Cell, addr: &str) -> Addr {
    let scheme = match (cell.domain, cell.kind) {
        (Domain::Unix, Type::Stream) => "unix:",
        (Domain::Unix, Type::Datagram) => "unix-dgram:",
        (Domain::Unix, Type::SeqPacket) => "unix-seqpacket:",
        (_, Type::Datagram) => "udp://",
        _ => "tcp://",
    };
    format!("{scheme}{addr}").parse::<Endpoint>().unwrap().addr().unwrap()
}

/// Runs a survivor in a runtime of its own, and compares the descriptors before and after.
fn survive(scenario: impl AsyncFn()) {
    let build = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // The first runtime of a process opens what it keeps for signals.
    drop(build());
    let before = descriptors();
    let runtime = build();
    runtime.block_on(async {
        let ended = tokio::time::timeout(DEADLINE, scenario()).await;
        assert!(ended.is_ok(), "the survivor waits for ever");
    });
    drop(runtime);
    // The threads that read what the killed ones said end a moment after them.
    let start = Instant::now();
    while descriptors() != before {
        assert!(start.elapsed() < DEADLINE, "{} descriptors, {before} before", descriptors());
        std::thread::yield_now();
    }
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Receives the greeting, has the peer killed, with or without something unread there, and sees
/// what it must.
async fn watch(mut near: Connected, victim: Process, unread: bool) {
    assert_eq!(next(&mut near).await.unwrap().unwrap(), b"hello");
    if unread {
        tell(&mut near).await.unwrap();
    }
    victim.kill();
    if let Connected::Datagram(datagrams) = &near {
        return watch_datagrams(datagrams).await;
    }
    let end = next(&mut near).await;
    if unread {
        assert_eq!(end.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    } else {
        assert!(end.unwrap().is_none(), "not an orderly end");
    }
    // TCP takes one more before it hears that nobody is there.
    let mut errors = Vec::new();
    for _ in 0..1000 {
        errors.extend(tell(&mut near).await.err());
        if !errors.is_empty() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let kinds = [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset];
    assert!(kinds.contains(&errors[0].kind()), "{}", errors[0]);
}

async fn next(near: &mut Connected) -> io::Result<Option<Vec<u8>>> {
    let mut buffer = vec![0; 64];
    let length = match near {
        Connected::Stream(stream) => match stream.read(&mut buffer).await? {
            0 => None,
            length => Some(length),
        },
        Connected::SeqPacket(packets) => packets.recv(&mut buffer).await?.map(|got| got.length),
        Connected::Datagram(datagrams) => datagrams.recv(&mut buffer).await?.map(|got| got.length),
    };
    Ok(length.map(|length| buffer[..length].to_vec()))
}

async fn tell(near: &mut Connected) -> io::Result<()> {
    match near {
        Connected::Stream(stream) => stream.write_all(b"unread").await,
        Connected::SeqPacket(packets) => packets.send(b"unread").await,
        Connected::Datagram(datagrams) => datagrams.send(b"unread").await,
    }
}

/// Silence, until something is sent: then it is refused, by the send or by an answer to it.
async fn watch_datagrams(near: &anysock_async::DatagramSocket) {
    let mut buffer = [0; 64];
    assert!(poll_once(std::pin::pin!(near.recv(&mut buffer))).await.is_pending());
    let refused = match near.send(b"lost").await {
        Err(error) => error,
        Ok(()) => near.recv(&mut buffer).await.unwrap_err(),
    };
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
}

/// As [`watch_datagrams`], for an accepted peer.
async fn watch_peer(mut peer: DatagramPeer, victim: Process) {
    let first = std::future::poll_fn(|cx| peer.poll_recv_packet(cx)).await.unwrap();
    assert!(matches!(first, Some(Packet::Message(message)) if message == "hello"));
    victim.kill();
    let sent = std::future::poll_fn(|cx| peer.poll_send(cx, b"lost")).await;
    let refused = match sent {
        Err(error) => error,
        Ok(()) => std::future::poll_fn(|cx| peer.poll_recv_packet(cx)).await.unwrap_err(),
    };
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
}
