//! The edge itself: every system call of this crate is made through here, so that a test can have
//! one of them fail.
//!
//! Only under `--cfg anysock_faults`, which nothing but the suite of faults is built with, is there
//! anything here but the call: see `faults`. Elsewhere each of these functions is its argument.
//!
//! Not made through here are close(2), which Linux never fails to do; if_nametoindex(3), which the
//! C library makes of several calls; and what the reactor does.

use std::os::fd::RawFd;

/// The number of no descriptor, for calls that take none.
pub(crate) const NONE: RawFd = -1;

macro_rules! calls {
    ($($call:ident = $name:literal,)*) => {
        /// A system call of this crate.
        #[cfg_attr(not(anysock_faults), expect(unreachable_pub, reason = "a test names them"))]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Call {
            $(#[doc = $name] $call,)*
        }

        #[cfg(anysock_faults)]
        impl Call {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$call,)*];

            /// Its name, as strace(1) has it; the error queue's and fcntl's with what they do.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$call => $name,)*
                }
            }
        }
    };
}

calls! {
    Accept = "accept4",
    Bind = "bind",
    Chmod = "chmod",
    Connect = "connect",
    Duplicate = "fcntl-dupfd",
    ErrorQueue = "recvmsg-errqueue",
    Fchmod = "fchmod",
    Flags = "fcntl-flags",
    Flock = "flock",
    GetOption = "getsockopt",
    Ioctl = "ioctl",
    Listen = "listen",
    LocalName = "getsockname",
    Look = "stat",
    Open = "open",
    PeerName = "getpeername",
    Recv = "recv",
    RecvBatch = "recvmmsg",
    RecvMessage = "recvmsg",
    Send = "send",
    SendBatch = "sendmmsg",
    SendMessage = "sendmsg",
    SetOption = "setsockopt",
    Shutdown = "shutdown",
    Socket = "socket",
    SocketPair = "socketpair",
    Unlink = "unlink",
}

#[cfg(anysock_faults)]
pub(crate) use super::faults::{batch, call, part, slices};
#[cfg(not(anysock_faults))]
pub(crate) use bare::{batch, call, part, slices};

/// The calls, and nothing else.
#[cfg(not(anysock_faults))]
mod bare {
    use std::io::IoSlice;
    use std::os::fd::RawFd;

    use super::Call;

    /// A call that is made or not.
    #[inline(always)]
    pub(crate) fn call<R>(_: Call, _: RawFd, run: impl FnOnce() -> R) -> R {
        run()
    }

    /// A call for up to `most` bytes.
    #[inline(always)]
    pub(crate) fn part<R>(_: Call, _: RawFd, most: usize, run: impl FnOnce(usize) -> R) -> R {
        run(most)
    }

    /// A call for up to `most` packets.
    #[inline(always)]
    pub(crate) fn batch<R>(_: Call, _: RawFd, most: usize, run: impl FnOnce(usize) -> R) -> R {
        run(most)
    }

    /// A call for the bytes of `slices`.
    #[inline(always)]
    pub(crate) fn slices<R>(
        _: Call,
        _: RawFd,
        slices: &[IoSlice<'_>],
        run: impl FnOnce(&[IoSlice<'_>]) -> R,
    ) -> R {
        run(slices)
    }
}
