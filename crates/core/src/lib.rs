//! Sockets of every domain and type: names, addresses, options, and what a message is.
//!
//! This crate is synchronous and knows no runtime. It is a map of the table domain × type:
//!
//! | module | holds |
//! |---|---|
//! | `domain`, `kind`, `cell`, `protocol` | the table's rows, columns and cells; what carries them |
//! | `guarantees` | what a cell promises in which role |
//! | `addr`, `unix_addr` | where a socket is |
//! | `endpoint` | what a person names: `tcp://localhost:7000`, `unix:/run/app.sock` |
//! | `options` | what is set on a socket before it is bound or connected |
//! | `socket` | a non-blocking, close-on-exec socket of any cell: `ask`, `send`, `receive`, `errors` |
//! | `outgoing`, `received`, `chunk`, `local_address`, `shutdown` | what its calls take and bring |
//! | `local` | the local address of a client |
//! | `adopt` | sockets that somebody else has made: inherited, or handed over |
//! | `convert` | what could not be converted, given back |
//! | `state`, `tcp_info` | what the kernel tells of a socket: bytes that wait, drops, TCP's own view |
//! | `interface`, `group` | network interfaces, and the multicast groups joined there |
//! | `batch` | many packets by one system call |
//! | `outbox` | packets that wait to be sent, in one block |
//! | `queued_error` | what the network answered to something that was sent |
//! | `bind` | unix paths: claimed, probed, unlinked by their owner only |
//! | `set` | the algebra of small sets: guarantees, what comes along |
//! | `support` | which cells this machine has |
//! | `message`, `attached`, `passed`, `credentials`, `ancillary` | what is received and sent, and what comes with it |
//! | `block` | memory into which bytes are received, and the messages that lie in it |
//! | `sys` | the system calls, and with `block` all `unsafe` |
#![deny(unsafe_code)]

#[cfg(not(unix))]
compile_error!("anysock needs unix sockets: Linux first, other unix systems by design");

mod addr;
mod adopt;
mod ancillary;
mod attached;
mod batch;
mod bind;
mod block;
mod cell;
mod chunk;
mod convert;
mod credentials;
mod domain;
mod endpoint;
mod group;
mod guarantees;
mod interface;
mod kind;
mod local;
mod local_address;
mod message;
mod options;
mod outbox;
mod outgoing;
mod passed;
mod protocol;
mod queued_error;
mod received;
mod set;
mod shutdown;
mod socket;
mod state;
mod support;
mod sys;
mod tcp_info;
mod unix_addr;

#[cfg(anysock_faults)]
#[doc(hidden)]
pub use sys::faults;

pub use addr::Addr;
pub use adopt::{AdoptError, AdoptFault, inherited_names};
pub use ancillary::Ancillary;
pub use attached::Attached;
pub use batch::{Batched, RecvBatch};
pub use bind::{FileId, OwnedPath, PathClaim, PathError};
pub use block::RecvBlock;
pub use cell::{Cell, UnsupportedCell};
pub use chunk::Chunk;
pub use convert::ConvertError;
pub use credentials::Credentials;
pub use domain::Domain;
pub use endpoint::{
    Endpoint, EndpointError, EndpointFault, EndpointName, Host, HostName, HostPort, Scope,
};
pub use group::{Group, GroupError};
pub use guarantees::{Guarantees, Role};
pub use interface::{Interface, UnknownInterface};
pub use kind::Type;
pub use local_address::LocalAddress;
pub use message::{Arrival, Message};
pub use options::{Keepalive, OptionError, Options, PathMtuDiscovery};
pub use outbox::Outbox;
pub use outgoing::Outgoing;
pub use passed::Passed;
pub use protocol::Protocol;
pub use queued_error::{Origin, QueuedError};
pub use received::Received;
pub use shutdown::Shutdown;
pub use socket::Socket;
pub use support::{Support, probe};
pub use tcp_info::{TcpInfo, TcpState};
pub use unix_addr::{AbstractName, UnixAddr, UnixAddrError, UnixPath};
