//! Runs a scenario where a wedged runtime is seen, rather than suffered.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::time::Duration;

use crate::raw::thread_time;

/// No scenario takes a tenth of it.
const DEADLINE: Duration = Duration::from_secs(20);
const TICK: Duration = Duration::from_millis(10);
/// For how long an operation is watched while it is blocked.
const WINDOW: Duration = Duration::from_millis(500);

/// Runs `scenario` on a thread with a runtime of its own. A wedge, which no timeout inside the
/// runtime would end, fails the test from outside.
#[track_caller]
pub(crate) fn run<F, S>(scenario: S)
where
    S: FnOnce() -> F + Send + 'static,
    F: Future<Output = ()>,
{
    let (tell, hear) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let ended = tokio::time::timeout(DEADLINE / 2, scenario()).await;
            assert!(ended.is_ok(), "it slept for ever, with the runtime well");
        });
        let _ = tell.send(());
    });
    match hear.recv_timeout(DEADLINE) {
        Ok(()) => thread.join().unwrap(),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            let panic = thread.join().unwrap_err();
            std::panic::resume_unwind(panic);
        }
        Err(mpsc::RecvTimeoutError::Timeout) => {
            panic!("the runtime is wedged: not even its timers fire");
        }
    }
}

/// Polls once.
pub(crate) async fn poll_once<F: Future>(mut operation: Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(|cx| Poll::Ready(operation.as_mut().poll(cx))).await
}

/// Watches an operation that is blocked: it is polled rarely, its neighbours run, and the thread
/// is idle.
///
/// The operation is left pending; it is to be awaited afterwards.
pub(crate) async fn assert_idle_while_blocked<F: Future>(mut operation: Pin<&mut F>) {
    let ticks = Arc::new(AtomicU64::new(0));
    let ticking = tokio::spawn({
        let ticks = Arc::clone(&ticks);
        async move {
            let mut interval = tokio::time::interval(TICK);
            loop {
                interval.tick().await;
                ticks.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let mut window = std::pin::pin!(tokio::time::sleep(WINDOW));
    let mut polls = 0_u32;
    let before = thread_time();
    std::future::poll_fn(|cx| {
        if window.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        polls += 1;
        assert!(operation.as_mut().poll(cx).is_pending(), "it did not block");
        Poll::Pending
    })
    .await;
    let used = thread_time() - before;
    ticking.abort();
    let ticks = ticks.load(Ordering::Relaxed);
    // Pauses grow from half a millisecond to 20: some thirty polls at most.
    assert!(polls <= 100, "a blocked operation was polled {polls} times in {WINDOW:?}");
    assert!(ticks >= 10, "a neighbour's 10 ms timer ran {ticks} times in {WINDOW:?}");
    assert!(used <= WINDOW / 20, "a blocked operation used {used:?} of processor in {WINDOW:?}");
}
