//! What TCP knows of a connection, at one moment.

use std::time::Duration;

/// A snapshot of a TCP connection: `TCP_INFO`, tcp(7), `linux/tcp.h`.
///
/// Bytes are those of the stream, without headers; segments are what goes into one packet. What
/// the running kernel is too old to tell is `None`. Times have the kernel's own resolution, of
/// 1 µs where they are measured and of a tick of its clock (1 to 10 ms) where they are timers.
///
/// ```
/// use std::net::{TcpListener, TcpStream};
/// use anysock_core::{Cell, Socket, TcpState};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let socket = Socket::open(Cell::IPV4_STREAM)?;
/// assert_eq!(socket.tcp_info()?.state, TcpState::Close);
/// # let _ = socket.connect(&listener.local_addr()?.into());
/// # let accepted = listener.accept()?;
/// # while socket.peer_addr().is_err() {}
/// // .. once it is connected:
/// let info = socket.tcp_info()?;
/// assert_eq!(info.state, TcpState::Established);
/// println!("{:?} there and back, {} bytes in flight", info.rtt, info.unacked * info.snd_mss);
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TcpInfo {
    /// Where the connection stands.
    pub state: TcpState,
    /// How often the oldest segment was sent again without an answer, now.
    pub retransmits: u8,
    /// Probes of a closed window, or of keepalive, that were not answered, now.
    pub probes: u8,
    /// How often the timer was doubled, now.
    pub backoff: u8,
    /// When the oldest segment is sent again.
    pub rto: Duration,
    /// Smoothed round-trip time.
    pub rtt: Duration,
    /// Its mean deviation.
    pub rttvar: Duration,
    /// The least round-trip time of the last minutes; `None` before there was one.
    pub min_rtt: Option<Duration>,
    /// Round-trip time as the receiving side estimates it; 0 if it has not.
    pub rcv_rtt: Duration,
    /// Bytes of a full segment that is sent.
    pub snd_mss: u32,
    /// Bytes of a full segment as the peer seems to send them.
    pub rcv_mss: u32,
    /// Bytes of a full segment that was announced to the peer.
    pub advmss: u32,
    /// What the path carries in one piece, in bytes, headers included.
    pub pmtu: u32,
    /// Congestion window, in segments.
    pub snd_cwnd: u32,
    /// Slow start ends at this window, in segments.
    pub snd_ssthresh: u32,
    /// Segments under way: sent, and not acknowledged.
    pub unacked: u32,
    /// Of these, segments that the peer has, behind a gap.
    pub sacked: u32,
    /// Of these, segments that are held to be lost.
    pub lost: u32,
    /// Of these, segments that were sent again.
    pub retrans: u32,
    /// Segments that were ever sent again.
    pub total_retrans: u32,
    /// How many segments out of order are not yet a loss.
    pub reordering: u32,
    /// Since data was sent last.
    pub last_data_sent: Duration,
    /// Since data came last.
    pub last_data_recv: Duration,
    /// Since an acknowledgement came last.
    pub last_ack_recv: Duration,
    /// The window that is announced to the peer grows up to here at first, in bytes.
    pub rcv_ssthresh: u32,
    /// Bytes that the application took within the last round trip.
    pub rcv_space: u32,
    /// Bytes a second at which segments are spaced out; `None` if they are not.
    pub pacing_rate: Option<u64>,
    /// No faster than this was asked for, in bytes a second; `None` if nothing was.
    pub max_pacing_rate: Option<u64>,
    /// Bytes that the peer has acknowledged. Linux 4.1.
    pub bytes_acked: Option<u64>,
    /// Bytes that came, and were acknowledged. Linux 4.1.
    pub bytes_received: Option<u64>,
    /// Segments sent. Linux 4.2.
    pub segs_out: Option<u32>,
    /// Segments that came. Linux 4.2.
    pub segs_in: Option<u32>,
    /// Bytes that wait here to be sent for the first time. Linux 4.6.
    pub notsent_bytes: Option<u32>,
    /// Segments with data that came. Linux 4.6.
    pub data_segs_in: Option<u32>,
    /// Segments with data that were sent. Linux 4.6.
    pub data_segs_out: Option<u32>,
    /// Bytes a second that were delivered lately. Linux 4.9.
    pub delivery_rate: Option<u64>,
    /// Whether that is what the application had to send, and not what the path takes. Linux 4.9.
    pub delivery_rate_app_limited: bool,
    /// How long there was something to send or to be acknowledged. Linux 4.10.
    pub busy_time: Option<Duration>,
    /// Of that, how long the peer's window was full. Linux 4.10.
    pub rwnd_limited: Option<Duration>,
    /// Of that, how long the send buffer was too small. Linux 4.10.
    pub sndbuf_limited: Option<Duration>,
    /// Segments with data that were delivered, doubles included. Linux 4.18.
    pub delivered: Option<u32>,
    /// Of these, segments that met congestion (ECN). Linux 4.18.
    pub delivered_ce: Option<u32>,
    /// Bytes sent, those that were sent again included. Linux 4.19.
    pub bytes_sent: Option<u64>,
    /// Bytes sent again. Linux 4.19.
    pub bytes_retrans: Option<u64>,
    /// Doubles that the peer reported. Linux 4.19.
    pub dsack_dups: Option<u32>,
    /// How often something was seen out of order. Linux 4.19.
    pub reord_seen: Option<u32>,
    /// Segments that came out of order. Linux 5.4.
    pub rcv_ooopack: Option<u32>,
    /// The window that the peer announces, in bytes. Linux 5.4.
    pub snd_wnd: Option<u32>,
    /// The window that is announced to the peer, in bytes. Linux 6.2.
    pub rcv_wnd: Option<u32>,
}

