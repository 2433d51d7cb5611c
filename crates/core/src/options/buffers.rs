//! How much room there is, and how fast it is used.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use libc::c_int;

use super::row::{
    ANY_BYTES, ANY_SWITCH, About, Access, BYTES, Cells, Entry, FLAG, Int, Rules, SWITCH, row,
};
use super::{Options, whole};
use crate::{Socket, sys};

impl Options {
    /// Room for what was sent and not yet taken away, in bytes (`SO_SNDBUF`).
    ///
    /// Linux doubles the number to account for its own use, and cuts it to
    /// `net.core.wmem_max` and raises it to a minimum, both in silence. It bounds the largest
    /// message on unix datagram and seqpacket sockets.
    pub fn send_buffer(self, bytes: usize) -> Self {
        Self { send_buffer: Some(bytes), ..self }
    }

    /// Room for what has come and is not yet received, in bytes (`SO_RCVBUF`).
    ///
    /// As for [`send_buffer`](Self::send_buffer), but cut to `net.core.rmem_max`. Unix sockets
    /// have none: what is under way counts against the sender.
    pub fn receive_buffer(self, bytes: usize) -> Self {
        Self { receive_buffer: Some(bytes), ..self }
    }

    /// As [`send_buffer`](Self::send_buffer), which reads it back, but not cut to `net.core.wmem_max`
    /// (`SO_SNDBUFFORCE`).
    pub fn send_buffer_force(self, bytes: usize) -> Self {
        Self { send_buffer_force: Some(bytes), ..self }
    }

    /// As [`receive_buffer`](Self::receive_buffer), which reads it back, but not cut to
    /// `net.core.rmem_max` (`SO_RCVBUFFORCE`).
    pub fn receive_buffer_force(self, bytes: usize) -> Self {
        Self { receive_buffer_force: Some(bytes), ..self }
    }

    /// At most so many bytes per second leave (`SO_MAX_PACING_RATE`). TCP keeps to it by itself,
    /// UDP where the interface has the `fq` queue, tc-fq(8).
    pub fn max_pacing_rate(self, bytes: u64) -> Self {
        Self { max_pacing_rate: Some(bytes), ..self }
    }

    /// How long poll(2) and its like ask the device's queue before they wait (`SO_BUSY_POLL`). Not to be
    /// confused with this library's own busy polling, which asks the socket.
    pub fn kernel_busy_poll(self, longest: Duration) -> Self {
        Self { kernel_busy_poll: Some(longest), ..self }
    }

    /// Defers the device's interrupts as long as its queue is asked often enough
    /// (`SO_PREFER_BUSY_POLL`, Linux 5.11).
    pub fn prefer_busy_poll(self, on: bool) -> Self {
        Self { prefer_busy_poll: Some(on), ..self }
    }
}

