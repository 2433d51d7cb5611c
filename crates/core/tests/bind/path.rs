//! What may be bound, replaced and unlinked, and what must never be touched.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;

use anysock_core::{Cell, Options, OwnedPath, PathClaim, PathError, Socket, Type, UnixPath};

use crate::fixture::{
    Directory, UNIX, addr, assert_in_use, bind, bind_plainly, claim, is_socket, leave_stale,
    path_error,
};

#[test]
fn a_bound_path_serves_and_is_unlinked_with_its_owner() {
    for cell in UNIX {
        let directory = Directory::new();
        let path = directory.path("s");
        let (owned, server) = bind(cell, &path, &Options::new()).unwrap();
        assert_eq!(owned.path(), path.as_path());
        assert_eq!(server.local_addr().unwrap(), addr(&path));
        Socket::open(cell).unwrap().connect(&addr(&path)).unwrap();
        assert_eq!(directory.files(), ["s"], "no lock file beside it");
        drop(owned);
        assert!(directory.files().is_empty(), "{cell}");
    }
}

#[test]
fn the_file_of_a_dead_socket_of_any_type_is_replaced() {
    for dead in UNIX {
        for cell in UNIX {
            let directory = Directory::new();
            let path = directory.path("s");
            leave_stale(dead, &path);
            let (_owned, _server) = bind(cell, &path, &Options::new()).unwrap();
            Socket::open(cell).unwrap().connect(&addr(&path)).unwrap();
        }
    }
}

#[test]
fn a_live_socket_of_any_type_keeps_its_path() {
    for live in UNIX {
        for cell in UNIX {
            let directory = Directory::new();
            let path = directory.path("s");
            let server = bind_plainly(live, &path);
            if live.kind.is_connection_oriented() {
                server.listen(8).unwrap();
            }
            assert_in_use(bind(cell, &path, &Options::new()), &path);
            Socket::open(live).unwrap().connect(&addr(&path)).unwrap();
        }
    }
}

#[test]
fn a_bound_socket_that_does_not_listen_yet_keeps_its_path() {
    for live in UNIX {
        let directory = Directory::new();
        let path = directory.path("s");
        let _server = bind_plainly(live, &path);
        assert_in_use(bind(Cell::UNIX_STREAM, &path, &Options::new()), &path);
        assert!(is_socket(path.as_path()));
    }
}

