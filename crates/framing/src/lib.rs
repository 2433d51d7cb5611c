//! Whole messages over any socket: codecs, and one dyn-safe transport trait.
//!
//! | module | holds |
//! |---|---|
//! | `transport` | the traits: `SendHalf`, `RecvHalf`, `Transport`, `Accept` |
//! | `extension` | the async methods on top of them |
//! | `payload` | what can be sent |
//! | `error`, `stats` | what went wrong, what was counted |
//! | `codec` | how message boundaries are marked in a byte stream |
//! | `write_queue`, `passing` | framed bytes on their way to the kernel, and descriptors with them |
//! | `read_buffer`, `beside` | bytes on their way from it, and what came along |
//! | `byte_stream` | what a stream of bytes must offer to be framed |
//! | `framed` | stream → messages |
//! | `packet_socket` | what a socket that keeps boundaries must offer |
//! | `packet_queue` | packets on their way to the kernel |
//! | `packets` | packet socket → messages |
//! | `sending`, `fate` | what both have in common: the states of sending, the end of both halves |
//! | `turn` | the cooperative budget, spent once a message |
//! | `memory` | messages within the process |
//! | `limits` | timeouts and limits as wrappers over any transport |
//! | `auto_flush` | a sending half that flushes by itself |
//! | `adapters` | as `Sink` and `Stream` of the futures crates |
//!
//! None of the features is on by default: `tokio-util` brings `Coded`, `serde` brings `Json` and `Postcard`,
//! `prost` brings `Protobuf`.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod adapters;
mod auto_flush;
mod beside;
mod byte_stream;
mod codec;
#[cfg(feature = "tokio-util")]
mod coded;
mod error;
mod extension;
mod fate;
mod framed;
mod limits;
pub mod memory;
mod packet_queue;
mod packet_socket;
mod packets;
mod passing;
mod payload;
mod read_buffer;
mod sending;
mod stats;
mod transport;
mod turn;
mod typed;
mod write_queue;

pub use adapters::{MessageSink, MessageStream};
pub use anysock_async::{Calls, Closed, Departure, Inbox, Packet, SocketRef};
pub use anysock_core::{
    Ancillary, Arrival, Attached, Guarantees, Message, Outbox, Passed, RecvBlock, Role,
};
pub use auto_flush::AutoFlush;
pub use byte_stream::{ByteRecv, ByteSend, ByteStream, Io, IoHalf};
pub use codec::{
    AnyCodec, Cobs, Codec, ContentLength, Decoded, Delimited, EmptyDelimiter, Fixed, FrameEnd,
    LengthDelimited, Netstring, OctetCounted, Resync, Slip, Unframed, UnknownCodec, Varint, Width,
};
#[cfg(feature = "tokio-util")]
pub use coded::{Coded, CodedError};
pub use error::{Error, ErrorKind};
pub use extension::{
    AcceptExt, Accepting, Close, Feed, Flush, Ready, Recv, RecvExt, RecvMany, Send, SendExt,
    TrySendError,
};
pub use framed::{Framed, FramedRecv, FramedSend};
pub use limits::{Deadlines, Idle, Limited, Limits, MaxLength, Quota, Rate};
pub use packet_socket::{Fault, PacketRecv, PacketSend, PacketSocket};
pub use packets::{Packets, PacketsRecv, PacketsSend};
pub use payload::{AsPayload, Owned, Payload, Whole};
pub use stats::Stats;
pub use transport::{Accept, BoxTransport, Guaranteed, Halves, RecvHalf, SendHalf, Transport};
#[cfg(feature = "prost")]
pub use typed::Protobuf;
pub use typed::{Decode, Encode, Typed};
#[cfg(feature = "serde")]
pub use typed::{Json, Postcard};
pub use write_queue::{FrameWriter, Stuffing, encode_frame};
