//! **Any socket, one way to send and receive messages.**
//!
//! A service names an [`Endpoint`] (`tcp://127.0.0.1:7000`, `unix:/run/app.sock`,
//! `udp://[::1]:53`, `unix-seqpacket:@app`) and talks whole messages through one async trait.
//! Changing the transport is changing a string. Each transport says truthfully what it
//! [guarantees](Guarantees), and every socket underneath can be reached.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use anysock::prelude::*;
//!
//! // The endpoint may be any cell; the handler does not know which.
//! let mut listener = anysock::bind("tcp://127.0.0.1:0").await?;
//! let endpoint = listener.endpoint().clone();
//! tokio::spawn(async move {
//!     let mut peer = listener.accept().await?;
//!     while let Some(message) = peer.recv().await? {
//!         peer.feed(message).await?; // flushed when recv would wait
//!     }
//!     Ok::<_, anysock::Error>(())
//! });
//!
//! let mut server = anysock::connect(endpoint).await?;
//! server.require(Guarantees::RELIABLE)?;
//! server.send("hello").await?;
//! assert_eq!(server.recv().await?.unwrap(), "hello");
//! # Ok::<_, anysock::Error>(()) })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `connect`, `bind`, `shards` | the builders: codec, options, deadline |
//! | `adopt` | the builder for a socket that was handed over |
//! | `serve` | a task for each connection, within limits, to an orderly end |
//! | `connection`, `listener` | one type over every cell |
//! | `streams` | a listener of bytes alone, for HTTP servers and the like |
//! | `reconnecting` | a transport that connects again by itself, and says so |
//! | [`prelude`] | the traits whose methods a service calls |
//! | `memory` | the names of `mem:` endpoints, and how to have others in their place |
//! | [`sockets`], [`framing`], [`core`](mod@crate::core) | the layers underneath, whole |
//!
//! # Features
//!
//! None is on by default, and all cells, all codecs that need no other crate, limits and `tracing` are there
//! without any. What needs one says so where it stands.
//!
//! | feature | brings |
//! |---|---|
//! | `tokio-util` | `Coded`: the encoders and decoders of tokio-util over any transport |
//! | `serde` | `Json`, and `Postcard`: values as text, or in a compact binary format, for [`Typed`] |
//! | `prost` | `Protobuf`: messages of protocol buffers, for [`Typed`] |
//! | `metrics` | counters for whoever has a recorder of the `metrics` facade |
//!
//! # Layers
//!
//! What a service meets of the layers underneath, in signatures and in errors, is here by name; an
//! error is asked for the typed one inside by [`Error::find`].
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod adopt;
mod bind;
mod connect;
mod connection;
#[cfg(doctest)]
mod guide;
mod listener;
mod memory;
mod observed;
pub mod prelude;
mod reconnecting;
mod serve;
mod shards;
mod streams;

#[doc(inline)]
pub use anysock_async as sockets;
#[doc(inline)]
pub use anysock_core as core;
#[doc(inline)]
pub use anysock_framing as framing;

pub use adopt::{Adopt, adopt};
pub use anysock_async::{
    Closed, Departure, Gate, ListenerStats, LocalAddrError, NoConnection, PeerLimits, SocketRef,
    is_permanent,
};
pub use anysock_core::{
    AbstractName, Addr, AdoptError, AdoptFault, Ancillary, Arrival, Attached, Cell, ConvertError,
    Credentials, Domain, Endpoint, EndpointError, EndpointFault, EndpointName, Group, GroupError,
    Guarantees, Host, HostName, HostPort, Interface, Keepalive, Message, OptionError, Options,
    Origin, OwnedPath, PathError, PathMtuDiscovery, Protocol, QueuedError, Role, Scope, Socket,
    Support, TcpInfo, TcpState, Type, UnixAddr, UnixAddrError, UnixPath, UnknownInterface,
    UnsupportedCell, inherited_names, probe,
};
#[cfg(feature = "prost")]
pub use anysock_framing::Protobuf;
pub use anysock_framing::{
    Accept, AnyCodec, AsPayload, AutoFlush, BoxTransport, Cobs, Codec, ContentLength, Deadlines,
    Decode, Decoded, Delimited, EmptyDelimiter, Encode, Error, ErrorKind, Fixed, FrameEnd,
    FrameWriter, Framed, Guaranteed, Halves, Idle, Io, LengthDelimited, Limited, Limits, MaxLength,
    MessageSink, MessageStream, Netstring, OctetCounted, Packets, Payload, Quota, Rate, RecvHalf,
    Resync, SendHalf, Slip, Stats, Stuffing, Transport, TrySendError, Typed, Unframed,
    UnknownCodec, Varint, Width,
};
#[cfg(feature = "tokio-util")]
pub use anysock_framing::{Coded, CodedError};
#[cfg(feature = "serde")]
pub use anysock_framing::{Json, Postcard};
pub use bind::{Bind, bind};
pub use connect::{Connect, IntoEndpoint, connect};
pub use connection::{Connection, ConnectionRecv, ConnectionSend};
pub use listener::Listener;
pub use memory::{Dialing, EnteredNames, Names, Wiring};
pub use reconnecting::{
    Backoff, GaveUp, Reconnect, Reconnecting, ReconnectingRecv, ReconnectingSend,
};
pub use serve::{ListenerReport, Phase, Report, Serve, Shutdown, serve};
pub use shards::Shards;
pub use streams::Streams;
