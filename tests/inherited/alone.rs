//! What only shows within a process that was started with sockets: this test binary again.

use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use anysock::core::{AdoptError, AdoptFault, Cell, Socket, inherited_names};
use anysock::prelude::*;
use anysock::{Options, sockets};

use crate::passed::{activated, at, listening, options, pair, remove_file, shell};
use crate::support::process::{DEADLINE, Guarded, output};
use crate::support::{Directory, over_the_matrix};

const PART: &str = "ANYSOCK_TEST_INHERITS";

/// Runs a part, by its module and name, in a process with what was passed.
fn run_part(part: &str, start: impl FnOnce(&std::path::Path, &[&str]) -> Command) {
    let own = std::env::current_exe().unwrap();
    let mut command = start(&own, &["--exact", part, "--nocapture", "--test-threads=1"]);
    command.env(PART, part).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = Guarded(command.spawn().unwrap());
    drop(command);
    let output = output(child);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let failed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("1 passed"), "{said}{failed}");
}

/// Whether this process is to play this part.
fn plays(part: &str) -> bool {
    std::env::var(PART).is_ok_and(|named| named == part)
}

fn within<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(DEADLINE, test).await.expect("in time") })
}

fn fault(error: anysock::Error) -> AdoptFault {
    std::io::Error::from(error).downcast::<AdoptError>().unwrap().into_fault()
}

#[test]
fn a_number_is_duplicated_and_the_original_left_open() {
    let directory = Directory::new();
    let passed = listening(Cell::IPV4_STREAM, &directory);
    run_part("alone::part_that_binds_a_number_twice", |own, arguments| {
        shell(passed, own, arguments)
    });
}

#[test]
fn part_that_binds_a_number_twice() {
    if !plays("alone::part_that_binds_a_number_twice") {
        return;
    }
    within(async {
        let first = anysock::bind("fd:3").await.unwrap();
        let mut second = anysock::bind("fd:3").await.unwrap();
        assert_eq!(first.endpoint(), second.endpoint());
        drop(first);
        let client = anysock::connect(second.endpoint()).await.unwrap();
        let peer = second.accept().await.unwrap();
        assert_eq!(peer.peer_addr().unwrap(), client.local_addr().unwrap());
        let at = second.endpoint().clone();
        drop(second);
        // Whoever holds the original still listens.
        anysock::connect(&at).await.unwrap();
        let refused = anysock::bind("fd:3").shards(2).await.unwrap_err();
        assert_eq!(refused.io_kind(), Some(std::io::ErrorKind::Unsupported));
    });
}

#[test]
fn a_name_is_taken_over_and_closed_with_its_listener() {
    let directory = Directory::new();
    let passed = listening(Cell::IPV4_STREAM, &directory);
    run_part("alone::part_that_takes_a_name", |own, arguments| {
        activated(passed, "web", own, arguments)
    });
}

#[test]
fn part_that_takes_a_name() {
    if !plays("alone::part_that_takes_a_name") {
        return;
    }
    within(async {
        assert_eq!(inherited_names().unwrap(), ["web"]);
        // What is refused can still be taken: for its options, and for what it is.
        let late = anysock::bind("systemd:web").options(Options::new().reuse_address(true)).await;
        assert!(matches!(fault(late.unwrap_err()), AdoptFault::Option(_)));
        let talked = anysock::connect("systemd:web").await;
        assert!(matches!(fault(talked.unwrap_err()), AdoptFault::Listens { .. }));
        let two = anysock::bind("systemd:web").shards(2).await.unwrap_err();
        assert!(two.to_string().contains("2 sockets are wanted; 1 of this name"), "{two}");
        assert_eq!(inherited_names().unwrap(), ["web"]);

        let mut shards = anysock::bind("systemd:web").shards(1).await.unwrap();
        assert_eq!(inherited_names().unwrap(), [""; 0]);
        let taken = anysock::bind("systemd:web").await.unwrap_err();
        assert_eq!(taken.io_kind(), Some(std::io::ErrorKind::AddrInUse));
        assert!(matches!(fault(taken), AdoptFault::Taken { passed: 1 }));

        let listener = shards.pop().unwrap();
        let at = listener.endpoint().clone();
        anysock::connect(&at).await.unwrap();
        drop(listener);
        let refused = anysock::connect(&at).await.unwrap_err();
        assert_eq!(refused.io_kind(), Some(std::io::ErrorKind::ConnectionRefused));
    });
}

#[test]
fn what_was_passed_is_not_passed_on_any_further() {
    let directory = Directory::new();
    let passed = listening(Cell::UNIX_STREAM, &directory);
    run_part("alone::part_that_starts_another", |own, arguments| {
        activated(passed, "web", own, arguments)
    });
}

