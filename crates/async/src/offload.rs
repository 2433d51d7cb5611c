//! UDP segmentation: a run of equal datagrams to one peer by one system call, cut by the kernel.

use std::io::{self, IoSlice};

use anysock_core::{Domain, Outbox, Outgoing, Socket};

/// At most so many datagrams in one run (`UDP_MAX_SEGMENTS`); more measured no faster.
const MOST: usize = 128;

/// As many as older kernels take, before Linux 6.9.
const FEWER: usize = 64;

/// What one call takes at most, in bytes; the same over IPv6.
const BYTES: usize = 65_507;

/// In so many pieces at most.
const SLICES: usize = 64;

/// How a socket's runs are left to the kernel.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Segmentation {
    /// How many datagrams a run may have; 0 once the kernel or the device has refused.
    most: usize,
    /// What one datagram may carry so that the path takes it without fragments; 0 where that
    /// is not known.
    carries: usize,
}

impl Default for Segmentation {
    fn default() -> Self {
        Self { most: MOST, carries: 0 }
    }
}

impl Segmentation {
    /// Sends the run of equal datagrams at the front of `outbox`, if it is worth it: how many
    /// were sent, or `None` if they are to be sent singly.
    ///
    /// # Errors
    ///
    /// Those of sendmsg(2) that do not speak of segmentation.
    pub(crate) fn send(
        &mut self,
        socket: &Socket,
        outbox: &Outbox,
        with: &Outgoing<'_>,
    ) -> io::Result<Option<usize>> {
        if self.most == 0 || outbox.len() < 2 || !socket.cell().domain.is_inet() {
            return Ok(None);
        }
        let attached = outbox.attached();
        let with = attached.map_or(*with, |attached| with.with_attached(attached));
        loop {
            let (count, size) = outbox.equal(self.most, BYTES);
            if count < 2 || !self.is_carried(socket, size) {
                return Ok(None);
            }
            let mut with = with;
            with.segment = u16::try_from(size).ok();
            match send(socket, outbox, count, &with) {
                Ok(count) => return Ok(Some(count)),
                // The path takes less than was thought: fragments are left to the kernel.
                Err(error) if error.raw_os_error() == Some(libc::EMSGSIZE) => {
                    self.carries = 0;
                    return Ok(None);
                }
                // What is attached may be at fault, of which the single one is told.
                Err(error) if is_refusal(&error) && attached.is_some() => return Ok(None),
                Err(error) if is_refusal(&error) && count > FEWER => self.most = FEWER,
                Err(error) if is_refusal(&error) => {
                    tracing::debug!(cell = %socket.cell(), %error, "no segmentation offload here");
                    self.most = 0;
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the path takes datagrams of `size` bytes without fragments. One that was found
    /// to take less is asked anew, and so is one that may take more.
    fn is_carried(&mut self, socket: &Socket, size: usize) -> bool {
        if size > self.carries {
            self.carries = payload_limit(socket);
        }
        size <= self.carries
    }
}

/// The first `count` datagrams by one call, or fewer if they lie in too many pieces.
fn send(
    socket: &Socket,
    outbox: &Outbox,
    mut count: usize,
    with: &Outgoing<'_>,
) -> io::Result<usize> {
    let mut slices = [IoSlice::new(&[]); SLICES];
    let mut filled = 0;
    let mut pieces = outbox.slices(count);
    for (slice, piece) in slices.iter_mut().zip(&mut pieces) {
        *slice = IoSlice::new(piece);
        filled += 1;
    }
    if pieces.next().is_some() {
        // Each piece has one datagram at least.
        count = SLICES;
        return send(socket, outbox, count, with);
    }
    socket.send_message(&slices[..filled], with).map(|_| count)
}

/// What one datagram may carry so that the path takes it without fragments; a segment beyond
/// that is refused by the kernel where a plain datagram is fragmented. Of a socket with many
/// peers the paths are not known: Ethernet's is assumed.
fn payload_limit(socket: &Socket) -> usize {
    let headers = match socket.cell().domain {
        Domain::Ipv6 => 40 + 8,
        _ => 20 + 8,
    };
    socket.path_mtu().unwrap_or(1_500).saturating_sub(headers)
}

/// What kernels and devices say that cannot cut: also after having accepted runs before.
fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EIO | libc::EINVAL | libc::ENOPROTOOPT | libc::EOPNOTSUPP)
    )
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use anysock_core::{Attached, Cell, Type};

    use super::*;

    fn pair() -> (Socket, Socket) {
        let [a, b] = [(); 2].map(|()| {
            let socket = Socket::open(Cell::new(Domain::Ipv4, Type::Datagram)).unwrap();
            socket.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
            socket
        });
        a.connect(&b.local_addr().unwrap()).unwrap();
        (a, b)
    }

    fn outbox(size: usize, count: usize) -> Outbox {
        let mut outbox = Outbox::new();
        (0..count).for_each(|_| outbox.push_copy(&vec![1; size]));
        outbox
    }

    /// Sends by runs alone; how many datagrams each took.
    fn runs(segmentation: &mut Segmentation, socket: &Socket, mut outbox: Outbox) -> Vec<usize> {
        let mut runs = Vec::new();
        let with = Outgoing::default();
        while let Some(sent) = segmentation.send(socket, &outbox, &with).unwrap() {
            outbox.pop(sent);
            runs.push(sent);
        }
        runs
    }

    #[test]
    fn a_run_has_as_many_datagrams_as_the_kernel_takes_by_one_call() {
        let (a, _b) = pair();
        let mut segmentation = Segmentation::default();
        let sent = runs(&mut segmentation, &a, outbox(10, 300));
        assert!(sent[0] == segmentation.most && segmentation.most >= FEWER, "{sent:?}");
        assert_eq!(runs(&mut segmentation, &a, outbox(1_200, 60)), [54, 6]);
    }

    #[test]
    fn a_kernel_that_takes_fewer_is_offered_fewer_before_none() {
        let (a, _b) = pair();
        let mut segmentation = Segmentation { most: 1_000, carries: 0 };
        assert_eq!(runs(&mut segmentation, &a, outbox(10, 150)), [64, 64, 22]);
        assert_eq!(segmentation.most, FEWER);
    }

    #[test]
    fn a_run_stays_within_what_the_path_and_one_call_take() {
        let (a, b) = pair();
        assert_eq!(runs(&mut Segmentation::default(), &a, outbox(10_000, 13)), [6, 6]);
        // Of a socket with many peers the paths are not known.
        let socket = Socket::open(Cell::new(Domain::Ipv4, Type::Datagram)).unwrap();
        let to = b.local_addr().unwrap();
        let send = |size| {
            let with = Outgoing::to(&to);
            Segmentation::default().send(&socket, &outbox(size, 3), &with).unwrap()
        };
        assert_eq!((send(1_473), send(1_472)), (None, Some(3)));
    }

    #[test]
    fn a_path_that_takes_less_than_before_is_asked_anew() {
        let (a, _b) = pair();
        let mut segmentation = Segmentation { carries: 60_000, ..Segmentation::default() };
        let mtu = a.path_mtu().unwrap();
        assert!(segmentation.is_carried(&a, mtu - 28));
        segmentation.carries = 0;
        assert!(segmentation.is_carried(&a, mtu - 28) && !segmentation.is_carried(&a, mtu - 27));
        assert_eq!(segmentation.carries, mtu - 28);
    }

    #[test]
    fn an_address_that_is_not_this_hosts_does_not_end_segmentation() {
        for (any, foreign) in [("127.0.0.1:0", "192.0.2.1"), ("[::1]:0", "2001:db8::1")] {
            let any: SocketAddr = any.parse().unwrap();
            let domain = if any.is_ipv4() { Domain::Ipv4 } else { Domain::Ipv6 };
            let socket = Socket::open(Cell::new(domain, Type::Datagram)).unwrap();
            socket.bind(&any.into()).unwrap();
            socket.connect(&socket.local_addr().unwrap()).unwrap();
            let mut segmentation = Segmentation::default();
            let mut lost = Outbox::new();
            for _ in 0..2 {
                let attached = Attached::nothing().source(foreign.parse().unwrap());
                lost.push_attached(b"lost", attached);
            }
            let with = Outgoing::default();
            assert!(!matches!(segmentation.send(&socket, &lost, &with), Ok(Some(_))));
            assert_eq!(runs(&mut segmentation, &socket, outbox(10, 3)), [3], "{any}");
        }
    }

    #[test]
    fn single_and_empty_datagrams_are_no_run() {
        let (a, _b) = pair();
        for (size, count) in [(9, 1), (0, 5)] {
            assert_eq!(runs(&mut Segmentation::default(), &a, outbox(size, count)), []);
        }
    }

    #[test]
    fn datagrams_in_many_pieces_are_several_runs() {
        let (a, _b) = pair();
        let mut outbox = Outbox::new();
        (0..100).for_each(|_| outbox.push(vec![1; 100].into()));
        assert_eq!(runs(&mut Segmentation::default(), &a, outbox), [64, 36]);
    }
}
