//! One row of the table of options: where it means something, what it takes, how it is set and read.

use std::fmt::Debug;
use std::io;
use std::os::fd::AsFd;

use libc::c_int;

use super::{OptionError, Options};
use crate::{Cell, Domain, Socket, Type, sys};

/// One option of type `T`.
pub(super) struct Row<T: 'static> {
    /// The name of its method.
    pub(super) name: &'static str,
    pub(super) field: fn(&Options) -> &Option<T>,
    pub(super) field_mut: fn(&mut Options) -> &mut Option<T>,
    pub(super) until: Until,
    pub(super) rules: Rules<T>,
}

/// Up to when an option has an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// At any time.
    Closed,
    /// Until bind(2): the kernel takes most of these later too, in silence.
    Bound,
    /// Until listen(2) or connect(2).
    Opened,
    /// Until connect(2); what is accepted has it of its listener.
    Connected,
}

/// What holds for an option of type `T`.
pub(super) struct Rules<T: 'static> {
    pub(super) cells: Cells,
    /// Why it means nothing on other cells.
    pub(super) elsewhere: &'static str,
    pub(super) valid: fn(&T, Cell) -> bool,
    /// The values that are valid, in words.
    pub(super) expected: &'static str,
    pub(super) access: Access<T>,
    /// The capability that some or all values need, capabilities(7).
    pub(super) needs: Option<&'static str>,
    #[cfg_attr(not(test), expect(dead_code, reason = "a test holds the documentation to it"))]
    pub(super) about: About,
}

/// For the documentation.
#[cfg_attr(not(test), expect(dead_code, reason = "a test holds the documentation to it"))]
pub(super) struct About {
    /// What holds where it is unset.
    pub(super) default: &'static str,
    /// Where that is written.
    pub(super) source: &'static str,
    /// The test that observes its effect, or why that cannot be seen.
    pub(super) effect: &'static str,
}

/// How an option gets to the socket between opening and binding or connecting, and back.
pub(super) enum Access<T> {
    /// By what is written out here. Reading gives `None` where it is unset, or cannot be told.
    Call { set: fn(&Socket, &T) -> io::Result<()>, get: fn(&Socket) -> io::Result<Option<T>> },
    /// As an `int`.
    Int { level: c_int, name: c_int, int: Int<T> },
    /// As an `int` of IP. An IPv6 socket may have IPv4 peers, for whom it is set as well: two calls.
    Ip { v4: c_int, v6: c_int, int: Int<T> },
    /// Not by a call of its own, but together with binding or listening.
    AtBind,
}

/// A value as the kernel has it; `None` for what stands for unset.
pub(super) struct Int<T> {
    pub(super) to: fn(&T) -> c_int,
    pub(super) from: fn(c_int) -> Option<T>,
}

/// The cells on which an option means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cells {
    All,
    Inet,
    Ipv4,
    Ipv6,
    Tcp,
    TcpAndSctp,
    Udp,
    Ipv4Udp,
    Ipv6Udp,
    ConnectionOriented,
    Unix,
    /// What keeps boundaries, but for SCTP.
    Packets,
}

