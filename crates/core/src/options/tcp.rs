//! How TCP begins, goes on and ends a connection.

use std::time::Duration;

use super::row::{
    ANY_SWITCH, About, Access, BYTES, Cells, Entry, FLAG, Int, NUMBER, OCTET, ONE_OR_MORE, Rules,
    SWITCH, row,
};
use super::{Keepalive, Options, whole};
use crate::sys::{self, Call};

impl Options {
    /// Sends small segments at once, instead of waiting for an answer to earlier ones
    /// (`TCP_NODELAY`).
    pub fn nodelay(self, on: bool) -> Self {
        Self { nodelay: Some(on), ..self }
    }

    /// Probes a peer that has been silent (`SO_KEEPALIVE`).
    pub fn keepalive(self, keepalive: Keepalive) -> Self {
        Self { keepalive: Some(keepalive), ..self }
    }

    /// What close(2) does with bytes that are not yet sent (`SO_LINGER`).
    ///
    /// Zero throws them away and resets the connection. Longer, close(2) waits for them, **and
    /// blocks the thread that drops the socket**, non-blocking or not.
    pub fn linger(self, time: Duration) -> Self {
        Self { linger: Some(time), ..self }
    }

    /// How long sent bytes may stay unacknowledged before the connection is broken with `ETIMEDOUT`
    /// (`TCP_USER_TIMEOUT`); it overrules the count of [`keepalive`](Self::keepalive).
    pub fn user_timeout(self, time: Duration) -> Self {
        Self { user_timeout: Some(time), ..self }
    }

    /// The algorithm of congestion control, by name: `cubic`, `bbr`, `reno`. Those of
    /// `net.ipv4.tcp_allowed_congestion_control` are free to all; a listener hands it on
    /// (`TCP_CONGESTION`).
    pub fn congestion_control(self, algorithm: impl Into<String>) -> Self {
        Self { congestion_control: Some(algorithm.into()), ..self }
    }

    /// A connection is accepted once its client has sent something, or after about this time
    /// (`TCP_DEFER_ACCEPT`).
    ///
    /// The kernel rounds it up to a number of retransmissions: 1, 3, 7, 15, 31, 63 seconds and so on, and
    /// reads back that.
    pub fn defer_accept(self, longest: Duration) -> Self {
        Self { defer_accept: Some(longest), ..self }
    }

    /// Takes bytes that come with a client's first packet, from at most so many clients at a time that
    /// have not shown yet that they receive (`TCP_FASTOPEN`, RFC 7413). Such bytes may come twice.
    /// `net.ipv4.tcp_fastopen` must allow it (2).
    ///
    /// The kernel cuts it to `net.core.somaxconn` in silence.
    pub fn fast_open(self, pending: u32) -> Self {
        Self { fast_open: Some(pending), ..self }
    }

    /// Connecting returns at once, where a cookie of the server is known, and the first bytes go with the
    /// first packet (`TCP_FASTOPEN_CONNECT`). `net.ipv4.tcp_fastopen` must allow it (1).
    ///
    /// That the server does not answer is then told by what is sent or received first.
    pub fn fast_open_connect(self, on: bool) -> Self {
        Self { fast_open_connect: Some(on), ..self }
    }

    /// Acknowledges at once (`TCP_QUICKACK`), or lets acknowledgements wait for something to go with.
    /// It does not last: the kernel changes its mind as the conversation goes on.
    pub fn quick_ack(self, on: bool) -> Self {
        Self { quick_ack: Some(on), ..self }
    }

    /// More is taken only while fewer bytes than this wait to be sent for the first time
    /// (`TCP_NOTSENT_LOWAT`): what is fed late can then still be changed or dropped by its sender.
    pub fn not_sent_low_water(self, bytes: u32) -> Self {
        Self { not_sent_low_water: Some(bytes), ..self }
    }

