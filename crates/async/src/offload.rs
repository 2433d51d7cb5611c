//! UDP segmentation: a run of equal datagrams to one peer by one system call, cut by the kernel.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use anysock_core::{Domain, Outgoing, Socket};
use bytes::Bytes;

/// At most so many datagrams in one run (`UDP_MAX_SEGMENTS` of older kernels).
const MOST: usize = 64;

/// Whether a socket's runs can be left to the kernel.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Segmentation {
    /// Not refused so far.
    #[default]
    Offered,
    /// The kernel or the device has refused.
    Refused,
}

impl Segmentation {
    /// Sends the run of equal datagrams at the front of `messages`, if it is worth it: how many
    /// were sent, or `None` if they are to be sent singly.
    ///
    /// # Errors
    ///
    /// Those of sendmsg(2) that do not speak of segmentation.
    pub(crate) fn send(
        &mut self,
        socket: &Socket,
        messages: &VecDeque<Bytes>,
        with: &Outgoing<'_>,
    ) -> io::Result<Option<usize>> {
        if *self == Self::Refused || messages.len() < 2 || !socket.cell().domain.is_inet() {
            return Ok(None);
        }
        let (count, size) = run(messages, payload_limit(socket));
        if count < 2 {
            return Ok(None);
        }
        let mut slices = [IoSlice::new(&[]); MOST];
        for (slice, message) in slices.iter_mut().zip(messages) {
            *slice = IoSlice::new(message);
        }
        let mut with = *with;
        with.segment = Some(size);
        match socket.send_message(&slices[..count], &with) {
            Ok(_) => Ok(Some(count)),
            // The path takes less than was thought: fragments are left to the kernel.
            Err(error) if error.raw_os_error() == Some(libc::EMSGSIZE) => Ok(None),
            Err(error) if is_refusal(&error) => {
                tracing::debug!(cell = %socket.cell(), %error, "no segmentation offload here");
                *self = Self::Refused;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
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

/// How many datagrams at the front are of one size, and which. The last may be shorter; none
/// is empty, since the kernel would send none for it.
fn run(messages: &VecDeque<Bytes>, payload_limit: usize) -> (usize, u16) {
    let first = messages.front().map_or(0, Bytes::len);
    let Ok(size) = u16::try_from(first) else { return (0, 0) };
    if size == 0 || first > payload_limit {
        return (0, 0);
    }
    let mut total = 0;
    let mut count = 0;
    for message in messages.iter().take(MOST) {
        let length = message.len();
        // 65,507 is the most that one call takes, over IPv6 too.
        if length == 0 || length > first || total + length > 65_507 {
            break;
        }
        total += length;
        count += 1;
        if length < first {
            break;
        }
    }
    (count, size)
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
    use super::*;

    fn lengths(lengths: &[usize]) -> VecDeque<Bytes> {
        lengths.iter().map(|length| Bytes::from(vec![0; *length])).collect()
    }

    #[test]
    fn a_run_ends_with_the_first_shorter_datagram_and_before_a_longer_or_empty_one() {
        assert_eq!(run(&lengths(&[9, 9, 9, 4, 4]), 100), (4, 9));
        assert_eq!(run(&lengths(&[9, 9, 10]), 100), (2, 9));
        assert_eq!(run(&lengths(&[9, 0, 9]), 100), (1, 9));
        assert_eq!(run(&lengths(&[0, 9]), 100), (0, 0));
        assert_eq!(run(&lengths(&[]), 100), (0, 0));
    }

    #[test]
    fn a_run_stays_within_what_the_path_and_one_call_take() {
        assert_eq!(run(&lengths(&[1_473, 1_473]), 1_472), (0, 0));
        assert_eq!(run(&lengths(&[1_000; 100]), 1_472).0, 64);
        assert_eq!(run(&lengths(&[10_000; 100]), 65_507).0, 6);
        assert_eq!(run(&lengths(&[70_000; 2]), 100_000), (0, 0));
    }
}
