//! A stream's read or write that fell short is the last one before an event, where nothing is
//! lost by that.

use std::future::poll_fn;
use std::io::IoSlice;
use std::os::fd::OwnedFd;
use std::pin::pin;

use anysock_async::StreamSocket;
use anysock_core::{Cell, Outgoing, RecvBlock, Shutdown, Socket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::ends::{Ends, receive_now};
use crate::raw::send_flags;
use crate::watchdog::{self, poll_once};

const BIG: &[u8] = &[7; 16 << 20];

fn ends(cell: Cell) -> (StreamSocket, Socket) {
    let Ends { near, far } = Ends::new(cell);
    (StreamSocket::new(near).unwrap(), far)
}

/// Lets the reactor look for events.
async fn let_the_reactor_look() {
    tokio::task::yield_now().await;
}

/// What one read gives, by either method.
async fn read(near: &mut StreamSocket, buffered: bool) -> String {
    let mut block = RecvBlock::new();
    block.reserve(100).unwrap();
    match buffered {
        true => poll_fn(|cx| near.poll_recv_block(cx, &mut block, 100)).await.unwrap(),
        false => near.read_buf(&mut block).await.unwrap(),
    };
    String::from_utf8(block.unread().to_vec()).unwrap()
}

fn asks_once_a_burst(cell: Cell) {
    watchdog::run(move || async move {
        for buffered in [false, true] {
            let (mut near, far) = ends(cell);
            assert!(poll_once(pin!(read(&mut near, buffered))).await.is_pending());
            for _ in 0..3 {
                far.send(b"burst").unwrap();
                assert_eq!(read(&mut near, buffered).await, "burst");
                far.send(b"next").unwrap();
                // It would be read at once if the socket were asked.
                assert!(poll_once(pin!(read(&mut near, buffered))).await.is_pending());
                assert_eq!(read(&mut near, buffered).await, "next");
            }
            drop(far);
            assert_eq!(read(&mut near, buffered).await, "");
        }
    });
}

per_cell! { asks_once_a_burst {
    unix_stream_asks_once_a_burst => UNIX_STREAM,
    ipv4_stream_asks_once_a_burst => IPV4_STREAM,
    ipv6_stream_asks_once_a_burst => IPV6_STREAM,
} }

/// What makes the kernel stop between two runs of bytes.
#[derive(Clone, Copy, Debug)]
enum Stop {
    Descriptor,
    UrgentByte,
}

fn send_with_stop(far: &Socket, stop: Stop) {
    match stop {
        Stop::Descriptor => {
            let file = [OwnedFd::from(std::fs::File::open("/dev/null").unwrap())];
            let mut with = Outgoing::default();
            with.descriptors = &file;
            far.send_message(&[IoSlice::new(b"AAAA")], &with).unwrap();
        }
        Stop::UrgentByte => {
            far.send(b"AAAA").unwrap();
            send_flags(far, b"!", libc::MSG_OOB).unwrap();
        }
    }
    far.send(b"BBBB").unwrap();
}

fn stops(cell: Cell) -> &'static [Stop] {
    match cell == Cell::UNIX_STREAM {
        true => &[Stop::Descriptor, Stop::UrgentByte],
        false => &[Stop::UrgentByte],
    }
}

fn reads_behind_a_stop_that_comes_while_it_waits(cell: Cell) {
    watchdog::run(move || async move {
        for &stop in stops(cell) {
            for buffered in [false, true] {
                let (mut near, far) = ends(cell);
                for _ in 0..3 {
                    {
                        let mut waiting = pin!(read(&mut near, buffered));
                        assert!(poll_once(waiting.as_mut()).await.is_pending());
                        send_with_stop(&far, stop);
                        assert_eq!(waiting.await, "AAAA", "{stop:?}");
                    }
                    assert_eq!(read(&mut near, buffered).await, "BBBB", "{stop:?}");
                }
            }
        }
    });
}

per_cell! { reads_behind_a_stop_that_comes_while_it_waits {
    unix_stream_reads_behind_a_stop_that_comes_while_it_waits => UNIX_STREAM,
    ipv4_stream_reads_behind_a_stop_that_comes_while_it_waits => IPV4_STREAM,
    ipv6_stream_reads_behind_a_stop_that_comes_while_it_waits => IPV6_STREAM,
} }

/// The reactor has told of what came before the stop, and not of the stop itself.
fn reads_behind_a_stop_that_comes_after_the_event(cell: Cell) {
    watchdog::run(move || async move {
        for &stop in stops(cell) {
            for buffered in [false, true] {
                let (mut near, far) = ends(cell);
                for _ in 0..3 {
                    assert!(poll_once(pin!(read(&mut near, buffered))).await.is_pending());
                    far.send(b"before ").unwrap();
                    let_the_reactor_look().await;
                    send_with_stop(&far, stop);
                    assert_eq!(read(&mut near, buffered).await, "before AAAA", "{stop:?}");
                    assert_eq!(read(&mut near, buffered).await, "BBBB", "{stop:?}");
                }
            }
        }
    });
}