    /// The longest segment, in bytes without headers, in either direction (`TCP_MAXSEG`); the path may ask
    /// for shorter ones. A connected socket reads back the one in use; 536, which is what any other has,
    /// is read back as unset.
    pub fn max_segment(self, bytes: u32) -> Self {
        Self { max_segment: Some(bytes), ..self }
    }

    /// How often connecting is tried again before it fails with `ETIMEDOUT`: after 1 second, then twice
    /// that, and so on (`TCP_SYNCNT`).
    pub fn syn_retries(self, retries: u8) -> Self {
        Self { syn_retries: Some(retries), ..self }
    }

    /// How long a closed connection waits for its peer to close as well (`TCP_LINGER2`).
    pub fn fin_timeout(self, time: Duration) -> Self {
        Self { fin_timeout: Some(time), ..self }
    }

    /// A connection with fewer than four packets under way repeats them at equal times, up to six
    /// times, instead of ever rarer (`TCP_THIN_LINEAR_TIMEOUTS`). Not with `bbr`.
    pub fn thin_linear_timeouts(self, on: bool) -> Self {
        Self { thin_linear_timeouts: Some(on), ..self }
    }

    /// The longest time between two repetitions of what was not acknowledged
    /// (`TCP_RTO_MAX_MS`, Linux 6.15).
    pub fn longest_retransmission(self, time: Duration) -> Self {
        Self { longest_retransmission: Some(time), ..self }
    }
}