/// A row without its value's type.
pub(super) trait Entry: Sync {
    fn check(&self, options: &Options, cell: Cell) -> Result<(), OptionError>;
    fn apply(&self, options: &Options, socket: &Socket) -> Result<(), OptionError>;
    fn read(&self, options: &mut Options, socket: &Socket) -> Result<(), OptionError>;
    /// Up to when it has an effect, and its name, if it is set.
    fn until(&self, options: &Options) -> Option<(Until, &'static str)>;
    #[cfg(test)]
    fn name(&self) -> &'static str;
    #[cfg(test)]
    fn means_something_on(&self, cell: Cell) -> bool;
    #[cfg(test)]
    fn copy(&self, from: &Options, to: &mut Options);
    #[cfg(test)]
    fn is_set(&self, options: &Options) -> bool;
    #[cfg(test)]
    fn documentation(&self) -> String;
}

/// A row whose method, and field unless another is named, are called `$name`; its option has an
/// effect at any time, unless it is said until when.
macro_rules! row {
    ($name:ident, until $until:ident, $rules:expr) => {
        $crate::options::row::row!($name, $name, $until, $rules)
    };
    ($name:ident, $rules:expr) => {
        $crate::options::row::row!($name, $name, Closed, $rules)
    };
    ($name:ident, $field:ident, $rules:expr) => {
        $crate::options::row::row!($name, $field, Closed, $rules)
    };
    ($name:ident, $field:ident, $until:ident, $rules:expr) => {
        &$crate::options::row::Row {
            name: stringify!($name),
            field: |options| &options.$field,
            field_mut: |options| &mut options.$field,
            until: $crate::options::row::Until::$until,
            rules: $rules,
        }
    };
}

pub(super) use row;

pub(super) const SWITCH: &str = "on or off";
pub(super) const BYTES: &str = "bytes, 1 to 2,147,483,647";
pub(super) const ANY_SWITCH: fn(&bool, Cell) -> bool = |_, _| true;
pub(super) const ANY_BYTES: fn(&usize, Cell) -> bool =
    |bytes, _| (1..=i32::MAX as usize).contains(bytes);
pub(super) const ONE_OR_MORE: fn(&u32, Cell) -> bool =
    |number, _| (1..=i32::MAX as u32).contains(number);

/// A switch that is an `int` of 0 or 1.
pub(super) const FLAG: Int<bool> =
    Int { to: |on| if *on { 1 } else { 0 }, from: |int| Some(int != 0) };

/// An octet.
pub(super) const OCTET: Int<u8> =
    Int { to: |octet| *octet as c_int, from: |int| u8::try_from(int).ok() };

/// A number, of which 0 stands for unset.
pub(super) const NUMBER: Int<u32> =
    Int { to: |number| *number as c_int, from: |int| Some(int as u32).filter(|int| *int != 0) };

impl Until {
    /// Whether `socket`, which is bound, is past it: what has happened to it.
    pub(super) fn is_past(self, socket: &Socket) -> io::Result<Option<&'static str>> {
        let (is_listening, is_connected) = match self {
            Self::Closed => return Ok(None),
            Self::Bound => return Ok(Some("bound")),
            Self::Opened | Self::Connected => (socket.is_listening()?, is_connected(socket)?),
        };
        Ok(match self {
            Self::Opened if is_listening => Some("listening"),
            _ if is_connected => Some("connected"),
            _ => None,
        })
    }
}

/// Whether it has a peer, as getpeername(2) tells.
fn is_connected(socket: &Socket) -> io::Result<bool> {
    match socket.peer_addr() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(error),
    }
}

impl Cells {
    pub(super) fn contain(self, cell: Cell) -> bool {
        let (inet, kind) = (cell.domain.is_inet(), cell.kind);
        match self {
            Self::All => true,
            Self::Inet => inet,
            Self::Ipv4 => cell.domain == Domain::Ipv4,
            Self::Ipv6 => cell.domain == Domain::Ipv6,
            Self::Tcp => inet && kind == Type::Stream,
            Self::TcpAndSctp => inet && kind != Type::Datagram,
            Self::Udp => inet && kind == Type::Datagram,
            Self::Ipv4Udp => cell == Cell::IPV4_DATAGRAM,
            Self::Ipv6Udp => cell == Cell::IPV6_DATAGRAM,
            Self::ConnectionOriented => kind.is_connection_oriented(),
            Self::Unix => !inet,
            Self::Packets => kind == Type::Datagram || (!inet && kind == Type::SeqPacket),
        }
    }
}

impl<T: Debug + Clone> Entry for Row<T> {
    fn check(&self, options: &Options, cell: Cell) -> Result<(), OptionError> {
        let (option, rules) = (self.name, &self.rules);
        match (self.field)(options) {
            None => Ok(()),
            Some(_) if !rules.cells.contain(cell) => {
                Err(OptionError::Meaningless { option, cell, why: rules.elsewhere })
            }
            Some(value) if !(rules.valid)(value, cell) => {
                let value = format!("{value:?}");
                Err(OptionError::OutOfRange { option, value, expected: rules.expected })
            }
            Some(_) => Ok(()),
        }
    }