/// Where a TCP connection stands: RFC 9293, section 3.3.2.
///
/// ```
/// use anysock_core::TcpState;
/// assert!(TcpState::CloseWait.peer_has_ended());
/// assert!(!TcpState::FinWait2.peer_has_ended());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TcpState {
    /// Open in both directions.
    Established,
    /// Connecting.
    SynSent,
    /// Being connected to.
    SynReceived,
    /// This side has ended; the peer has not acknowledged it.
    FinWait1,
    /// This side has ended, and the peer knows.
    FinWait2,
    /// Both sides have ended; late segments are waited for.
    TimeWait,
    /// Not connected, never or no longer.
    #[default]
    Close,
    /// The peer has ended: it sends no more.
    CloseWait,
    /// Both sides have ended, the peer first; it has not acknowledged it.
    LastAck,
    /// Listening.
    Listen,
    /// Both sides have ended at once.
    Closing,
    /// One that this library does not know, by its number in the kernel.
    Other(u8),
}

impl TcpState {
    /// Whether the peer's end has come, or the connection is no more.
    pub fn peer_has_ended(self) -> bool {
        use TcpState as S;
        matches!(self, S::TimeWait | S::Close | S::CloseWait | S::LastAck | S::Closing)
    }

    fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Established,
            2 => Self::SynSent,
            // The last one is that of a request that has not become a socket yet.
            3 | 12 => Self::SynReceived,
            4 => Self::FinWait1,
            5 => Self::FinWait2,
            6 => Self::TimeWait,
            7 => Self::Close,
            8 => Self::CloseWait,
            9 => Self::LastAck,
            10 => Self::Listen,
            11 => Self::Closing,
            other => Self::Other(other),
        }
    }
}

impl TcpInfo {
    /// As much of the structure as is read, in bytes.
    pub(crate) const LENGTH: usize = 236;

