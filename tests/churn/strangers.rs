//! Whatever dies and whoever comes after it, a file that is somebody else's stays where it is.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;

use anysock::{Endpoint, Socket};
use anysock_core::{Addr, Options};

use crate::children::{Child, End, kill_self};
use crate::effort::tell;
use crate::part::{Run, per_cell};
use crate::{directory::Directory, words};

per_cell! { no_file_of_somebody_else_is_removed over unix }

/// What happens to the path in a round.
#[derive(Clone, Copy, Debug)]
enum Turn {
    /// The owner is killed: the file stays, and is nobody's.
    Killed,
    /// The owner ends in order, and his file goes with him.
    InOrder,
    /// The owner is killed, and a stranger binds the path.
    TakenFromTheDead,
    /// A stranger puts his socket over a living owner's, who then ends in order.
    TakenFromTheLiving,
    /// There is a file that is no socket.
    NoSocket,
}

fn no_file_of_somebody_else_is_removed(run: &Run) {
    let rounds = run.effort.pick(60, 500, 3000);
    let directory = Directory::new();
    let endpoint = words::endpoint(run.cell, &directory);
    let path = directory.path("socket");
    // What lies beside it all the time: a living socket, a dead one, a plain file.
    let beside = ["living", "dead", "plain"].map(|name| directory.path(name));
    let living = stranger(run, &beside[0]);
    drop(stranger(run, &beside[1]));
    fs::write(&beside[2], "plain").unwrap();
    let files = || beside.each_ref().map(|path| inode(path));
    let before = files();

    let mut random = fastrand::Rng::with_seed(run.seed);
    let (mut tried, mut kept) = (0, 0);
    for round in 0..rounds {
        let turns = [
            Turn::Killed,
            Turn::InOrder,
            Turn::TakenFromTheDead,
            Turn::TakenFromTheLiving,
            Turn::NoSocket,
        ];
        let turn = turns[random.usize(..turns.len())];
        let own = play(run, turn, &endpoint, &path);
        tried += u32::from(own.is_some());
        if let Some(own) = own {
            let end = Child::fork(|| refused(&endpoint)).wait();
            assert_eq!(end, End::Done, "round {round}, {turn:?}");
            assert_eq!(inode(&path), own.inode, "round {round}, {turn:?}: the file was touched");
            kept += 1;
            drop(own);
            // Of the stranger's socket there is now a dead file, which is taken over; his plain
            // file never is.
            if matches!(turn, Turn::NoSocket) {
                fs::remove_file(&path).unwrap();
            }
        }
        assert_eq!(files(), before, "round {round}, {turn:?}: what lies beside it was touched");
    }
    drop(living);
    tell(
        &format!("no file of somebody else is removed, {}", run.cell),
        format_args!("{rounds} owners killed or ended, {tried} strangers in their place"),
        format_args!("{} files touched", tried - kept),
        0,
    );
}

/// What a stranger has put at the path, and may not be touched.
struct Own {
    inode: u64,
    _socket: Option<Socket>,
}

impl Own {
    fn at(path: &str, socket: Option<Socket>) -> Option<Self> {
        Some(Self { inode: inode(path), _socket: socket })
    }
}

/// An owner comes and goes, or does not come.
fn play(run: &Run, turn: Turn, endpoint: &Endpoint, path: &str) -> Option<Own> {
    let own = |then: &dyn Fn()| Child::fork(|| own(endpoint, then)).wait();
    match turn {
        Turn::Killed => {
            assert_eq!(own(&|| kill_self()), End::Killed);
            assert!(fs::exists(path).unwrap());
            None
        }
        Turn::InOrder => {
            assert_eq!(own(&|| {}), End::Done);
            assert!(!fs::exists(path).unwrap(), "an owner has left his file behind");
            None
        }
        Turn::TakenFromTheDead => {
            assert_eq!(own(&|| kill_self()), End::Killed);
            fs::remove_file(path).unwrap();
            Own::at(path, Some(stranger(run, path)))
        }
        Turn::TakenFromTheLiving => {
            let aside = format!("{path}-aside");
            let socket = stranger(run, &aside);
            let inode = inode(&aside);
            assert_eq!(own(&|| fs::rename(&aside, path).unwrap()), End::Done);
            assert!(fs::exists(path).unwrap(), "an owner has removed another's file");
            Some(Own { inode, _socket: Some(socket) })
        }
        Turn::NoSocket => {
            let _ = fs::remove_file(path);
            fs::write(path, "plain").unwrap();
            Own::at(path, None)
        }
    }
}

/// Binds, does something, and ends in order.
fn own(endpoint: &Endpoint, then: &dyn Fn()) {
    block_on(async {
        let listener = anysock::bind(endpoint).await.expect("the path is free, or a dead one's");
        then();
        drop(listener);
    });
}

/// Binding is refused, as there is somebody, or something else.
fn refused(endpoint: &Endpoint) {
    let error = block_on(async { anysock::bind(endpoint).await.expect_err("somebody is there") });
    let kinds = [io::ErrorKind::AddrInUse, io::ErrorKind::AlreadyExists];
    assert!(error.io_kind().is_some_and(|kind| kinds.contains(&kind)), "{error}");
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A socket of somebody who knows nothing of locks.
fn stranger(run: &Run, path: &str) -> Socket {
    let addr = anysock::UnixAddr::path(path).unwrap();
    let socket = Socket::open(run.cell).unwrap();
    socket.bind(&Addr::from(addr)).unwrap();
    if run.cell.kind.is_connection_oriented() {
        socket.listen(Options::new().backlog_or_default()).unwrap();
    }
    socket
}

fn inode(path: &str) -> u64 {
    fs::symlink_metadata(path).unwrap_or_else(|error| panic!("{path}: {error}")).ino()
}
