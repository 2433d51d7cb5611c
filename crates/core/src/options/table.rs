//! The one table of options: where each means something, what it takes, how it is set and read.

use std::fmt::Debug;
use std::io;
use std::time::Duration;

use super::{Cells, Keepalive, OptionError, Options, is_whole_seconds};
use crate::{Cell, Socket};

/// One option of type `T`.
struct Row<T: 'static> {
    /// The name of its field and method.
    name: &'static str,
    field: fn(&Options) -> &Option<T>,
    field_mut: fn(&mut Options) -> &mut Option<T>,
    cells: Cells,
    /// Why it means nothing on other cells.
    elsewhere: &'static str,
    valid: fn(&T) -> bool,
    /// The values that are valid, in words.
    expected: &'static str,
    access: Access<T>,
    /// What holds where it is unset, and where that is written; for the documentation.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test holds the documentation to it"))]
    about: About,
}

/// How an option gets to the socket.
enum Access<T> {
    /// By a system call between opening and binding or connecting.
    Call { set: fn(&socket2::Socket, &T) -> io::Result<()>, get: Get<T> },
    /// Together with binding or listening.
    AtBind,
}

type Get<T> = fn(&socket2::Socket) -> io::Result<Option<T>>;

#[cfg_attr(not(test), expect(dead_code, reason = "a test holds the documentation to it"))]
struct About {
    default: &'static str,
    source: &'static str,
}

/// A row without its value's type.
pub(super) trait Entry: Sync {
    fn check(&self, options: &Options, cell: Cell) -> Result<(), OptionError>;
    fn apply(&self, options: &Options, socket: &Socket) -> Result<(), OptionError>;
    fn read(&self, options: &mut Options, socket: &Socket) -> Result<(), OptionError>;
    #[cfg(test)]
    fn name(&self) -> &'static str;
    #[cfg(test)]
    fn means_something_on(&self, cell: Cell) -> bool;
    #[cfg(test)]
    fn documentation(&self) -> String;
}

const SWITCH: &str = "on or off";
const BYTES: &str = "bytes, 1 to 2,147,483,647";
const ANY_SWITCH: fn(&bool) -> bool = |_| true;
const ANY_BYTES: fn(&usize) -> bool = |bytes| (1..=i32::MAX as usize).contains(bytes);

pub(super) static TABLE: &[&dyn Entry] = &[
    &Row {
        name: "reuse_address",
        field: |options| &options.reuse_address,
        field_mut: |options| &mut options.reuse_address,
        cells: Cells::Inet,
        elsewhere: "a unix path is taken over by its claim, and an abstract name frees itself",
        valid: ANY_SWITCH,
        expected: SWITCH,
        access: Access::Call {
            set: |socket, on| socket.set_reuse_address(*on),
            get: |socket| socket.reuse_address().map(Some),
        },
        about: About { default: "off", source: "socket(7)" },
    },
    &Row {
        name: "reuse_port",
        field: |options| &options.reuse_port,
        field_mut: |options| &mut options.reuse_port,
        cells: Cells::Inet,
        elsewhere: "a unix address belongs to one socket",
        valid: ANY_SWITCH,
        expected: SWITCH,
        access: Access::Call {
            set: |socket, on| socket.set_reuse_port(*on),
            get: |socket| socket.reuse_port().map(Some),
        },
        about: About { default: "off", source: "socket(7)" },
    },
    &Row {
        name: "v6only",
        field: |options| &options.v6only,
        field_mut: |options| &mut options.v6only,
        cells: Cells::Ipv6,
        elsewhere: "only IPv6 sockets can speak two protocols",
        valid: ANY_SWITCH,
        expected: SWITCH,
        access: Access::Call {
            set: |socket, on| socket.set_only_v6(*on),
            get: |socket| socket.only_v6().map(Some),
        },
        about: About { default: "`net.ipv6.bindv6only`", source: "ipv6(7)" },
    },
    &Row {
        name: "send_buffer",
        field: |options| &options.send_buffer,
        field_mut: |options| &mut options.send_buffer,
        cells: Cells::All,
        elsewhere: "",
        valid: ANY_BYTES,
        expected: BYTES,
        access: Access::Call {
            set: |socket, bytes| socket.set_send_buffer_size(*bytes),
            get: |socket| socket.send_buffer_size().map(undoubled),
        },
        about: About {
            default: "`net.core.wmem_default`, `net.ipv4.tcp_wmem`",
            source: "socket(7)",
        },
    },
    &Row {
        name: "receive_buffer",
        field: |options| &options.receive_buffer,
        field_mut: |options| &mut options.receive_buffer,
        cells: Cells::Inet,
        elsewhere: "what is under way counts against the sender, whose send_buffer bounds it",
        valid: ANY_BYTES,
        expected: BYTES,
        access: Access::Call {
            set: |socket, bytes| socket.set_recv_buffer_size(*bytes),
            get: |socket| socket.recv_buffer_size().map(undoubled),
        },
        about: About {
            default: "`net.core.rmem_default`, `net.ipv4.tcp_rmem`",
            source: "socket(7)",
        },
    },
    &Row {
        name: "nodelay",
        field: |options| &options.nodelay,
        field_mut: |options| &mut options.nodelay,
        cells: Cells::Tcp,
        elsewhere: "only TCP holds back small segments",
        valid: ANY_SWITCH,
        expected: SWITCH,
        access: Access::Call {
            set: |socket, on| socket.set_tcp_nodelay(*on),
            get: |socket| socket.tcp_nodelay().map(Some),
        },
        about: About { default: "off", source: "tcp(7)" },
    },
    &Row {
        name: "keepalive",
        field: |options| &options.keepalive,
        field_mut: |options| &mut options.keepalive,
        cells: Cells::Tcp,
        elsewhere: "only TCP probes a silent peer",
        valid: Keepalive::is_valid,
        expected: "times of 1 to 32,767 whole seconds, a count of 1 to 127",
        access: Access::Call { set: |socket, all| all.set(socket), get: Keepalive::get },
        about: About { default: "off", source: "tcp(7)" },
    },
    &Row {
        name: "linger",
        field: |options| &options.linger,
        field_mut: |options| &mut options.linger,
        cells: Cells::TcpAndSctp,
        elsewhere: "closing leaves nothing behind that could be waited for",
        valid: |time: &Duration| is_whole_seconds(*time) && time.as_secs() <= i32::MAX as u64,
        expected: "0 to 2,147,483,647 whole seconds",
        access: Access::Call {
            set: |socket, time| socket.set_linger(Some(*time)),
            get: |socket| socket.linger(),
        },
        about: About { default: "off", source: "socket(7)" },
    },
    &Row {
        name: "backlog",
        field: |options| &options.backlog,
        field_mut: |options| &mut options.backlog,
        cells: Cells::ConnectionOriented,
        elsewhere: "datagram sockets do not listen",
        valid: |connections| i32::try_from(*connections).is_ok(),
        expected: "connections, 0 to 2,147,483,647",
        access: Access::AtBind,
        about: About { default: "1,024", source: "listen(2)" },
    },
    &Row {
        name: "file_mode",
        field: |options| &options.file_mode,
        field_mut: |options| &mut options.file_mode,
        cells: Cells::Unix,
        elsewhere: "binding makes no file",
        valid: |mode| *mode <= 0o777,
        expected: "permission bits, 0 to 0o777",
        access: Access::AtBind,
        about: About { default: "0o777 less the umask", source: "unix(7)" },
    },
];