    /// The structure of which the kernel has written so much.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let told = Told(bytes);
        let rate = |at| told.long(at).filter(|rate| *rate != u64::MAX);
        Self {
            state: TcpState::from_number(told.byte(0)),
            retransmits: told.byte(2),
            probes: told.byte(3),
            backoff: told.byte(4),
            delivery_rate_app_limited: told.bit_field(7),
            rto: told.micros(8),
            snd_mss: told.number(16),
            rcv_mss: told.number(20),
            unacked: told.number(24),
            sacked: told.number(28),
            lost: told.number(32),
            retrans: told.number(36),
            last_data_sent: told.millis(44),
            last_data_recv: told.millis(52),
            last_ack_recv: told.millis(56),
            pmtu: told.number(60),
            rcv_ssthresh: told.number(64),
            rtt: told.micros(68),
            rttvar: told.micros(72),
            snd_ssthresh: told.number(76),
            snd_cwnd: told.number(80),
            advmss: told.number(84),
            reordering: told.number(88),
            rcv_rtt: told.micros(92),
            rcv_space: told.number(96),
            total_retrans: told.number(100),
            pacing_rate: rate(104),
            max_pacing_rate: rate(112),
            bytes_acked: told.long(120),
            bytes_received: told.long(128),
            segs_out: told.word(136),
            segs_in: told.word(140),
            notsent_bytes: told.word(144),
            min_rtt: told
                .word(148)
                .filter(|micros| *micros != u32::MAX)
                .map(|micros| Duration::from_micros(micros.into())),
            data_segs_in: told.word(152),
            data_segs_out: told.word(156),
            delivery_rate: told.long(160),
            busy_time: told.long(168).map(Duration::from_micros),
            rwnd_limited: told.long(176).map(Duration::from_micros),
            sndbuf_limited: told.long(184).map(Duration::from_micros),
            delivered: told.word(192),
            delivered_ce: told.word(196),
            bytes_sent: told.long(200),
            bytes_retrans: told.long(208),
            dsack_dups: told.word(216),
            reord_seen: told.word(220),
            rcv_ooopack: told.word(224),
            snd_wnd: told.word(228),
            rcv_wnd: told.word(232),
        }
    }
}

/// The structure's bytes; places are those of `linux/tcp.h`, the same on every machine.
struct Told<'a>(&'a [u8]);

