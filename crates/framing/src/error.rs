//! What can go wrong with a message, and whether the transport survives it.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use anysock_core::{Cell, Guarantees};

use crate::fate::Shared;

/// An error of a transport: what happened, and whether the transport survives.
///
/// One word wide. After an error that is not [fatal](Error::is_fatal) the transport can be
/// used as before; the message concerned is the only one lost, or none is.
///
/// `{}` and `{:?}` are the same text, so that a `main` that returns it says what to do; the fields
/// are in `{:#?}`.
///
/// ```
/// use anysock_framing::{Error, ErrorKind};
///
/// let error = Error::from(ErrorKind::TooLong { length: 70_000, limit: 65_536 });
/// assert!(!error.is_fatal());
/// assert_eq!(
///     error.to_string(),
///     "the message is 70000 bytes long, at most 65536 can be sent; nothing was sent",
/// );
/// assert_eq!(format!("{error:?}"), error.to_string());
/// assert!(format!("{error:#?}").contains("limit: 65536"));
/// ```
pub struct Error(Box<ErrorKind>);

/// The kinds of [`Error`].
///
/// ```
/// use anysock_framing::{Error, ErrorKind};
/// fn worth_retrying(error: &Error) -> bool {
///     matches!(error.kind(), ErrorKind::NotReady)
/// }
/// assert!(worth_retrying(&ErrorKind::NotReady.into()));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Sending: longer than the transport takes. Nothing was sent; survivable.
    #[error("the message is {length} bytes long, at most {limit} can be sent; nothing was sent")]
    TooLong {
        /// Length of the message, in bytes.
        length: usize,
        /// The most that the transport takes, in bytes.
        limit: usize,
    },
    /// Sending: the codec cannot mark this message so that it would arrive as it is. Nothing
    /// was sent; survivable.
    #[error("{codec} cannot carry this message: {why}; nothing was sent")]
    Unrepresentable {
        /// The codec.
        codec: &'static str,
        /// What stands in the way.
        why: String,
    },
    /// Sending a value: its format cannot write it. Nothing was sent; survivable.
    #[error("{format} cannot write this value: {source}; nothing was sent")]
    Unwritable {
        /// The format.
        format: &'static str,
        /// What stands in the way.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Receiving a value: a message arrived that is none in this format. It is lost; survivable.
    #[error("a message of {length} bytes is no value in {format}: {source}; it is lost")]
    Unreadable {
        /// The format.
        format: &'static str,
        /// Length of the message, in bytes.
        length: usize,
        /// What is wrong with the bytes.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Sending: the transport cannot carry what is attached. Nothing was sent; survivable.
    #[error("{what} cannot be attached {}; nothing was sent", place(.cell))]
    NotAttachable {
        /// What was attached.
        what: &'static str,
        /// Over which cell, where that is known.
        cell: Option<Cell>,
    },
    /// Sending: the transport was not ready; wait for `ready` first. Nothing was sent;
    /// survivable.
    #[error("the transport is not ready for another message; wait for ready() first")]
    NotReady,
    /// Sending: this side was closed, by `close` or by shutting the socket down. Survivable:
    /// what still arrives can be received.
    #[error("this side of the transport is closed for sending; nothing was sent")]
    Closed,
    /// Sending on a datagram transport: an earlier datagram was refused by the peer's host. The
    /// message at hand was sent all the same; survivable.
    #[error("an earlier message was refused at the other end ({0}); later ones are sent as usual")]
    Refused(#[source] io::Error),
    /// Sending on a packet transport: the kernel refused one queued message, which was dropped
    /// and counted, and what was attached with it; survivable. Of descriptors the kind
    /// [`PermissionDenied`](io::ErrorKind::PermissionDenied) says that the receiver has not asked
    /// for any, of a source address [`InvalidInput`](io::ErrorKind::InvalidInput) that it is none
    /// of this host's.
    #[error("one queued message of {length} bytes was dropped, the kernel refused it: {source}")]
    Dropped {
        /// Length of that message, in bytes.
        length: usize,
        /// What the kernel said.
        source: io::Error,
    },
    /// Receiving on a packet transport: a message was longer than this side's maximum and is
    /// lost. Counted; survivable.
    #[error("a message of {length} bytes arrived, at most {limit} are received here; it is lost")]
    Truncated {
        /// Its real length, in bytes.
        length: usize,
        /// This side's maximum, in bytes.
        limit: usize,
    },
    /// Receiving on a unix socket: a message came with descriptors of which this process could take
    /// only some (`RLIMIT_NOFILE`, getrlimit(2)). It is lost, and those are closed. Counted;
    /// survivable.
    #[error(
        "a message of {length} bytes came with descriptors of which only {taken} could be taken; \
         it is lost, and they are closed; free descriptors, or raise RLIMIT_NOFILE"
    )]
    DescriptorsLost {
        /// Length of the message, in bytes.
        length: usize,
        /// How many descriptors could be taken.
        taken: usize,
    },
    /// Receiving on a stream: the peer passes more descriptors with the bytes of one message than
    /// a message carries. All are closed. Fatal.
    #[error("the peer passed {count} descriptors with one message, at most {limit} are received")]
    TooManyDescriptors {
        /// How many came.
        count: usize,
        /// How many may come.
        limit: usize,
    },
    /// Receiving on a stream: the peer sends, or announces, a message longer than this side's
    /// maximum. Fatal: the stream is out of step.
    #[error("the peer sends a message of {length} bytes or more, at most {limit} are received")]
    Oversize {
        /// The length announced, or seen so far, in bytes.
        length: u64,
        /// This side's maximum, in bytes.
        limit: usize,
    },
    /// Receiving on a stream: the bytes are not a message of this codec. Fatal.
    #[error("{codec} cannot make a message of what arrived: {why}")]
    Malformed {
        /// The codec.
        codec: &'static str,
        /// What is wrong with the bytes.
        why: String,
    },
    /// Receiving on a stream: it ended inside a message. Fatal.
    #[error("the stream ended inside a message, {held} bytes of which had arrived")]
    CutOff {
        /// Bytes of the unfinished frame, its header included.
        held: usize,
    },
    /// A [`Deadlines`](crate::Deadlines) gave up waiting. Survivable: nothing is lost, what was
    /// accepted for sending is still to be sent, and the next call waits anew.
    #[error("there was no {waiting_for} for {after:?}, and it is no longer waited for")]
    Deadline {
        /// What did not come: "message", or "room to send".
        waiting_for: &'static str,
        /// How long it was waited for.
        after: Duration,
    },
    /// Under an [`Idle`](crate::Idle) limit nothing has passed for so long. Fatal for receiving,
    /// for the limit is there to end idle transports; what can be sent without waiting still is.
    #[error("nothing has passed for {after:?}, which is as long as this transport may be idle")]
    Idle {
        /// The limit.
        after: Duration,
    },
    /// The transport does not give what was required of it. Survivable.
    #[error("this transport promises {given}; required is also: {missing}")]
    Unmet {
        /// What is required and not given.
        missing: Guarantees,
        /// What is given.
        given: Guarantees,
    },
    /// A transport that connects again by itself has done so, and this is how it tells. Nothing
    /// that was handed over before is sent to the new connection, neither again nor for the first
    /// time. Survivable.
    #[error(
        "the connection was lost{}, and made again by attempt {attempts}; of {sent} messages sent \
         over it {unflushed} had not left yet, and none is sent again",
        because(cause)
    )]
    Reconnected {
        /// Which connection it is now, from 2. Told more than once it is the same event.
        connection: u64,
        /// How many attempts it took, from 1.
        attempts: u32,
        /// Messages that were accepted over the connections that are gone, since this was last
        /// told: whether they arrived is not known, but by the peer's answers.
        sent: u64,
        /// How many of those the kernel had not been given for certain.
        unflushed: u64,
        /// What ended the connection; `None` if the peer had closed it in order.
        #[source]
        cause: Option<Arc<Error>>,
    },
    /// The socket failed. Fatal.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// No memory for a message of this length. Fatal for the connection, not for the process.
    #[error("there is no memory for a message of {length} bytes")]
    OutOfMemory {
        /// The bytes that were asked for.
        length: usize,
    },
}