#[test]
fn a_listener_with_a_full_backlog_keeps_its_path_and_sees_no_stranger() {
    for live in [Cell::UNIX_STREAM, Cell::UNIX_SEQPACKET] {
        let directory = Directory::new();
        let path = directory.path("s");
        let server = bind_plainly(live, &path);
        server.listen(0).unwrap();
        let client = Socket::open(live).unwrap();
        client.connect(&addr(&path)).unwrap();
        let refused = Socket::open(live).unwrap().connect(&addr(&path)).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
        assert_in_use(bind(live, &path, &Options::new()), &path);
        drop(server.accept().unwrap());
        assert_eq!(server.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}

#[test]
fn a_datagram_socket_that_has_a_peer_keeps_its_path() {
    let directory = Directory::new();
    let (path, other) = (directory.path("s"), directory.path("other"));
    let server = bind_plainly(Cell::UNIX_DATAGRAM, &path);
    let _peer = bind_plainly(Cell::UNIX_DATAGRAM, &other);
    server.connect(&addr(&other)).unwrap();
    assert_in_use(bind(Cell::UNIX_DATAGRAM, &path, &Options::new()), &path);
}

#[test]
fn whatever_is_not_a_socket_is_named_and_left_alone() {
    let directory = Directory::new();
    let refused = |name: &str, what: &str| {
        let path = directory.path(name);
        let error = bind(Cell::UNIX_STREAM, &path, &Options::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{error}");
        let PathError::NotASocket { path: named, found } = path_error(&error) else {
            panic!("{error}")
        };
        assert_eq!((named.as_path(), *found), (path.as_path(), what));
    };
    let at = |name: &str| directory.0.join(name);

    fs::write(at("file"), "precious").unwrap();
    refused("file", "regular file");
    assert_eq!(fs::read(at("file")).unwrap(), b"precious");

    fs::create_dir(at("directory")).unwrap();
    refused("directory", "directory");
    assert!(at("directory").is_dir());

    // Not even if it leads to the file of a dead socket, which alone could be replaced.
    leave_stale(Cell::UNIX_STREAM, &directory.path("dead"));
    for (name, target) in [("link", "file"), ("dangling", "nothing"), ("to-dead", "dead")] {
        symlink(at(target), at(name)).unwrap();
        refused(name, "symbolic link");
        assert_eq!(fs::read_link(at(name)).unwrap(), at(target));
    }
    assert!(is_socket(&at("dead")));
    assert!(!at("nothing").exists());
}

#[test]
fn a_path_of_108_bytes_is_bound_replaced_and_unlinked() {
    let directory = Directory::new();
    let room = UnixPath::MAX - directory.0.as_os_str().len() - 1;
    let path = directory.path(&"p".repeat(room));
    assert_eq!(path.as_bytes().len(), 108);
    leave_stale(Cell::UNIX_STREAM, &path);
    let (owned, server) = bind(Cell::UNIX_STREAM, &path, &Options::new()).unwrap();
    assert_eq!(server.local_addr().unwrap(), addr(&path));
    assert_in_use(bind(Cell::UNIX_STREAM, &path, &Options::new()), &path);
    drop(owned);
    assert!(directory.files().is_empty());
}

#[test]
fn an_over_long_path_and_a_nul_are_refused_before_anything_is_made() {
    let directory = Directory::new();
    let room = UnixPath::MAX - directory.0.as_os_str().len();
    for name in ["p".repeat(room), "before\0after".to_owned()] {
        let error = io::Error::from(UnixPath::new(directory.0.join(name)).unwrap_err());
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
    assert!(directory.files().is_empty());
}

#[test]
fn only_its_own_inode_is_unlinked() {
    let directory = Directory::new();
    let path = directory.path("s");
    let (owned, _server) = bind(Cell::UNIX_STREAM, &path, &Options::new()).unwrap();
    fs::rename(path.as_path(), directory.0.join("moved")).unwrap();
    let _other = bind_plainly(Cell::UNIX_STREAM, &path);
    drop(owned);
    assert!(is_socket(path.as_path()), "somebody else's socket file was unlinked");
    assert!(is_socket(&directory.0.join("moved")));

    let other = directory.path("other");
    let (owned, _server) = bind(Cell::UNIX_STREAM, &other, &Options::new()).unwrap();
    fs::remove_file(other.as_path()).unwrap();
    fs::write(other.as_path(), "precious").unwrap();
    drop(owned);
    assert_eq!(fs::read(other.as_path()).unwrap(), b"precious");
}

#[test]
fn an_owner_unlinks_while_somebody_else_holds_the_lock() {
    let directory = Directory::new();
    let (owned, _server) = bind(Cell::UNIX_STREAM, &directory.path("s"), &Options::new()).unwrap();
    let _held = claim(&directory.path("another"));
    drop(owned);
    assert!(directory.files().is_empty());
}

#[test]
fn a_path_that_is_left_to_a_successor_stays() {
    let directory = Directory::new();
    let path = directory.path("s");
    let (owned, _server) = bind(Cell::UNIX_STREAM, &path, &Options::new()).unwrap();
    owned.leave();
    assert!(is_socket(path.as_path()));
}

#[test]
fn a_claim_excludes_others_until_it_is_dropped() {
    let directory = Directory::new();
    let first = claim(&directory.path("a"));
    assert!(PathClaim::try_new(&directory.path("a")).unwrap().is_none());
    assert!(PathClaim::try_new(&directory.path("b")).unwrap().is_none());
    drop(first);
    // Not at once: a process that another test starts may hold a copy until its exec.
    drop(claim(&directory.path("b")));
}

#[test]
fn a_claim_ends_when_its_path_is_bound() {
    let directory = Directory::new();
    let (_owned, _server) = bind(Cell::UNIX_STREAM, &directory.path("a"), &Options::new()).unwrap();
    drop(claim(&directory.path("b")));
}

#[test]
fn a_caller_may_bind_in_his_own_steps() {
    let directory = Directory::new();
    let path = directory.path("s");
    leave_stale(Cell::UNIX_SEQPACKET, &path);
    let claim = claim(&path);
    claim.clear_stale().unwrap();
    let server = bind_plainly(Cell::UNIX_SEQPACKET, &path);
    let owned = claim.own().unwrap();
    server.listen(1).unwrap();
    drop(owned);
    assert!(directory.files().is_empty());
}

#[test]
fn owning_a_path_where_nothing_was_bound_is_refused() {
    let directory = Directory::new();
    let error = claim(&directory.path("s")).own().unwrap_err();
    assert!(matches!(path_error(&error), PathError::Replaced { .. }), "{error}");
}

#[test]
fn a_failure_after_binding_leaves_no_file() {
    let directory = Directory::new();
    let path = directory.path("s");
    // A connected stream can be bound, but not listen.
    let (connected, _other) = Socket::pair(Type::Stream).unwrap();
    let error = claim(&path).bind(&connected, &Options::new()).unwrap_err();
    assert!(error.to_string().contains("listen"), "{error}");
    assert!(directory.files().is_empty());
}

#[test]
fn options_that_are_not_for_unix_are_refused_before_anything_is_touched() {
    let directory = Directory::new();
    let path = directory.path("s");
    leave_stale(Cell::UNIX_STREAM, &path);
    let error = bind(Cell::UNIX_STREAM, &path, &Options::new().nodelay(true)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert!(is_socket(path.as_path()));
}

#[test]
fn a_socket_of_another_domain_is_refused_before_anything_is_touched() {
    let directory = Directory::new();
    let path = directory.path("s");
    leave_stale(Cell::UNIX_STREAM, &path);
    let error = bind(Cell::IPV4_STREAM, &path, &Options::new()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert!(matches!(path_error(&error), PathError::WrongDomain { .. }), "{error}");
    assert!(is_socket(path.as_path()));
}

#[test]
fn a_missing_directory_is_named_with_what_to_do() {
    let directory = Directory::new();
    let error = PathClaim::try_new(&directory.path("missing/s")).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    let text = error.to_string();
    assert!(text.contains("missing/s") && text.contains("make its directory first"), "{text}");

    fs::write(directory.0.join("file"), "").unwrap();
    let error = PathClaim::try_new(&directory.path("file/s")).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
}

#[test]
fn what_cannot_be_looked_at_is_not_called_replaced() {
    let directory = Directory::new();
    let (parent, path) = (directory.0.join("parent"), directory.path("parent/s"));
    fs::create_dir(&parent).unwrap();
    let claim = claim(&path);
    let (owned, _socket) = {
        let elsewhere = directory.path("s");
        bind(Cell::UNIX_STREAM, &elsewhere, &Options::new()).unwrap()
    };
    fs::remove_dir(&parent).unwrap();
    fs::write(&parent, "").unwrap();
    for error in [claim.own(), OwnedPath::take_over(path.as_path(), owned.id())] {
        let error = error.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotADirectory, "{error}");
        assert!(matches!(path_error(&error), PathError::System { .. }), "{error}");
    }
}

#[test]
fn a_successor_takes_over_the_file_and_the_predecessor_leaves_it() {
    for cell in UNIX {
        let directory = Directory::new();
        let path = directory.path("s");
        let (predecessors, socket) = bind(cell, &path, &Options::new()).unwrap();
        let id = predecessors.id().to_string().parse().unwrap();
        let successors = OwnedPath::take_over(path.as_path(), id).unwrap();
        predecessors.leave();
        assert!(is_socket(path.as_path()));
        drop(successors);
        assert!(directory.files().is_empty());
        drop(socket);
    }
}

#[test]
fn a_file_that_has_taken_the_place_of_ours_is_not_taken_over() {
    let directory = Directory::new();
    let path = directory.path("s");
    let (owned, _socket) = bind(Cell::UNIX_STREAM, &path, &Options::new()).unwrap();
    let id = owned.id();
    fs::remove_file(path.as_path()).unwrap();
    let gone = OwnedPath::take_over(path.as_path(), id).unwrap_err();
    assert!(matches!(path_error(&gone), PathError::Replaced { .. }), "{gone}");
    let _theirs = bind_plainly(Cell::UNIX_STREAM, &path);
    let replaced = OwnedPath::take_over(path.as_path(), id).unwrap_err();
    assert!(matches!(path_error(&replaced), PathError::Replaced { .. }), "{replaced}");
    drop(owned);
    assert!(is_socket(path.as_path()), "theirs was unlinked");
}