impl Told<'_> {
    fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..at + N)?.try_into().ok()
    }

    fn byte(&self, at: usize) -> u8 {
        self.0.get(at).copied().unwrap_or(0)
    }

    /// The first of the bit fields that share a byte: which end of it that is, is the machine's.
    fn bit_field(&self, at: usize) -> bool {
        let first = if cfg!(target_endian = "little") { 0x01 } else { 0x80 };
        self.byte(at) & first != 0
    }

    fn word(&self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_ne_bytes)
    }

    fn long(&self, at: usize) -> Option<u64> {
        self.array(at).map(u64::from_ne_bytes)
    }

    /// One that every kernel tells.
    fn number(&self, at: usize) -> u32 {
        self.word(at).unwrap_or(0)
    }

    fn micros(&self, at: usize) -> Duration {
        Duration::from_micros(self.number(at).into())
    }

    fn millis(&self, at: usize) -> Duration {
        Duration::from_millis(self.number(at).into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;

    use super::*;
    use crate::{Cell, Socket, Type, sys};

    const PAIRS: [&str; 2] = ["127.0.0.1:0", "[::1]:0"];

    fn info(stream: &TcpStream) -> TcpInfo {
        let mut bytes = [0; TcpInfo::LENGTH];
        let length =
            sys::get_bytes(stream.as_fd(), libc::IPPROTO_TCP, libc::TCP_INFO, &mut bytes).unwrap();
        TcpInfo::parse(&bytes[..length])
    }

    fn pair(at: &str) -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind(at).unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (near, listener.accept().unwrap().0)
    }

    #[test]
    fn counts_are_those_of_what_was_sent_and_received() {
        for at in PAIRS {
            let (mut near, mut far) = pair(at);
            near.write_all(&[7; 3_000]).unwrap();
            far.read_exact(&mut [0; 3_000]).unwrap();
            far.write_all(&[7; 200]).unwrap();
            near.read_exact(&mut [0; 200]).unwrap();
            let info = info(&near);
            assert_eq!(info.state, TcpState::Established);
            // One of the handshake's counts as well.
            assert_eq!(info.bytes_acked, Some(3_001));
            assert_eq!((info.bytes_sent, info.bytes_received), (Some(3_000), Some(200)));
            assert_eq!((info.bytes_retrans, info.total_retrans, info.lost), (Some(0), 0, 0));
            assert_eq!((info.notsent_bytes, info.unacked), (Some(0), 0));
            assert!(info.data_segs_out.unwrap() >= 1 && info.data_segs_in == Some(1));
            assert!(info.segs_out >= info.data_segs_out && info.segs_in >= info.data_segs_in);
            // Loopback's, unless somebody has changed it.
            assert!(info.pmtu >= 1_280 && info.snd_mss > 500 && info.snd_cwnd >= 2, "{info:?}");
            let limit = Duration::from_secs(5);
            assert!(Duration::ZERO < info.rtt && info.rtt < limit, "{info:?}");
            assert!(info.min_rtt.unwrap() <= info.rtt * 8, "{info:?}");
            assert!(info.rto >= Duration::from_millis(1), "{info:?}");
            assert!(info.busy_time.unwrap() < limit && info.last_data_sent < limit, "{info:?}");
            assert!(info.delivery_rate.unwrap() > 0 && info.pacing_rate.unwrap() > 0);
            assert!(info.snd_wnd.unwrap() > 0);
        }
    }

    #[test]
    fn a_peer_that_does_not_read_shows_in_what_is_not_sent_and_in_what_limits_it() {
        for at in PAIRS {
            let (mut near, _far) = pair(at);
            near.set_nonblocking(true).unwrap();
            let mut sent = 0;
            while let Ok(more) = near.write(&[7; 65_536]) {
                sent += more as u64;
            }
            let info = info(&near);
            let waiting = u64::from(info.notsent_bytes.unwrap());
            assert!(0 < waiting && waiting < sent, "{info:?}");
            assert!(info.bytes_acked.unwrap() <= sent + 1 - waiting, "{info:?}");
        }
    }

    #[test]
    fn states_follow_the_ends_of_both_sides() {
        for at in PAIRS {
            let (near, far) = pair(at);
            far.shutdown(std::net::Shutdown::Write).unwrap();
            let mut byte = [0];
            assert_eq!((&near).read(&mut byte).unwrap(), 0);
            assert_eq!(info(&near).state, TcpState::CloseWait);
            assert!(matches!(info(&far).state, TcpState::FinWait1 | TcpState::FinWait2));
            assert!(info(&near).state.peer_has_ended());
            assert!(!info(&far).state.peer_has_ended());
        }
    }

    #[test]
    fn an_older_kernel_tells_less_which_is_said() {
        let told: Vec<u8> = (0..TcpInfo::LENGTH).map(|place| place as u8).collect();
        let old = TcpInfo::parse(&told[..104]);
        assert_eq!((old.pacing_rate, old.bytes_acked, old.min_rtt), (None, None, None));
        assert_eq!(old.total_retrans, u32::from_ne_bytes([100, 101, 102, 103]));
        let new = TcpInfo::parse(&told);
        let place = |at: u8| u32::from_ne_bytes([at, at + 1, at + 2, at + 3]);
        assert_eq!((new.rcv_wnd, new.snd_wnd), (Some(place(232)), Some(place(228))));
        assert_eq!(new.rtt, Duration::from_micros(place(68).into()));
        assert_eq!(
            TcpInfo::parse(&[]),
            TcpInfo { state: TcpState::Other(0), ..TcpInfo::default() }
        );
    }

    #[test]
    fn sockets_of_other_cells_have_none_which_a_typed_error_says() {
        let (a, _b) = Socket::pair(Type::Stream).unwrap();
        let udp = Socket::open(Cell::IPV4_DATAGRAM).unwrap();
        for socket in [a, udp] {
            let error = socket.tcp_info().unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
            assert!(error.to_string().contains(&socket.cell().to_string()));
        }
    }
}
