//! Descriptors that can be told apart, and of which it is known when the last copy is closed.

use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

use anysock_framing::Attached;

use crate::raw;

/// What is known of descriptors that are passed: each is the only end by which a pipe of its own is
/// written.
pub(crate) struct Tokens(Vec<Token>);

struct Token {
    reader: File,
    inode: (u64, u64),
}

/// So many descriptors to pass, and how to know them again.
pub(crate) fn make(count: usize) -> (Vec<OwnedFd>, Tokens) {
    let pipes = (0..count).map(|_| {
        let (reader, writer) = raw::pipe();
        let token = Token { inode: inode(&writer), reader: reader.into() };
        (writer, token)
    });
    let (descriptors, tokens) = pipes.unzip();
    (descriptors, Tokens(tokens))
}

/// As [`make`], ready to be attached.
pub(crate) fn attached(count: usize) -> (Attached, Tokens) {
    let (descriptors, tokens) = make(count);
    (descriptors.into_iter().fold(Attached::nothing(), Attached::descriptor), tokens)
}

impl Tokens {
    /// That these are they, in the same order, and close-on-exec.
    #[track_caller]
    pub(crate) fn check(&self, descriptors: &[OwnedFd]) {
        let inodes: Vec<_> = descriptors.iter().map(inode).collect();
        let expected: Vec<_> = self.0.iter().map(|token| token.inode).collect();
        assert_eq!(inodes, expected, "{} descriptors, of {}", inodes.len(), expected.len());
        assert!(descriptors.iter().all(raw::is_close_on_exec));
    }

    /// That each is still open somewhere.
    #[track_caller]
    pub(crate) fn assert_open(&self) {
        for token in &self.0 {
            let read = std::io::Read::read(&mut &token.reader, &mut [0]);
            assert_eq!(read.unwrap_err().kind(), ErrorKind::WouldBlock, "one is closed");
        }
    }

    /// That all copies are closed; waits for those that a process which is just started has still.
    #[track_caller]
    pub(crate) fn assert_closed(&self) {
        for token in &self.0 {
            assert!(raw::hangs_up(&token.reader), "a copy is open");
        }
    }

    /// Those, and these behind them.
    pub(crate) fn and(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }
}

fn inode(descriptor: &impl AsFd) -> (u64, u64) {
    let file = File::from(descriptor.as_fd().try_clone_to_owned().unwrap());
    let metadata = file.metadata().unwrap();
    (metadata.dev(), metadata.ino())
}
