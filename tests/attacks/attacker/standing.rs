//! Those who connect and say little: openers, announcers, those who trickle, those who reset.

use std::io::{Read, Write};
use std::time::Duration;

use socket2::Socket;

use super::{Orders, Until, in_position, next};
use crate::at::At;

/// What a stream of the library takes at most, unless it is told otherwise.
pub(super) const MAX: u32 = 1024 * 1024;

fn connect(at: &At) -> Socket {
    at.connect().expect("the service accepts")
}

/// Connects; every other one on a stream says half a header.
pub(super) fn open(at: &At, mut orders: Orders, until: &Until) -> (u64, u64) {
    let mut standing: Vec<_> = (0..orders.count)
        .map(|_| {
            let mut socket = connect(at);
            if at.is_stream() && next(&mut orders.seed) % 2 == 0 {
                socket.write_all(&[0, 0]).unwrap();
            }
            socket
        })
        .collect();
    in_position();
    until.wait();
    (standing.len() as u64, sent_away(&mut standing))
}

/// Announces the maximum and sends a little of it; one in eight announces more than is allowed.
pub(super) fn announce(at: &At, mut orders: Orders, until: &Until) -> (u64, u64) {
    let mut standing: Vec<_> = (0..orders.count)
        .map(|_| {
            let mut socket = connect(at);
            let drawn = next(&mut orders.seed);
            let announced = if drawn % 8 == 0 { u32::MAX } else { MAX };
            let some = vec![b'.'; [0, 1, 100, orders.size][(drawn >> 8) as usize % 4]];
            // Whoever announces too much may be gone by now.
            let _ = socket.write_all(&[&announced.to_be_bytes()[..], &some].concat());
            socket
        })
        .collect();
    in_position();
    until.wait();
    (standing.len() as u64, sent_away(&mut standing))
}

/// One byte of a message at a time, each connection in turn.
pub(super) fn trickle(at: &At, orders: Orders, until: &Until) -> (u64, u64) {
    let mut standing: Vec<_> = (0..orders.count).map(|_| connect(at)).collect();
    let frame = at.frame(&[b'.'; 60_000]);
    in_position();
    let mut sent = 0;
    for byte in frame {
        for socket in &mut standing {
            sent += u64::from(socket.write_all(&[byte]).is_ok());
        }
        std::thread::sleep(Duration::from_millis(orders.pace as u64));
        if until.is_over() {
            break;
        }
    }
    until.wait();
    (sent, sent_away(&mut standing))
}

/// The storm blows after so many.
const STORM: u64 = 30;

/// Connects and is gone: at once, within a message, or with an answer unread.
pub(super) fn reset(at: &At, orders: Orders, until: &Until) -> (u64, u64) {
    let message = at.frame(&[b'.'; 100]);
    let (mut made, mut refused) = (0, 0);
    while !until.is_over() {
        let Ok(mut socket) = at.connect() else {
            refused += 1;
            continue;
        };
        let _ = match made % 3 {
            0 => socket.write_all(&message[..message.len() / 2]),
            1 => socket.write_all(&message),
            _ => Ok(()),
        };
        if at.is_tcp() {
            // Closing is a reset then.
            socket.set_linger(Some(Duration::ZERO)).unwrap();
        }
        made += 1;
        if made == STORM {
            in_position();
        }
        std::thread::sleep(Duration::from_millis(orders.pace as u64));
    }
    (made, refused)
}

/// How many the service has closed.
fn sent_away(standing: &mut [Socket]) -> u64 {
    let is_closed = |socket: &mut Socket| {
        socket.set_nonblocking(true).unwrap();
        let read = socket.read(&mut [0; 64]);
        !read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    };
    standing.iter_mut().map(|socket| u64::from(is_closed(socket))).sum()
}
