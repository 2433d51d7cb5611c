//! Those who send without end: little messages, whose answers they read, or requests, whose answers
//! they do not.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;

use socket2::Socket;

use super::{Orders, Until, in_position};
use crate::at::At;

/// Messages that go together.
const TOGETHER: usize = 4096;

/// Packets that one sends in its turn.
const IN_TURN: usize = 64;

struct Sender {
    socket: Socket,
    /// Where in the frames it stands.
    at: usize,
}

/// Messages of `size` bytes, for as long as the service takes them; answers are read.
pub(super) fn flood(at: &At, orders: Orders, size: usize, until: &Until) -> (u64, u64) {
    let mut senders = senders(at, orders.count);
    send(at, &mut senders, &at.frame(&vec![b'.'; size]), true, until)
}

/// Requests, of which no answer is ever read.
pub(super) fn ask_and_never_read(at: &At, orders: Orders, until: &Until) -> (u64, u64) {
    let mut senders = senders(at, orders.count);
    send(at, &mut senders, &at.frame(&vec![b'.'; orders.size]), false, until)
}

fn senders(at: &At, count: usize) -> Vec<Sender> {
    let connect = |_| {
        let socket = at.connect().expect("the service accepts");
        socket.set_nonblocking(true).unwrap();
        Sender { socket, at: 0 }
    };
    (0..count).map(connect).collect()
}

fn send(at: &At, senders: &mut [Sender], frame: &[u8], reads: bool, until: &Until) -> (u64, u64) {
    let frames = match at.is_stream() {
        true => frame.repeat((TOGETHER / frame.len()).max(IN_TURN)),
        false => frame.to_vec(),
    };
    let (mut bytes, mut packets, mut refused) = (0_u64, 0_u64, 0_u64);
    let mut answers = vec![0; 64 * 1024];
    let mut is_begun = false;
    while !until.is_over() {
        let before = (bytes, packets);
        for sender in senders.iter_mut() {
            for _ in 0..if at.is_stream() { 1 } else { IN_TURN } {
                let sent = match at.is_stream() {
                    true => sender.socket.write(&frames[sender.at..]),
                    false => sender.socket.send(&frames),
                };
                match sent {
                    Ok(sent) => {
                        bytes += sent as u64;
                        packets += u64::from(!at.is_stream());
                        sender.at = (sender.at + sent) % frames.len().max(1);
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(_) => {
                        refused += 1;
                        break;
                    }
                }
            }
            // An empty answer is none of a stream's, and is not its end.
            while reads && sender.socket.read(&mut answers).is_ok_and(|read| read == answers.len())
            {
            }
            drain(&mut sender.socket, reads && !at.is_stream(), &mut answers);
        }
        if before == (bytes, packets) {
            wait(senders, reads);
        } else if !std::mem::replace(&mut is_begun, true) {
            in_position();
        }
    }
    let frames = if at.is_stream() { bytes / frame.len() as u64 } else { packets };
    (frames, refused)
}

/// Takes the answers that are here, as many as were sent in one turn.
fn drain(socket: &mut Socket, is_packets: bool, answers: &mut [u8]) {
    for _ in 0..if is_packets { IN_TURN } else { 0 } {
        if socket.read(answers).is_err() {
            return;
        }
    }
}

/// Waits a moment for the service to take, or give, something.
fn wait(senders: &[Sender], reads: bool) {
    let events = libc::POLLOUT | if reads { libc::POLLIN } else { 0 };
    let poll = |sender: &Sender| libc::pollfd { fd: sender.socket.as_raw_fd(), events, revents: 0 };
    let mut asked: Vec<_> = senders.iter().map(poll).collect();
    // SAFETY: the pointer and the count describe `asked`, which outlive the call.
    unsafe { libc::poll(asked.as_mut_ptr(), asked.len() as libc::nfds_t, 20) };
}
