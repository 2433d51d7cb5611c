//! The seven working cells: one test for each, at an endpoint of its own.

use anysock::{Cell, Domain, Type};

use super::Directory;

/// Makes one test per working cell of a function that takes the cell. The tests are named
/// `function::unix_stream` and so on.
macro_rules! over_the_matrix {
    ($function:ident) => {
        mod $function {
            $crate::support::over_the_matrix! {
                $function:
                unix_stream UNIX_STREAM, unix_datagram UNIX_DATAGRAM,
                unix_seqpacket UNIX_SEQPACKET, ipv4_stream IPV4_STREAM,
                ipv4_datagram IPV4_DATAGRAM, ipv6_stream IPV6_STREAM,
                ipv6_datagram IPV6_DATAGRAM
            }
        }
    };
    ($function:ident: $($name:ident $cell:ident),*) => {$(
        #[test]
        fn $name() {
            super::$function(anysock::Cell::$cell);
        }
    )*};
}

pub(crate) use over_the_matrix;

/// Where a server of `cell` can listen: a port that is free, or a path in `directory`.
pub(crate) fn endpoint(cell: Cell, directory: &Directory) -> String {
    match (cell.domain, cell.kind) {
        (Domain::Ipv4, Type::Datagram) => "udp://127.0.0.1:0".into(),
        (Domain::Ipv4, _) => "tcp://127.0.0.1:0".into(),
        (Domain::Ipv6, Type::Datagram) => "udp://[::1]:0".into(),
        (Domain::Ipv6, _) => "tcp://[::1]:0".into(),
        (Domain::Unix, Type::Stream) => format!("unix:{}", directory.path("stream")),
        (Domain::Unix, Type::Datagram) => format!("unix-dgram:{}", directory.path("datagram")),
        (Domain::Unix, Type::SeqPacket) => {
            format!("unix-seqpacket:{}", directory.path("seqpacket"))
        }
    }
}