fn place(cell: &Option<Cell>) -> String {
    cell.map_or("to messages over this transport".into(), |cell| format!("to messages over {cell}"))
}

impl Error {
    /// What happened.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// What happened, taken out.
    pub fn into_kind(self) -> ErrorKind {
        *self.0
    }

    /// Whether the transport is done for: nothing more can be received after a fatal error of
    /// receiving, nothing more sent after a fatal error of sending.
    pub fn is_fatal(&self) -> bool {
        use ErrorKind as K;
        match self.kind() {
            K::TooLong { .. }
            | K::Unrepresentable { .. }
            | K::Unwritable { .. }
            | K::Unreadable { .. }
            | K::NotAttachable { .. }
            | K::NotReady
            | K::Closed
            | K::Refused(_)
            | K::Dropped { .. }
            | K::Truncated { .. }
            | K::DescriptorsLost { .. }
            | K::Deadline { .. }
            | K::Unmet { .. }
            | K::Reconnected { .. } => false,
            K::Oversize { .. }
            | K::TooManyDescriptors { .. }
            | K::Malformed { .. }
            | K::CutOff { .. }
            | K::Idle { .. }
            | K::Io(_)
            | K::OutOfMemory { .. } => true,
        }
    }

    /// The error of type `T` inside, if there is one: what says in fields why the socket, or what
    /// opened it, failed. An `OptionError`, `NoConnection`, `PathError`, `UnsupportedCell`,
    /// `QueuedError` and so on.
    ///
    /// ```
    /// use anysock_core::{Cell, OptionError, Options};
    /// use anysock_framing::Error;
    ///
    /// let refused = Options::new().ttl(0).check(Cell::IPV4_STREAM).unwrap_err();
    /// let error = Error::from(std::io::Error::from(refused));
    /// match error.find() {
    ///     Some(OptionError::OutOfRange { option, .. }) => assert_eq!(*option, "ttl"),
    ///     _ => unreachable!(),
    /// }
    /// ```
    pub fn find<T: std::error::Error + 'static>(&self) -> Option<&T> {
        let mut next: Option<&(dyn std::error::Error + 'static)> = Some(self);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            if let Some(shared) = error.downcast_ref::<Shared>() {
                next = Some(shared.get());
                continue;
            }
            next = match (error.downcast_ref::<Self>(), error.downcast_ref::<io::Error>()) {
                (Some(error), _) => error.cause(),
                // Its source would be that of what it wraps, which is what is looked for.
                (_, Some(error)) => error.get_ref().map(|inner| inner as _),
                _ => error.source(),
            };
        }
        None
    }

    /// As the source, but that of the socket's error is that error.
    fn cause(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.kind() {
            ErrorKind::Io(error) => Some(error),
            ErrorKind::Reconnected { cause, .. } => cause.as_ref().map(|cause| &**cause as _),
            kind => kind.source(),
        }
    }

    /// The kind of the socket's error, if it was the socket that failed.
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        match self.kind() {
            ErrorKind::Io(error) | ErrorKind::Refused(error) => Some(error.kind()),
            ErrorKind::Dropped { source, .. } => Some(source.kind()),
            _ => None,
        }
    }
}