    fn apply(&self, options: &Options, socket: &Socket) -> Result<(), OptionError> {
        let Some(value) = (self.field)(options) else { return Ok(()) };
        let applied = match &self.rules.access {
            Access::Call { set, .. } => set(socket, value),
            Access::Int { level, name, int } => {
                sys::set(socket.as_fd(), *level, *name, &(int.to)(value))
            }
            Access::Ip { v4, v6, int } => set_ip(socket, *v4, *v6, (int.to)(value)),
            Access::AtBind => Ok(()),
        };
        applied.map_err(|source| self.refused(socket, source))
    }

    fn read(&self, options: &mut Options, socket: &Socket) -> Result<(), OptionError> {
        if !self.rules.cells.contain(socket.cell()) {
            return Ok(());
        }
        let read = match &self.rules.access {
            Access::Call { get, .. } => get(socket),
            Access::Int { level, name, int } => {
                sys::get_int(socket.as_fd(), *level, *name).map(int.from)
            }
            Access::Ip { v4, v6, int } => {
                let (level, name) = match socket.cell().domain {
                    Domain::Ipv6 => (libc::IPPROTO_IPV6, *v6),
                    _ => (libc::IPPROTO_IP, *v4),
                };
                sys::get_int(socket.as_fd(), level, name).map(int.from)
            }
            Access::AtBind => return Ok(()),
        };
        *(self.field_mut)(options) = match read {
            // What is not known cannot be set.
            Err(error) if super::error::is_unknown(&error) => None,
            read => read.map_err(|source| self.refused(socket, source))?,
        };
        Ok(())
    }

    fn until(&self, options: &Options) -> Option<(Until, &'static str)> {
        (self.field)(options).as_ref().map(|_| (self.until, self.name))
    }

    #[cfg(test)]
    fn name(&self) -> &'static str {
        self.name
    }

    #[cfg(test)]
    fn means_something_on(&self, cell: Cell) -> bool {
        self.rules.cells.contain(cell)
    }

    #[cfg(test)]
    fn copy(&self, from: &Options, to: &mut Options) {
        *(self.field_mut)(to) = (self.field)(from).clone();
    }

    #[cfg(test)]
    fn is_set(&self, options: &Options) -> bool {
        (self.field)(options).is_some()
    }

    #[cfg(test)]
    fn documentation(&self) -> String {
        let cells = match self.rules.cells {
            Cells::All => "all",
            Cells::Inet => "inet",
            Cells::Ipv4 => "IPv4",
            Cells::Ipv6 => "IPv6",
            Cells::Tcp => "TCP",
            Cells::TcpAndSctp => "TCP, SCTP",
            Cells::Udp => "UDP",
            Cells::Ipv4Udp => "UDP over IPv4",
            Cells::Ipv6Udp => "UDP over IPv6",
            Cells::ConnectionOriented => "stream, seqpacket",
            Cells::Unix => "unix",
            Cells::Packets => "datagram, unix seqpacket",
        };
        let Self { name, rules: Rules { expected, needs, about, .. }, .. } = self;
        let About { default, source, effect } = about;
        let expected = match needs {
            Some(capability) => format!("{expected}; takes {capability}"),
            None => (*expected).to_owned(),
        };
        format!(
            "| [`{name}`](Self::{name}) | {cells} | {expected} | {default} | {source} | {effect} |"
        )
    }
}

impl<T> Row<T> {
    fn refused(&self, socket: &Socket, source: io::Error) -> OptionError {
        let needs = self.rules.needs;
        OptionError::Refused { option: self.name, cell: socket.cell(), needs, source }
    }
}

/// Sets an option of IP, for the IPv4 peers of an IPv6 socket as well.
fn set_ip(socket: &Socket, v4: c_int, v6: c_int, value: c_int) -> io::Result<()> {
    if socket.cell().domain == Domain::Ipv6 {
        sys::set(socket.as_fd(), libc::IPPROTO_IPV6, v6, &value)?;
    }
    sys::set(socket.as_fd(), libc::IPPROTO_IP, v4, &value)
}