#[test]
fn part_that_starts_another() {
    if !plays("alone::part_that_starts_another") {
        return;
    }
    // Once this process knows of them it keeps them for itself, taken or not.
    assert_eq!(inherited_names().unwrap(), ["web"]);
    let open = Command::new("sh").args(["-c", "test -e /proc/self/fd/3"]).status().unwrap();
    assert!(!open.success(), "a child has the socket");
}

over_the_matrix!(nobody_blocks_on_what_others_made_blocking);

fn nobody_blocks_on_what_others_made_blocking(cell: Cell) {
    let (near, _far) = pair(cell);
    let kept: OwnedFd = near.try_clone().unwrap();
    let mut expected = options(&kept);
    run_part("alone::part_that_waits_for_nothing", |own, arguments| shell(near, own, arguments));
    // As of whatever is connected here; no other option was touched.
    expected.nodelay = expected.nodelay.map(|_| true);
    assert_eq!(options(&kept), expected);
}

#[test]
fn part_that_waits_for_nothing() {
    if !plays("alone::part_that_waits_for_nothing") {
        return;
    }
    within(async {
        let mut near = anysock::connect("fd:3").await.unwrap();
        let nothing = tokio::time::timeout(std::time::Duration::from_millis(50), near.recv());
        assert!(nothing.await.is_err(), "there is nothing to receive");
        near.send("and sending works").await.unwrap();
    });
}

#[test]
fn the_file_of_an_adopted_listener_is_its_owners() {
    let directory = Directory::new();
    let passed = listening(Cell::UNIX_STREAM, &directory);
    let at = at(&passed);
    within(async {
        let listener = anysock::adopt(passed).listen().unwrap();
        drop(listener);
        remove_file(&at);

        // Unless the ownership was handed over with it.
        let mut former = anysock::bind(at.as_str()).await.unwrap();
        let socket = former.as_socket().unwrap().socket().try_clone().unwrap();
        let path = former.take_path().unwrap();
        let handed = sockets_path(&path);
        let mut successor = anysock::adopt(socket).listen().unwrap();
        assert!(successor.own_path(handed).is_ok());
        path.leave();
        drop(former);
        anysock::connect(at.as_str()).await.unwrap();
        drop(successor);
        directory.assert_empty();
    });
}

fn sockets_path(path: &anysock::core::OwnedPath) -> anysock::core::OwnedPath {
    let id = path.id().to_string().parse().unwrap();
    anysock::core::OwnedPath::take_over(path.path(), id).unwrap()
}

over_the_matrix!(an_adopted_listener_goes_on_where_the_former_was);

fn an_adopted_listener_goes_on_where_the_former_was(cell: Cell) {
    let directory = Directory::new();
    let passed = listening(cell, &directory);
    within(async {
        let mut listener = anysock::adopt(passed).max(1024).listen().unwrap();
        let at = listener.endpoint().clone();
        let mut client = anysock::connect(&at).await.unwrap();
        client.send("hello").await.unwrap();
        let mut peer = listener.accept().await.unwrap();
        assert_eq!(peer.recv().await.unwrap().unwrap(), "hello");
        peer.send("welcome").await.unwrap();
        assert_eq!(client.recv().await.unwrap().unwrap(), "welcome");
        assert_eq!(peer.as_socket().map(Socket::cell), Some(cell));
        assert_eq!(listener.as_socket().map(sockets::Listener::cell), Some(cell));
        let refused = peer.send(vec![0; 1025]).await.unwrap_err();
        assert!(!refused.is_fatal(), "{refused}");
    });
}

#[test]
fn whatever_the_builder_refuses_is_given_back() {
    let directory = Directory::new();
    let busy = std::time::Duration::from_secs(1);
    within(async {
        // Too long for any socket, and too much for datagrams.
        let (near, far) = pair(Cell::UNIX_STREAM);
        let refused = anysock::adopt(near).busy_poll(busy).connection().unwrap_err();
        assert_eq!(refused.error().kind(), std::io::ErrorKind::InvalidInput);
        let mut near = anysock::adopt(refused.into_inner()).connection().unwrap();
        let mut far = anysock::adopt(far).connection().unwrap();
        far.send("still connected").await.unwrap();
        assert_eq!(near.recv().await.unwrap().unwrap(), "still connected");

        let bound = listening(Cell::UNIX_DATAGRAM, &directory);
        let at = at(&bound);
        let busy = std::time::Duration::from_micros(1);
        let refused = anysock::adopt(bound).busy_poll(busy).listen().unwrap_err();
        assert_eq!(refused.error().kind(), std::io::ErrorKind::Unsupported);
        let mut listener = anysock::adopt(refused.into_inner()).listen().unwrap();
        let mut client = anysock::connect(at.as_str()).await.unwrap();
        client.send("still bound").await.unwrap();
        let mut peer = listener.accept().await.unwrap();
        assert_eq!(peer.recv().await.unwrap().unwrap(), "still bound");
    });
}