fn because(cause: &Option<Arc<Error>>) -> String {
    match cause {
        Some(cause) => format!(" ({cause})"),
        None => " (the peer closed it)".to_owned(),
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self(Box::new(kind))
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        ErrorKind::Io(error).into()
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        use ErrorKind as K;
        let kind = match error.kind() {
            K::TooLong { .. } | K::Unrepresentable { .. } | K::Unwritable { .. } => {
                io::ErrorKind::InvalidInput
            }
            K::Truncated { .. }
            | K::Unreadable { .. }
            | K::DescriptorsLost { .. }
            | K::TooManyDescriptors { .. }
            | K::Oversize { .. }
            | K::Malformed { .. } => io::ErrorKind::InvalidData,
            K::NotAttachable { .. } | K::Unmet { .. } => io::ErrorKind::Unsupported,
            K::NotReady => io::ErrorKind::WouldBlock,
            K::Deadline { .. } | K::Idle { .. } => io::ErrorKind::TimedOut,
            K::Closed => io::ErrorKind::BrokenPipe,
            K::Reconnected { .. } => io::ErrorKind::ConnectionReset,
            K::CutOff { .. } => io::ErrorKind::UnexpectedEof,
            K::OutOfMemory { .. } => io::ErrorKind::OutOfMemory,
            K::Refused(source) | K::Dropped { source, .. } => source.kind(),
            K::Io(_) => match error.into_kind() {
                K::Io(source) => return source,
                other => return Self::other(other),
            },
        };
        Self::new(kind, error)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match f.alternate() {
            true => f.debug_tuple("Error").field(&self.0).finish(),
            false => fmt::Display::fmt(&self.0, f),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
