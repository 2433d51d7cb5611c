//! Sockets of every domain and type, registered with tokio's reactor.
//!
//! | module | holds |
//! |---|---|
//! | `registered` | the one readiness loop, and the remedies for what would make it spin |
//! | `stream`, `datagram`, `seqpacket` | sockets whose type is static and whose domain is a value |
//! | `socket_ref` | the socket underneath, and whose of its peers asks |
//! | `addressed` | a datagram socket before many peers |
//! | `packet` | packets, received to their size: one, or a batch by one system call |
//! | `inbox` | packets that were received together, handed out one by one |
//! | `error_watch` | errors of a datagram socket that come without data |
//! | `offload` | a run of equal datagrams by one system call |
//! | `listener` | what yields connected sockets, of every cell |
//! | `calls` | system calls, counted |
//! | `closed` | waiting until the peer is gone |
//! | `gate` | who may connect, by credentials |
//! | `accept_fault`, `listener_stats` | what an error of accepting says; what was counted |
//! | `demux` | datagrams taken apart by their source |
//! | `adopt` | sockets that somebody else has made: inherited, or handed over |
//! | `interop` | to and from the socket types of std and tokio |
//! | `connect`, `bind`, `resolve` | from an address or a name to a socket |
//! | `connector`, `race`, `no_connection` | the first of several addresses that answers |
//! | `permanent` | which errors of connecting trying again cannot mend |
//! | `nap`, `budget`, `busy` | pauses that grow; tokio's cooperative budget; trying for a while |
//! | `aside` | what few registered sockets ever need |
//! | `sys` | a socket and its registration, the only `unsafe` |
//!
//! Everything here is called within a tokio runtime that has I/O and time enabled. A socket is
//! registered when it first has to wait; an error of registering comes out of that operation.
#![deny(unsafe_code)]

mod accept_fault;
mod addressed;
mod adopt;
mod aside;
mod bind;
mod budget;
mod busy;
mod calls;
mod closed;
mod connect;
mod connector;
mod datagram;
mod demux;
mod error_watch;
mod gate;
mod inbox;
mod interop;
mod listener;
mod listener_stats;
mod nap;
mod no_connection;
mod offload;
mod packet;
mod permanent;
mod race;
mod registered;
mod resolve;
mod seqpacket;
mod socket_ref;
mod stream;
mod sys;

use std::io;

use anysock_core::{Shutdown, Socket, Type};

pub use accept_fault::AcceptFault;
pub use bind::{bind, bind_allowing, bind_shards};
pub use budget::poll_budget;
pub use busy::LONGEST_BUSY_POLL;
pub use calls::Calls;
pub use closed::{Closed, Departure};
pub use connect::{Connected, connect};
pub use connector::{Connector, LocalAddrError};
pub use datagram::{DatagramRecv, DatagramSend, DatagramSocket};
pub use demux::{DatagramListener, DatagramPeer, PeerLimits, PeerRecv, PeerSend};
pub use gate::Gate;
pub use inbox::Inbox;
pub use listener::{Accepted, Listener};
pub use listener_stats::ListenerStats;
pub use no_connection::NoConnection;
pub use packet::Packet;
pub use permanent::is_permanent;
pub use resolve::resolve;
pub use seqpacket::{SeqPacketRecv, SeqPacketSend, SeqPacketSocket};
pub use socket_ref::SocketRef;
pub use stream::{StreamHandle, StreamRecv, StreamSend, StreamSocket};

fn expect_type(socket: &Socket, kind: Type) -> io::Result<()> {
    if socket.cell().kind == kind {
        return Ok(());
    }
    let what = format!("a {kind} socket is wanted here, this one is {}", socket.cell());
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}

/// Ends the sending direction; a peer that is gone already has seen the end.
fn shutdown_write(registered: &registered::Registered) -> io::Result<()> {
    match registered.shutdown(Shutdown::Write) {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        done => done,
    }
}