per_cell! { reads_behind_a_stop_that_comes_after_the_event {
    unix_stream_reads_behind_a_stop_that_comes_after_the_event => UNIX_STREAM,
    ipv4_stream_reads_behind_a_stop_that_comes_after_the_event => IPV4_STREAM,
    ipv6_stream_reads_behind_a_stop_that_comes_after_the_event => IPV6_STREAM,
} }

#[test]
fn unix_stream_reads_behind_credentials_that_somebody_asked_for() {
    watchdog::run(|| async {
        let (mut near, far) = ends(Cell::UNIX_STREAM);
        near.socket().set_pass_credentials(true).unwrap();
        assert!(poll_once(pin!(read(&mut near, true))).await.is_pending());
        for _ in 0..3 {
            far.send(b"burst").unwrap();
            assert_eq!(read(&mut near, true).await, "burst");
            far.send(b"next").unwrap();
            // Bytes of different senders are told apart, so that each read may have more behind it.
            assert!(poll_once(pin!(read(&mut near, true))).await.is_ready());
        }
    });
}

fn reads_the_end_behind_what_fell_short(cell: Cell) {
    watchdog::run(move || async move {
        for told_first in [false, true] {
            let (mut near, far) = ends(cell);
            assert!(poll_once(pin!(read(&mut near, true))).await.is_pending());
            far.send(b"last").unwrap();
            if !told_first {
                let_the_reactor_look().await;
            }
            far.shutdown(Shutdown::Write).unwrap();
            assert_eq!(read(&mut near, true).await, "last");
            assert_eq!(read(&mut near, true).await, "");
            assert_eq!(read(&mut near, true).await, "");
        }
    });
}

per_cell! { reads_the_end_behind_what_fell_short {
    unix_stream_reads_the_end_behind_what_fell_short => UNIX_STREAM,
    ipv4_stream_reads_the_end_behind_what_fell_short => IPV4_STREAM,
    ipv6_stream_reads_the_end_behind_what_fell_short => IPV6_STREAM,
} }

fn fills_once_and_goes_on_when_there_is_room(cell: Cell) {
    watchdog::run(move || async move {
        let (mut near, far) = ends(cell);
        for _ in 0..3 {
            let mut sent = near.write(BIG).await.unwrap();
            while sent == BIG.len() {
                sent = near.write(BIG).await.unwrap();
            }
            // The room that is made now is used at once if the socket is asked.
            while receive_now(&far).is_ok() {}
            assert!(poll_once(pin!(near.write(b"x"))).await.is_pending());
            near.write_all(b"x").await.unwrap();
            while receive_now(&far).is_ok() {}
        }
    });
}

per_cell! { fills_once_and_goes_on_when_there_is_room {
    unix_stream_fills_once_and_goes_on_when_there_is_room => UNIX_STREAM,
    ipv4_stream_fills_once_and_goes_on_when_there_is_room => IPV4_STREAM,
    ipv6_stream_fills_once_and_goes_on_when_there_is_room => IPV6_STREAM,
} }

fn learns_that_writing_was_shut_down_though_it_was_filled(cell: Cell) {
    watchdog::run(move || async move {
        let (mut near, _far) = ends(cell);
        assert!(near.write(BIG).await.unwrap() < BIG.len());
        near.shutdown_now(Shutdown::Write).unwrap();
        let refused = near.write(b"x").await.unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::BrokenPipe);
    });
}

per_cell! { learns_that_writing_was_shut_down_though_it_was_filled {
    unix_stream_learns_that_writing_was_shut_down_though_it_was_filled => UNIX_STREAM,
    ipv4_stream_learns_that_writing_was_shut_down_though_it_was_filled => IPV4_STREAM,
    ipv6_stream_learns_that_writing_was_shut_down_though_it_was_filled => IPV6_STREAM,
} }

fn learns_that_the_peer_is_gone_though_it_was_filled(cell: Cell) {
    watchdog::run(move || async move {
        let (mut near, far) = ends(cell);
        assert!(near.write(BIG).await.unwrap() < BIG.len());
        drop(far);
        near.write_all(BIG).await.unwrap_err();
    });
}

per_cell! { learns_that_the_peer_is_gone_though_it_was_filled {
    unix_stream_learns_that_the_peer_is_gone_though_it_was_filled => UNIX_STREAM,
    ipv4_stream_learns_that_the_peer_is_gone_though_it_was_filled => IPV4_STREAM,
    ipv6_stream_learns_that_the_peer_is_gone_though_it_was_filled => IPV6_STREAM,
} }
