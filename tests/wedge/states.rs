//! The states in which an operation blocks, each with a peer that leaves it in it.

use std::io;
use std::pin::pin;
use std::process::{Command, Stdio};

use anysock::{Domain, Options, Type};
use anysock_core::{Shutdown, Socket};

use crate::far::{client, drain, ends, fill, frame, fresh};
use crate::outcome::{ends_receiving, fails, is_done, receives};
use crate::sockets::Sockets;
use crate::stage::{Release, Stage, poll_once};
use crate::traps::use_up_descriptors;
use crate::{child, link, network};

pub(crate) async fn full_queue<S: Sockets>(stage: Stage) {
    let (mut near, release): (_, Release) = match (stage.cell.domain, stage.cell.kind) {
        (domain @ (Domain::Ipv4 | Domain::Ipv6), Type::Datagram) => {
            let network = network::Alone::new(domain);
            (network.connect::<S>(stage.cell).await, Box::new(move || network.answer()))
        }
        _ => {
            let (near, far) = ends::<S>(stage.cell, &Options::new()).await;
            (near, Box::new(move || drain(far)))
        }
    };
    fill(&S::duplicate(&near), None);
    sends_until_over::<S>(stage, &mut near, release).await;
}

pub(crate) async fn half_closed<S: Sockets>(stage: Stage) {
    let (mut near, far) = ends::<S>(stage.cell, &Options::new()).await;
    far.shutdown(Shutdown::Write).unwrap();
    ends_receiving(S::recv(&mut near).await).unwrap();
    fill(&S::duplicate(&near), None);
    sends_until_over::<S>(stage, &mut near, Box::new(move || drain(far))).await;
}

/// The kernel may find some room meanwhile, which is used.
async fn sends_until_over<S: Sockets>(stage: Stage, near: &mut S::Connection, release: Release) {
    let is_over = stage.is_over();
    let sending = async {
        while !is_over() {
            is_done(S::send(near, &[7; 1000]).await)?;
        }
        Ok(())
    };
    stage.watch(sending, Some(release)).await;
}

pub(crate) async fn silent_peer<S: Sockets>(stage: Stage) {
    let (mut near, far) = ends::<S>(stage.cell, &Options::new()).await;
    let hello = frame(stage.cell, b"hello");
    let release = move || {
        far.send(&hello).unwrap();
        // Or the end comes behind it.
        std::mem::forget(far);
    };
    stage.watch(async { receives(S::recv(&mut near).await) }, Some(Box::new(release))).await;
}

/// In repair mode a socket is closed without a word: tcp(7) has nothing of it, the kernel's
/// `tcp_close` has.
pub(crate) async fn half_open<S: Sockets>(stage: Stage) {
    network::loopback();
    let (mut near, far) = ends::<S>(stage.cell, &Options::new()).await;
    link::set_raw(&far, libc::IPPROTO_TCP, libc::TCP_REPAIR, 1).unwrap();
    drop(far);
    let duplicate = S::duplicate(&near);
    // Whoever speaks to one who has forgotten the connection is told so.
    let release = move || assert_ne!(duplicate.send(b"are you there?").unwrap(), 0);
    stage.watch(async { fails(S::recv(&mut near).await) }, Some(Box::new(release))).await;
}

pub(crate) async fn shut_down_elsewhere<S: Sockets>(stage: Stage) {
    let (mut near, _far) = ends::<S>(stage.cell, &Options::new()).await;
    let duplicate = S::duplicate(&near);
    let mut receiving = pin!(S::recv(&mut near));
    assert!(poll_once(receiving.as_mut()).await.is_none());
    shut_down_by_another_process(duplicate);
    stage.watch(async { ends_receiving(receiving.await) }, None).await;
}

pub(crate) async fn accept_shut_down_elsewhere<S: Sockets>(stage: Stage) {
    let mut listener = S::bind(stage.cell, &fresh(stage.cell.domain)).await.unwrap();
    let duplicate = S::duplicate_listener(&listener);
    let mut accepting = pin!(S::accept(&mut listener));
    assert!(poll_once(accepting.as_mut()).await.is_none());
    shut_down_by_another_process(duplicate);
    stage.watch(async { fails(accepting.await) }, None).await;
}

fn shut_down_by_another_process(socket: Socket) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(child::arguments("states::the_part_of_a_process_that_shuts_its_input_down"));
    command.env(SHUTS_DOWN, "1").stdin(std::os::fd::OwnedFd::from(socket));
    assert!(command.stdout(Stdio::null()).status().unwrap().success());
}

const SHUTS_DOWN: &str = "ANYSOCK_WEDGE_SHUTS_DOWN";

#[test]
fn the_part_of_a_process_that_shuts_its_input_down() {
    if std::env::var_os(SHUTS_DOWN).is_some() {
        let input = io::stdin();
        let done = socket2::SockRef::from(&input).shutdown(std::net::Shutdown::Read);
        // An unconnected UDP socket is shut down, and says that it is not connected.
        assert!(done.is_ok() || done.unwrap_err().kind() == io::ErrorKind::NotConnected);
    }
}

/// As a client that goes on when it is told that an earlier message was refused.
pub(crate) async fn icmp_error<S: Sockets>(stage: Stage) {
    let (mut near, far) = ends::<S>(stage.cell, &Options::new()).await;
    let (far_addr, near_addr) =
        (far.local_addr().unwrap(), S::duplicate(&near).local_addr().unwrap());
    drop(far);
    // The reactor knows of the socket before there is an error.
    assert!(poll_once(pin!(S::recv(&mut near))).await.is_none());
    S::send(&mut near, b"lost").await.unwrap();
    let receiving = async {
        loop {
            match S::recv(&mut near).await {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                received => return receives(received),
            }
        }
    };
    let release = move || {
        let far = link::bind(Type::Datagram, &far_addr, &Options::new()).unwrap();
        link::send_to(&far, b"found", &near_addr).unwrap();
    };
    stage.watch(receiving, Some(Box::new(release))).await;
}

pub(crate) async fn icmp_error_of_a_peer<S: Sockets>(stage: Stage) {
    let mut listener = S::bind(stage.cell, &fresh(stage.cell.domain)).await.unwrap();
    let socket = S::duplicate_listener(&listener);
    let first = client(&socket);
    first.send(b"hello").unwrap();
    let mut near = S::accept(&mut listener).await.unwrap();
    drop(first);
    S::send(&mut near, b"lost").await.unwrap();
    let accepting = async { is_done(S::accept(&mut listener).await) };
    let release = move || assert_ne!(client(&socket).send(b"hello").unwrap(), 0);
    stage.watch(accepting, Some(Box::new(release))).await;
}

/// As a server that goes on when accepting fails.
pub(crate) async fn no_descriptor<S: Sockets>(stage: Stage) {
    let mut listener = S::bind(stage.cell, &fresh(stage.cell.domain)).await.unwrap();
    let _client = client(&S::duplicate_listener(&listener));
    let taken = use_up_descriptors();
    let accepting = async {
        loop {
            match S::accept(&mut listener).await {
                Err(error) if error.raw_os_error() == Some(libc::EMFILE) => {}
                accepted => return is_done(accepted),
            }
        }
    };
    stage.watch(accepting, Some(Box::new(move || drop(taken)))).await;
}