pub(super) static ROWS: &[&dyn Entry] = &[
    row!(
        nodelay,
        Rules {
            cells: Cells::Tcp,
            elsewhere: "only TCP holds back small segments",
            valid: ANY_SWITCH,
            expected: SWITCH,
            access: Access::Int { level: libc::IPPROTO_TCP, name: libc::TCP_NODELAY, int: FLAG },
            needs: None,
            about: About {
                default: "off",
                source: "tcp(7)",
                effect: "`nodelay_sends_small_segments_before_earlier_ones_are_answered`"
            },
        }
    ),
    row!(
        keepalive,
        Rules {
            cells: Cells::Tcp,
            elsewhere: "only TCP probes a silent peer",
            valid: |keepalive, _| keepalive.is_valid(),
            expected: "times of 1 to 32,767 whole seconds, a count of 1 to 127",
            access: Access::Call { set: |socket, all| all.set(socket), get: Keepalive::get },
            needs: None,
            about: About {
                default: "off",
                source: "tcp(7)",
                effect: "`keepalive_breaks_a_connection_whose_peer_is_gone`"
            },
        }
    ),
    row!(
        linger,
        Rules {
            cells: Cells::TcpAndSctp,
            elsewhere: "closing leaves nothing behind that could be waited for",
            valid: |time, _| whole(*time, SECOND) && time.as_secs() <= i32::MAX as u64,
            expected: "0 to 2,147,483,647 whole seconds",
            access: Access::Call {
                set: |socket, time| {
                    socket.settled(Call::SetOption, |socket| socket.set_linger(Some(*time)))
                },
                get: |socket| socket.settled(Call::GetOption, socket2::Socket::linger)
            },
            needs: None,
            about: About {
                default: "off",
                source: "socket(7)",
                effect: "`linger_of_zero_resets_the_connection`"
            },
        }
    ),
    row!(
        user_timeout,
        Rules {
            cells: Cells::Tcp,
            elsewhere: "only TCP waits for bytes to be acknowledged",
            valid: |time, _| whole(*time, MILLISECOND)
                && (1..=i32::MAX as u128).contains(&time.as_millis()),
            expected: "1 to 2,147,483,647 whole milliseconds",
            access: Access::Int {
                level: libc::IPPROTO_TCP,
                name: libc::TCP_USER_TIMEOUT,
                int: MILLISECONDS
            },
            needs: None,
            about: About {
                default: "by `net.ipv4.tcp_retries2`, 15 minutes and more",
                source: "tcp(7), RFC 5482",
                effect: "`user_timeout_breaks_a_connection_that_is_not_acknowledged`"
            },
        }
    ),
    row!(
        congestion_control,
        Rules {
            cells: Cells::Tcp,
            elsewhere: "only TCP controls congestion",
            valid: |name, _| (1..=15).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_graphic()),
            expected: "name, 1 to 15 printable ASCII characters",
            access: Access::Call {
                set: |socket, name| {
                    let name = name.as_bytes();
                    socket.settled(Call::SetOption, |socket| socket.set_tcp_congestion(name))
                },
                get: |socket| {
                    let name = socket.settled(Call::GetOption, socket2::Socket::tcp_congestion)?;
                    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
                    Ok(Some(String::from_utf8_lossy(&name[..end]).into_owned()))
                }
            },
            needs: Some("CAP_NET_ADMIN for one that is not allowed to all"),
            about: About {
                default: "`net.ipv4.tcp_congestion_control`",
                source: "tcp(7)",
                effect: "`congestion_control_is_what_accepted_connections_use`"
            },
        }
    ),
    row!(
        defer_accept,
        Rules {
            cells: Cells::Tcp,
            elsewhere: "only TCP opens a connection before the first byte",
            valid: |time, _| whole(*time, SECOND) && (1..=16_384).contains(&time.as_secs()),
            expected: "1 to 16,384 whole seconds",
            access: Access::Int {
                level: libc::IPPROTO_TCP,
                name: libc::TCP_DEFER_ACCEPT,
                int: SECONDS
            },
            needs: None,
            about: About {
                default: "off",
                source: "tcp(7)",
                effect: "`defer_accept_holds_back_who_has_sent_nothing`"
            },
        }
    ),
    row!(
        fast_open,
        until Connected,
        Rules {
            cells: Cells::Tcp,
            elsewhere: "only TCP opens a connection before the first byte",
            valid: ONE_OR_MORE,
            expected: "connections, 1 to 2,147,483,647",
            access: Access::Int { level: libc::IPPROTO_TCP, name: libc::TCP_FASTOPEN, int: NUMBER },
            needs: None,
            about: About {
                default: "off",
                source: "tcp(7)",
                effect: "`fast_open_carries_the_first_bytes_in_the_first_packet`"
            },
        }
    ),
    row!(
        fast_open_connect,
        until Opened,
        Rules {
            cells: Cells::Tcp,
            elsewhere: "only TCP opens a connection before the first byte",
            valid: ANY_SWITCH,
            expected: SWITCH,
            access: Access::Int {
                level: libc::IPPROTO_TCP,
                name: libc::TCP_FASTOPEN_CONNECT,
                int: FLAG
            },
            needs: None,
            about: About {
                default: "off",
                source: "tcp(7)",
                effect: "`fast_open_carries_the_first_bytes_in_the_first_packet`"
            },
        }
    ),
    row!(
        quick_ack,
        Rules {
            cells: Cells::Tcp,
            elsewhere: "only TCP acknowledges",
            valid: ANY_SWITCH,
            expected: SWITCH,
            access: Access::Int { level: libc::IPPROTO_TCP, name: libc::TCP_QUICKACK, int: FLAG },
            needs: None,
            about: About {
                default: "on at first",
                source: "tcp(7)",
                effect: "`quick_ack_off_lets_acknowledgements_wait`"
            },
        }
    ),
    row!(
        not_sent_low_water,
        Rules {
            cells: Cells::Tcp,
            elsewhere: "only TCP tells what is sent from what is acknowledged",
            valid: ONE_OR_MORE,
            expected: BYTES,
            access: Access::Int {
                level: libc::IPPROTO_TCP,
                name: libc::TCP_NOTSENT_LOWAT,
                int: NUMBER
            },
            needs: None,
            about: About {
                default: "`net.ipv4.tcp_notsent_lowat`",
                source: "tcp(7)",
                effect: "`not_sent_low_water_keeps_the_queue_of_the_unsent_short`"
            },
        }
    ),
    row!(
        max_segment,
        until Connected,
        Rules {
            cells: Cells::Tcp,
            elsewhere: "only TCP has segments",
            valid: |bytes, _| (88..=32_767).contains(bytes),
            expected: "bytes, 88 to 32,767",
            access: Access::Int { level: libc::IPPROTO_TCP, name: libc::TCP_MAXSEG, int: SEGMENT },
            needs: None,
            about: About {
                default: "by the path's MTU",
                source: "tcp(7)",
                effect: "`max_segment_bounds_the_segments_of_the_peer`"
            },
        }
    ),
    row!(
        syn_retries,
        until Connected,
        Rules {
            cells: Cells::Tcp,
            elsewhere: "connecting needs no answer from afar",
            valid: |retries, _| (1..=127).contains(retries),
            expected: "times, 1 to 127",
            access: Access::Int { level: libc::IPPROTO_TCP, name: libc::TCP_SYNCNT, int: OCTET },
            needs: None,
            about: About {
                default: "`net.ipv4.tcp_syn_retries`",
                source: "tcp(7)",
                effect: "`syn_retries_bound_how_long_connecting_takes`"
            },
        }
    ),
    row!(
        fin_timeout,
        Rules {
            cells: Cells::Tcp,
            elsewhere: "a closed socket is gone",
            valid: |time, _| whole(*time, SECOND) && (1..=120).contains(&time.as_secs()),
            expected: "1 to 120 whole seconds",
            access: Access::Int { level: libc::IPPROTO_TCP, name: libc::TCP_LINGER2, int: SECONDS },
            needs: None,
            about: About {
                default: "`net.ipv4.tcp_fin_timeout`",
                source: "tcp(7)",
                effect: "`fin_timeout_bounds_how_long_a_half_closed_connection_is_kept`"
            },
        }
    ),
    row!(
        thin_linear_timeouts,
        Rules {
            cells: Cells::Tcp,
            elsewhere: "only TCP repeats what is lost",
            valid: ANY_SWITCH,
            expected: SWITCH,
            access: Access::Int {
                level: libc::IPPROTO_TCP,
                name: libc::TCP_THIN_LINEAR_TIMEOUTS,
                int: FLAG
            },
            needs: None,
            about: About {
                default: "`net.ipv4.tcp_thin_linear_timeouts`",
                source: "the kernel's tcp-thin",
                effect: "`thin_linear_timeouts_repeat_at_equal_times`"
            },
        }
    ),
    row!(
        longest_retransmission,
        Rules {
            cells: Cells::Tcp,
            elsewhere: "only TCP repeats what is lost",
            valid: |time, _| whole(*time, MILLISECOND)
                && (1_000..=120_000).contains(&time.as_millis()),
            expected: "1,000 to 120,000 whole milliseconds",
            access: Access::Int {
                level: libc::IPPROTO_TCP,
                name: sys::TCP_RTO_MAX_MS,
                int: MILLISECONDS
            },
            needs: None,
            about: About {
                default: "`net.ipv4.tcp_rto_max_ms`",
                source: "the kernel's ip-sysctl",
                effect: "`longest_retransmission_bounds_the_pauses`"
            },
        }
    ),
];

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);

/// 0 and less for off.
const SECONDS: Int<Duration> = Int {
    to: |time| time.as_secs() as i32,
    from: |int| u64::try_from(int).ok().filter(|int| *int != 0).map(Duration::from_secs),
};

/// 0 for off.
const MILLISECONDS: Int<Duration> = Int {
    to: |time| time.as_millis() as i32,
    from: |int| u64::try_from(int).ok().filter(|int| *int != 0).map(Duration::from_millis),
};

/// 536 is what a socket tells of which nothing was asked (RFC 9293); to set it would be to ask.
const SEGMENT: Int<u32> = Int {
    to: |bytes| *bytes as i32,
    from: |int| u32::try_from(int).ok().filter(|bytes| *bytes != 536),
};
