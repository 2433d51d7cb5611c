//! Messages of all sizes, in both directions at once, by halves, under backpressure, and with futures
//! that are dropped.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use anysock::prelude::*;
use anysock::{ErrorKind, Limits};

use crate::fixture::{CELLS, DEADLINE, HOUSE, localhost, pair, plain, run};
use crate::upgrade;

/// Around what frames, records of TLS (16 KiB), blocks and watermarks are made of.
const SIZES: [usize; 15] = [
    0, 1, 4, 255, 4_095, 4_096, 8_192, 16_379, 16_384, 16_385, 65_536, 163_840, 262_144, 1_000_000,
    1_048_576,
];

fn sample(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|at| (at.wrapping_mul(31) ^ (at >> 8) ^ seed) as u8).collect()
}

#[test]
fn messages_of_all_sizes_pass_both_ways_at_once_through_halves() {
    run(async {
        for endpoint in CELLS {
            let (client, server) = pair(endpoint).await;
            let mut tasks = Vec::new();
            let mut halves = Vec::new();
            for (end, seed) in [(client, 1), (server, 2)] {
                let (mut sending, receiving) = end.split();
                halves.push(receiving);
                tasks.push(tokio::spawn(async move {
                    for length in SIZES {
                        sending.feed(sample(length, seed)).await.unwrap(); // referenced
                        sending.send(&sample(length, seed)[..]).await.unwrap(); // copied
                    }
                    sending.close().await.unwrap();
                }));
            }
            for (mut receiving, seed) in halves.into_iter().zip([2, 1]) {
                tasks.push(tokio::spawn(async move {
                    for length in SIZES {
                        for _ in 0..2 {
                            let message = receiving.recv().await.unwrap().unwrap();
                            assert!(message == sample(length, seed)[..], "{length} bytes");
                        }
                    }
                    assert!(receiving.recv().await.unwrap().is_none());
                }));
            }
            for task in tasks {
                task.await.unwrap();
            }
        }
    });
}

#[test]
fn a_peer_that_does_not_read_holds_the_sender_and_not_its_memory() {
    run(async {
        for endpoint in CELLS {
            let (mut client, mut server) = pair(endpoint).await;
            let message = sample(10_000, 7);
            let mut accepted = 0;
            loop {
                // Sends what can be sent, until nothing has moved for a while.
                let ready = tokio::time::timeout(Duration::from_millis(300), client.ready()).await;
                let Ok(ready) = ready else { break };
                ready.unwrap();
                client.try_send(&message[..]).unwrap();
                accepted += 1;
                assert!(accepted < 10_000, "it never waits");
            }
            let refused = client.try_send(&message[..]).unwrap_err();
            assert!(matches!(refused.error.kind(), ErrorKind::NotReady));
            let unsent = client.stats().unsent;
            assert!(unsent <= 160 * 1024 + message.len() + 4, "{unsent} bytes are unsent");

            // The reader comes, and all that was accepted is there, in order.
            let (flushed, ()) = tokio::join!(client.flush(), async {
                for _ in 0..accepted {
                    assert!(server.recv().await.unwrap().unwrap() == message[..]);
                }
            });
            flushed.unwrap();
        }
    });
}

#[test]
fn a_future_that_is_dropped_anywhere_loses_and_splits_no_message() {
    run(async {
        for endpoint in CELLS {
            let (mut client, mut server) = pair(endpoint).await;
            const COUNT: usize = 400;
            let sending = async {
                for number in 0..COUNT {
                    let message = sample(number * 97 % 30_000, number);
                    loop {
                        // Polled a few times, and dropped.
                        if some_polls(client.ready(), number % 3)
                            .await
                            .transpose()
                            .unwrap()
                            .is_some()
                        {
                            client.try_send(message).unwrap();
                            break;
                        }
                    }
                    let _ = some_polls(client.flush(), number % 2).await;
                }
                client.close().await.unwrap();
            };
            let receiving = async {
                let mut number = 0;
                loop {
                    let Some(received) = some_polls(server.recv(), number % 4).await else {
                        continue;
                    };
                    let Some(message) = received.unwrap() else { break };
                    assert!(message == sample(number * 97 % 30_000, number)[..], "{number}");
                    number += 1;
                }
                assert_eq!(number, COUNT);
                server.close().await.unwrap();
            };
            tokio::join!(sending, receiving);
        }
    });
}

/// Polls a future once and then when it is woken, `more` times at most, and drops it.
async fn some_polls<F: Future>(future: F, more: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = more;
    let output = poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            // Its own wakers may never fire for what it waits for in vain.
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
    if output.is_none() {
        tokio::task::yield_now().await;
    }
    output
}

#[test]
fn limits_and_codec_of_a_connection_outlive_its_upgrade() {
    run(async {
        for endpoint in CELLS {
            let (client, server) = plain(endpoint).await;
            let server = server.limit(&Limits::default().max_message(10));
            let (client, server) = tokio::join!(
                client.upgrade(DEADLINE, |socket| {
                    upgrade::connect(HOUSE.member(), localhost(), socket)
                }),
                server.upgrade(DEADLINE, |socket| upgrade::accept(HOUSE.mutual(), socket)),
            );
            let (mut client, mut server) = (client.unwrap(), server.unwrap());
            client.send("longer than it may be").await.unwrap();
            client.send("shorter").await.unwrap();
            let error = server.recv().await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Truncated { length: 21, limit: 10 }));
            assert_eq!(server.recv().await.unwrap().unwrap(), "shorter");
            let error = server.send("longer than it may be").await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::TooLong { length: 21, limit: 10 }));
        }
    });
}
