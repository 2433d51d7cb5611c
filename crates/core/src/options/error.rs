//! Why an option was refused.

use std::io;

use crate::Cell;

/// A socket option that was refused: by name, and why.
///
/// Comes wrapped in an [`io::Error`] of kind [`InvalidInput`](io::ErrorKind::InvalidInput), of kind
/// [`Unsupported`](io::ErrorKind::Unsupported) where the kernel does not know the option, or not for
/// multipath TCP, or of the system's own kind where the system refused:
///
/// ```
/// use anysock_core::{Cell, OptionError, Options};
///
/// let error = Options::new().nodelay(true).check(Cell::UNIX_STREAM).unwrap_err();
/// assert!(matches!(error, OptionError::Meaningless { option: "nodelay", .. }));
/// assert_eq!(
///     error.to_string(),
///     "the option nodelay means nothing on unix-stream sockets: only TCP holds back small \
///      segments; leave it unset",
/// );
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptionError {
    /// The option means nothing on sockets of this cell.
    #[error("the option {option} means nothing on {cell} sockets: {why}; leave it unset")]
    Meaningless {
        /// The option, by the name of its method.
        option: &'static str,
        /// Where it was asked for.
        cell: Cell,
        /// Why it means nothing there.
        why: &'static str,
    },
    /// The kernel does not take this value, or would turn it into another in silence.
    #[error("the option {option} cannot be {value}; expected {expected}")]
    OutOfRange {
        /// The option, by the name of its method.
        option: &'static str,
        /// The value asked for.
        value: String,
        /// Which values it takes.
        expected: &'static str,
    },
    /// The option has no effect any more: somebody else has bound or connected the socket.
    #[error(
        "the option {option} comes too late: this {cell} socket is {stage} already; leave it unset, \
         and have it set by whoever makes the socket"
    )]
    TooLate {
        /// The option, by the name of its method.
        option: &'static str,
        /// Where it was asked for.
        cell: Cell,
        /// What the socket is already: bound, listening or connected.
        stage: &'static str,
    },
    /// The system refused a call.
    #[error(
        "the system refused the option {option} on this {cell} socket: {source}{}",
        hint(option, source, *needs)
    )]
    Refused {
        /// The option, by the name of its method.
        option: &'static str,
        /// Where it was asked for.
        cell: Cell,
        /// The capability that some or all values need: capabilities(7).
        needs: Option<&'static str>,
        /// What the system said.
        source: io::Error,
    },
}

impl From<OptionError> for io::Error {
    fn from(error: OptionError) -> Self {
        let kind = match &error {
            OptionError::Meaningless { .. }
            | OptionError::OutOfRange { .. }
            | OptionError::TooLate { .. } => io::ErrorKind::InvalidInput,
            OptionError::Refused { source, .. } if is_unknown(source) => io::ErrorKind::Unsupported,
            OptionError::Refused { source, .. } => source.kind(),
        };
        Self::new(kind, error)
    }
}

/// Whether the kernel is too old for an option, or the protocol, multipath TCP above all, lacks it.
pub(super) fn is_unknown(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOPROTOOPT | libc::EOPNOTSUPP))
}

fn hint(option: &str, error: &io::Error, needs: Option<&str>) -> String {
    match (error.raw_os_error(), needs) {
        (Some(libc::ENOENT), _) if option == "congestion_control" => {
            "; net.ipv4.tcp_available_congestion_control names those that there are".to_owned()
        }
        (Some(libc::ENODEV), _) => {
            "; ip-link(8) shows the network interfaces that there are".to_owned()
        }
        (Some(libc::ENOPROTOOPT | libc::EOPNOTSUPP), _) => {
            "; this kernel does not know it, or not for this protocol".to_owned()
        }
        (Some(libc::EPERM), Some(needs)) => format!("; it takes {needs}, see capabilities(7)"),
        _ => String::new(),
    }
}
