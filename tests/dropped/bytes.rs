//! A stream's reads and writes: what does not resolve has moved no byte.

use std::io::IoSlice;

use anysock::Options;
use anysock::sockets::{Accepted, Connected, PeerLimits, StreamSocket, bind, connect};
use anysock::{Addr, Type};
use fastrand::Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::probe::{MOST_POLLS, PATIENCE, Probe, World, once, within};
use crate::prove::Trying;
use crate::stop::{Stop, Verdict, ensure};

/// As the `AsyncRead` and `AsyncWrite` of the socket have them.
pub(crate) const OPERATIONS: [&str; 3] = ["read", "write", "write_vectored"];

/// Of which a [`StreamSocket`] is.
pub(crate) const STREAMS: [&str; 3] = ["unix-stream", "ipv4-stream", "ipv6-stream"];

/// Bytes of one direction: each follows from its place.
#[derive(Default)]
struct Course {
    written: u64,
    read: u64,
}

impl Course {
    fn next(&self, length: usize) -> Vec<u8> {
        (self.written..).take(length).map(byte).collect()
    }

    fn arrived(&mut self, bytes: &[u8]) -> Verdict {
        for found in bytes {
            let expected = byte(self.read);
            ensure!(*found == expected, "byte {} is {found}, not {expected}", self.read);
            self.read += 1;
        }
        // A write that is under way is entered once it has resolved.
        Ok(())
    }
}

fn byte(place: u64) -> u8 {
    (place % 251 + place / 251 % 241) as u8
}

struct Far<'a> {
    end: &'a mut StreamSocket,
    incoming: &'a mut Course,
    outgoing: &'a mut Course,
    reads: u8,
}

pub(crate) fn at_every_poll(probe: &mut Probe) -> Trying<'_> {
    Box::pin(async move {
        let (mut near, mut far) = open(probe.transport).await?;
        let (mut out, mut back) = (Course::default(), Course::default());
        for polls in 0..MOST_POLLS * 4 {
            if probe.is_over(polls) {
                break;
            }
            let reads = probe.rng.u8(1..8);
            let mut world = Far { end: &mut far, incoming: &mut out, outgoing: &mut back, reads };
            drop_at(probe, polls % 8, &mut near, &mut world).await?;
            if probe.rng.u8(0..4) == 0 {
                settle(&mut near, &mut far, &mut out).await?;
                settle(&mut far, &mut near, &mut back).await?;
            }
        }
        settle(&mut near, &mut far, &mut out).await?;
        settle(&mut far, &mut near, &mut back).await
    })
}

async fn open(transport: &str) -> Verdict<(StreamSocket, StreamSocket)> {
    let options = Options::default().send_buffer(8192);
    let addr = match transport {
        "unix-stream" => Addr::Unix(anysock::UnixAddr::Unnamed),
        "ipv4-stream" => Addr::Ip("127.0.0.1:0".parse()?),
        _ => Addr::Ip("[::1]:0".parse()?),
    };
    let mut listener = bind(&addr, Type::Stream, &options, &PeerLimits::default()).await?;
    let addr = listener.local_addr()?;
    let near = connect(&addr, Type::Stream, &options, PATIENCE).await?;
    let far = within("accepting", listener.accept()).await??;
    match (near, far) {
        (Connected::Stream(near), Accepted::Stream(far)) => Ok((near, far)),
        other => Err(Stop::new(format_args!("these are no streams: {other:?}"))),
    }
}

async fn drop_at(
    probe: &mut Probe,
    polls: u32,
    near: &mut StreamSocket,
    world: &mut Far<'_>,
) -> Verdict {
    let length = probe.rng.usize(1..6000);
    probe.note(length);
    if probe.operation == "read" {
        let mut buffer = vec![0; length];
        let read =
            probe.drop_at("read", polls, near.read(&mut buffer), world).await?.transpose()?;
        return world.outgoing.arrived(&buffer[..read.unwrap_or(0)]);
    }
    // As much as fits, so that it has to wait.
    for _ in 0..probe.rng.usize(0..20) {
        let bytes = world.incoming.next(3000);
        let Some(written) = once(near.write(&bytes)).await.transpose()? else { break };
        world.incoming.written += written as u64;
        probe.note(written);
    }
    let bytes = world.incoming.next(length);
    let written = match probe.operation {
        "write" => probe.drop_at("write", polls, near.write(&bytes), world).await?,
        _ => {
            let (one, other) = bytes.split_at(length / 2);
            let slices = [IoSlice::new(one), IoSlice::new(other)];
            let writing = near.write_vectored(&slices);
            probe.drop_at("write_vectored", polls, writing, world).await?
        }
    };
    world.incoming.written += written.transpose()?.unwrap_or(0) as u64;
    Ok(())
}

/// All that was written arrives, and some more.
async fn settle(from: &mut StreamSocket, to: &mut StreamSocket, course: &mut Course) -> Verdict {
    let mut buffer = [0; 4096];
    within("what was written", async {
        for more in [0, 10] {
            let bytes = course.next(more);
            if more > 0 {
                from.write_all(&bytes).await?;
                course.written += more as u64;
            }
            while course.read < course.written {
                let read = to.read(&mut buffer).await?;
                ensure!(read > 0, "lost: the end came before the last byte");
                course.arrived(&buffer[..read])?;
            }
            ensure!(course.read == course.written, "{} bytes too many", course.read);
        }
        Ok(())
    })
    .await?
}

impl World for Far<'_> {
    async fn turn(&mut self, rng: &mut Rng) -> Verdict<u64> {
        let step = rng.u8(0..10);
        if step < self.reads {
            let mut buffer = vec![0; rng.usize(1..5000)];
            let read = once(self.end.read(&mut buffer)).await.transpose()?.unwrap_or(0);
            self.incoming.arrived(&buffer[..read])?;
            return Ok((read as u64) << 1);
        }
        if step < self.reads + 2 {
            let bytes = self.outgoing.next(rng.usize(1..500));
            let written = once(self.end.write(&bytes)).await.transpose()?.unwrap_or(0);
            self.outgoing.written += written as u64;
            return Ok((written as u64) << 1 | 1);
        }
        tokio::task::yield_now().await;
        Ok(0)
    }
}
