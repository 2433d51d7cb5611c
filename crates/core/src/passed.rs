//! What was passed beside the bytes of a stream.

use std::os::fd::OwnedFd;

use crate::{Ancillary, Credentials};

/// What was passed beside the bytes of one read of a unix stream: unix(7). Dropping it closes the
/// descriptors.
///
/// ```
/// use std::fs::File;
/// use std::io::IoSlice;
///
/// use anysock_core::{Outgoing, Passed, Socket, Type};
///
/// let (a, b) = Socket::pair(Type::Stream)?;
/// let mut with = Outgoing::default();
/// let files = [File::open("/dev/null")?.into()];
/// with.descriptors = &files;
/// a.send_message(&[IoSlice::new(b"hello")], &with)?;
///
/// let (mut buffer, mut passed) = (Vec::with_capacity(64), Passed::default());
/// b.recv_chunk_passed(&mut buffer, &mut passed)?;
/// assert_eq!((&buffer[..], passed.descriptors.len()), (&b"hello"[..], 1));
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Passed {
    /// Descriptors, close-on-exec: at most 253.
    pub descriptors: Vec<OwnedFd>,
    /// The sender's credentials, where `SO_PASSCRED` is set.
    pub credentials: Option<Credentials>,
    /// More descriptors were passed than could be taken: this process has as many open as it may.
    pub is_truncated: bool,
}

impl Passed {
    /// Whether nothing was passed.
    pub fn is_empty(&self) -> bool {
        let Self { descriptors, credentials, is_truncated } = self;
        descriptors.is_empty() && credentials.is_none() && !is_truncated
    }

    /// Lets go of what was not `asked` for, which may come all the same.
    pub fn keep(&mut self, asked: Ancillary) {
        if !asked.contains(Ancillary::DESCRIPTORS) {
            self.descriptors.clear();
            self.is_truncated = false;
        }
        if !asked.contains(Ancillary::CREDENTIALS) {
            self.credentials = None;
        }
    }
}