pub(super) static ROWS: &[&dyn Entry] = &[
    row!(
        send_buffer,
        Rules {
            cells: Cells::All,
            elsewhere: "",
            valid: ANY_BYTES,
            expected: BYTES,
            access: Access::Int { level: libc::SOL_SOCKET, name: libc::SO_SNDBUF, int: BUFFER },
            needs: None,
            about: About {
                default: "`net.core.wmem_default`, `net.ipv4.tcp_wmem`",
                source: "socket(7)",
                effect: "`send_buffer_bounds_the_largest_unix_message`"
            },
        }
    ),
    row!(
        receive_buffer,
        Rules {
            cells: Cells::Inet,
            elsewhere: "what is under way counts against the sender, whose send_buffer bounds it",
            valid: ANY_BYTES,
            expected: BYTES,
            access: Access::Int { level: libc::SOL_SOCKET, name: libc::SO_RCVBUF, int: BUFFER },
            needs: None,
            about: About {
                default: "`net.core.rmem_default`, `net.ipv4.tcp_rmem`",
                source: "socket(7)",
                effect: "`receive_buffer_bounds_what_waits_to_be_received`"
            },
        }
    ),
    row!(
        send_buffer_force,
        Rules {
            cells: Cells::All,
            elsewhere: "",
            valid: ANY_BYTES,
            expected: BYTES,
            access: Access::Call {
                set: |socket, bytes| force(socket, libc::SO_SNDBUFFORCE, *bytes),
                get: |_| Ok(None)
            },
            needs: Some("CAP_NET_ADMIN"),
            about: About {
                default: "unset",
                source: "socket(7)",
                effect: "`forced_buffers_exceed_what_the_system_allows`"
            },
        }
    ),
    row!(
        receive_buffer_force,
        Rules {
            cells: Cells::Inet,
            elsewhere: "what is under way counts against the sender, whose send_buffer bounds it",
            valid: ANY_BYTES,
            expected: BYTES,
            access: Access::Call {
                set: |socket, bytes| force(socket, libc::SO_RCVBUFFORCE, *bytes),
                get: |_| Ok(None)
            },
            needs: Some("CAP_NET_ADMIN"),
            about: About {
                default: "unset",
                source: "socket(7)",
                effect: "`forced_buffers_exceed_what_the_system_allows`"
            },
        }
    ),
    row!(
        max_pacing_rate,
        Rules {
            cells: Cells::Inet,
            elsewhere: "nothing is sent by an interface",
            valid: |rate, _| (1..u64::MAX).contains(rate),
            expected: "bytes per second, 1 to 18,446,744,073,709,551,614",
            access: Access::Call {
                set: |socket, rate| {
                    sys::set(socket.as_fd(), libc::SOL_SOCKET, libc::SO_MAX_PACING_RATE, rate)
                },
                get: |socket| {
                    let rate =
                        sys::get(socket.as_fd(), libc::SOL_SOCKET, libc::SO_MAX_PACING_RATE)?;
                    Ok(Some(rate).filter(|rate| *rate != u64::MAX))
                }
            },
            needs: None,
            about: About {
                default: "none",
                source: "socket(7)",
                effect: "`max_pacing_rate_slows_a_sender_down`"
            },
        }
    ),
    row!(
        kernel_busy_poll,
        Rules {
            cells: Cells::Inet,
            elsewhere: "there is no device's queue",
            valid: |time, _| whole(*time, Duration::from_micros(1))
                && time.as_micros() <= i32::MAX as u128,
            expected: "0 to 2,147,483,647 whole microseconds",
            access: Access::Int {
                level: libc::SOL_SOCKET,
                name: libc::SO_BUSY_POLL,
                int: MICROSECONDS
            },
            needs: Some("CAP_NET_ADMIN for more than before"),
            about: About {
                default: "`net.core.busy_read`",
                source: "socket(7)",
                effect: "not seen: it takes a network card whose driver has it"
            },
        }
    ),
    row!(
        prefer_busy_poll,
        Rules {
            cells: Cells::Inet,
            elsewhere: "there is no device's queue",
            valid: ANY_SWITCH,
            expected: SWITCH,
            access: Access::Int {
                level: libc::SOL_SOCKET,
                name: libc::SO_PREFER_BUSY_POLL,
                int: FLAG
            },
            needs: Some("CAP_NET_ADMIN"),
            about: About {
                default: "off",
                source: "socket(7)",
                effect: "not seen: it takes a network card whose driver has it"
            },
        }
    ),
];

/// Linux answers with twice the buffer size that was set, see socket(7).
const BUFFER: Int<usize> = Int {
    to: |bytes| *bytes as i32,
    from: |int| {
        let bytes = usize::try_from(int).ok()?;
        Some(if cfg!(target_os = "linux") { bytes / 2 } else { bytes })
    },
};

const MICROSECONDS: Int<Duration> = Int {
    to: |time| time.as_micros() as i32,
    from: |int| u64::try_from(int).ok().map(Duration::from_micros),
};

fn force(socket: &Socket, name: c_int, bytes: usize) -> io::Result<()> {
    sys::set(socket.as_fd(), libc::SOL_SOCKET, name, &(bytes as c_int))
}