impl<T: Debug> Entry for Row<T> {
    fn check(&self, options: &Options, cell: Cell) -> Result<(), OptionError> {
        let option = self.name;
        match (self.field)(options) {
            None => Ok(()),
            Some(_) if !self.cells.contain(cell) => {
                Err(OptionError::Meaningless { option, cell, why: self.elsewhere })
            }
            Some(value) if !(self.valid)(value) => {
                let value = format!("{value:?}");
                Err(OptionError::OutOfRange { option, value, expected: self.expected })
            }
            Some(_) => Ok(()),
        }
    }

    fn apply(&self, options: &Options, socket: &Socket) -> Result<(), OptionError> {
        match (&self.access, (self.field)(options)) {
            (Access::Call { set, .. }, Some(value)) => {
                set(socket.inner(), value).map_err(|source| self.refused(socket, source))
            }
            (Access::AtBind, _) | (_, None) => Ok(()),
        }
    }

    fn read(&self, options: &mut Options, socket: &Socket) -> Result<(), OptionError> {
        match &self.access {
            Access::Call { get, .. } if self.cells.contain(socket.cell()) => {
                let value = get(socket.inner()).map_err(|source| self.refused(socket, source))?;
                *(self.field_mut)(options) = value;
                Ok(())
            }
            Access::Call { .. } | Access::AtBind => Ok(()),
        }
    }

    #[cfg(test)]
    fn name(&self) -> &'static str {
        self.name
    }

    #[cfg(test)]
    fn means_something_on(&self, cell: Cell) -> bool {
        self.cells.contain(cell)
    }

    #[cfg(test)]
    fn documentation(&self) -> String {
        let cells = match self.cells {
            Cells::All => "all",
            Cells::Inet => "inet",
            Cells::Ipv6 => "IPv6",
            Cells::Tcp => "TCP",
            Cells::TcpAndSctp => "TCP, SCTP",
            Cells::ConnectionOriented => "stream, seqpacket",
            Cells::Unix => "unix",
        };
        let Self { name, expected, about: About { default, source }, .. } = self;
        format!("| [`{name}`](Self::{name}) | {cells} | {expected} | {default} | {source} |")
    }
}

impl<T> Row<T> {
    fn refused(&self, socket: &Socket, source: io::Error) -> OptionError {
        OptionError::Refused { option: self.name, cell: socket.cell(), source }
    }
}

/// Linux answers with twice the buffer size that was set, see socket(7).
fn undoubled(bytes: usize) -> Option<usize> {
    Some(if cfg!(target_os = "linux") { bytes / 2 } else { bytes })
}
