//! Several addresses tried, and the first that answers taken: Happy Eyeballs, RFC 8305.
//!
//! ```text
//!  addresses ──interleave──> waiting ──next──> running ──connected──> the result;
//!                               ^    due        │                     the others are dropped
//!                               │               └──failed──> failed ──none left──> NoConnection
//!                               └── the delay is over, or one has failed
//! ```

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use anysock_core::Addr;
use tokio::time::{Instant, Sleep};

use crate::{Connected, NoConnection};

/// How many addresses of a name are tried at most, and how many sockets are under way at a time.
pub(crate) const MOST_ADDRESSES: usize = 32;

/// The addresses in the order in which to try them: the families take turns, beginning with that
/// of the first; within a family the order stays. None comes twice.
///
/// RFC 8305, section 4, with a first address family count of 1. What it says of sorting the
/// destinations is the resolver's work: getaddrinfo(3) does it.
pub(crate) fn interleave(addresses: &[Addr]) -> Vec<&Addr> {
    let Some(first) = addresses.first() else { return Vec::new() };
    let (mut preferred, mut others) = (Vec::new(), Vec::new());
    for addr in addresses {
        let family = match addr.domain() == first.domain() {
            true => &mut preferred,
            false => &mut others,
        };
        if !family.contains(&addr) {
            family.push(addr);
        }
    }
    let mut others = others.into_iter();
    let mut order = Vec::new();
    for addr in preferred {
        order.push(addr);
        order.extend(others.next());
    }
    order.extend(others);
    order
}

/// When the next address is tried, if the ones before have neither connected nor failed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// So long after the last.
    Staggered(Duration),
    /// Not at all: there is one attempt at a time.
    InTurn,
}

/// Tries `addresses`, as [ordered](interleave), until one connects; all fail; or `until`.
pub(crate) async fn race<'a, F>(
    addresses: &[&'a Addr],
    pace: Pace,
    until: Instant,
    attempt: impl Fn(&'a Addr) -> F,
) -> io::Result<Connected>
where
    F: Future<Output = io::Result<Connected>>,
{
    let count = addresses.len().min(MOST_ADDRESSES);
    let mut race = Race {
        waiting: addresses[..count].iter(),
        attempt,
        running: Vec::new(),
        failed: Vec::new(),
        pace,
        due: true,
        next: None,
        deadline: Box::pin(tokio::time::sleep_until(until)),
    };
    let result = std::future::poll_fn(|cx| race.poll(cx)).await;
    result.map_err(|is_late| race.into_error(is_late, addresses.len()).into())
}

struct Race<'a, 'b, A, F> {
    waiting: std::slice::Iter<'b, &'a Addr>,
    attempt: A,
    /// In the order in which they began.
    running: Vec<(&'a Addr, Pin<Box<F>>)>,
    failed: Vec<(Addr, io::Error)>,
    pace: Pace,
    /// The next one begins now.
    due: bool,
    /// When it begins otherwise.
    next: Option<Pin<Box<Sleep>>>,
    deadline: Pin<Box<Sleep>>,
}

impl<'a, A, F> Race<'a, '_, A, F>
where
    A: Fn(&'a Addr) -> F,
    F: Future<Output = io::Result<Connected>>,
{
    /// The first connection; or whether the deadline, and not the last address, was the end.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Connected, bool>> {
        loop {
            if let Some(connected) = self.poll_running(cx) {
                return Poll::Ready(Ok(connected));
            }
            if self.deadline.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(true));
            }
            let is_next = |next: &mut Pin<Box<Sleep>>| next.as_mut().poll(cx).is_ready();
            if !self.due && !self.next.as_mut().is_some_and(is_next) {
                return Poll::Pending;
            }
            (self.due, self.next) = (false, None);
            match self.waiting.next() {
                Some(addr) => self.begin(addr),
                None if self.running.is_empty() => return Poll::Ready(Err(false)),
                None => return Poll::Pending,
            }
        }
    }

    fn begin(&mut self, addr: &'a Addr) {
        self.running.push((addr, Box::pin((self.attempt)(addr))));
        if let Pace::Staggered(delay) = self.pace {
            self.next = Some(Box::pin(tokio::time::sleep(delay)));
        }
    }

    /// Lets every attempt go on. One that fails makes the next one due.
    fn poll_running(&mut self, cx: &mut Context<'_>) -> Option<Connected> {
        let mut index = 0;
        while let Some((addr, attempt)) = self.running.get_mut(index) {
            match attempt.as_mut().poll(cx) {
                Poll::Ready(Ok(connected)) => return Some(connected),
                Poll::Ready(Err(error)) => {
                    self.failed.push(((*addr).clone(), error));
                    self.running.remove(index);
                    self.due = true;
                }
                Poll::Pending => index += 1,
            }
        }
        None
    }

    fn into_error(mut self, is_late: bool, count: usize) -> NoConnection {
        let untried = count - self.failed.len() - self.running.len();
        for (addr, _) in self.running.drain(..) {
            let what = format!("no answer from {addr} before the deadline");
            self.failed.push((addr.clone(), io::Error::new(io::ErrorKind::TimedOut, what)));
        }
        NoConnection::new(self.failed, untried, is_late)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::{pending, ready};

    use super::*;
    use crate::StreamSocket;

    fn addresses(list: &[&str]) -> Vec<Addr> {
        list.iter().map(|addr| Addr::Ip(addr.parse().unwrap())).collect()
    }

    fn printed(order: &[&Addr]) -> Vec<String> {
        order.iter().map(|addr| addr.to_string()).collect()
    }

    fn until(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    fn refused() -> io::Error {
        io::Error::from_raw_os_error(libc::ECONNREFUSED)
    }

    #[test]
    fn families_take_turns_beginning_with_the_first() {
        let six_first = addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.0.0.1:1", "1.0.0.2:1"]);
        let order = interleave(&six_first);
        assert_eq!(printed(&order), ["[::1]:1", "1.0.0.1:1", "[::2]:1", "1.0.0.2:1", "[::3]:1"]);
        let four_first = addresses(&["1.0.0.1:1", "[::1]:1", "[::2]:1", "[::3]:1", "[::2]:1"]);
        let order = interleave(&four_first);
        assert_eq!(printed(&order), ["1.0.0.1:1", "[::1]:1", "[::2]:1", "[::3]:1"]);
        assert!(interleave(&[]).is_empty());
    }

    // The clock of these is tokio's own: it jumps to the next timer whenever all wait.

    #[tokio::test(start_paused = true)]
    async fn an_address_that_does_not_answer_delays_the_next_by_the_delay_alone() {
        let list = addresses(&["1.0.0.1:1", "1.0.0.2:1", "1.0.0.3:1"]);
        let began = RefCell::new(Vec::new());
        let start = Instant::now();
        let (socket, _peer) = StreamSocket::pair().unwrap();
        let socket = RefCell::new(Some(socket));
        let attempt = |addr: &Addr| {
            began.borrow_mut().push(start.elapsed().as_millis());
            let third = addr.to_string().starts_with("1.0.0.3");
            let socket = &socket;
            async move {
                match third {
                    true => Ok(Connected::Stream(socket.take().unwrap())),
                    false => pending().await,
                }
            }
        };
        let delay = Pace::Staggered(Duration::from_millis(250));
        let connected = race(&interleave(&list), delay, until(10), attempt).await;
        assert!(connected.is_ok());
        assert_eq!(*began.borrow(), [0, 250, 500]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_begins_the_next_attempt_at_once_and_the_delay_anew() {
        let list = addresses(&["1.0.0.1:1", "1.0.0.2:1", "1.0.0.3:1"]);
        let began = RefCell::new(Vec::new());
        let start = Instant::now();
        let attempt = |addr: &Addr| {
            began.borrow_mut().push(start.elapsed().as_millis());
            let first = addr.to_string().starts_with("1.0.0.1");
            async move {
                if first {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    return Err(refused());
                }
                pending().await
            }
        };
        let delay = Pace::Staggered(Duration::from_millis(250));
        let late = race(&interleave(&list), delay, until(2), attempt).await.unwrap_err();
        assert_eq!(*began.borrow(), [0, 100, 350]);
        assert_eq!(
            (late.kind(), start.elapsed()),
            (io::ErrorKind::TimedOut, Duration::from_secs(2))
        );
        let inner = late.get_ref().unwrap().downcast_ref::<NoConnection>().unwrap();
        let kinds: Vec<_> = inner.attempts().map(|(_, error)| error.kind()).collect();
        assert_eq!(kinds, [refused().kind(), io::ErrorKind::TimedOut, io::ErrorKind::TimedOut]);
    }

    #[tokio::test(start_paused = true)]
    async fn in_turn_means_one_at_a_time() {
        let list = addresses(&["1.0.0.1:1", "1.0.0.2:1"]);
        let count = RefCell::new(0);
        let attempt = |_: &Addr| {
            *count.borrow_mut() += 1;
            pending()
        };
        let late = race(&interleave(&list), Pace::InTurn, until(60), attempt).await.unwrap_err();
        assert_eq!((*count.borrow(), late.kind()), (1, io::ErrorKind::TimedOut));
        assert!(late.to_string().contains("1 more"), "{late}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_bound_are_tried() {
        let list: Vec<String> = (0..40).map(|port| format!("1.0.0.1:{}", 1000 + port)).collect();
        let list = addresses(&list.iter().map(String::as_str).collect::<Vec<_>>());
        let count = RefCell::new(0);
        let attempt = |_: &Addr| {
            *count.borrow_mut() += 1;
            ready(Err(refused()))
        };
        let delay = Pace::Staggered(Duration::from_millis(250));
        let error = race(&interleave(&list), delay, until(60), attempt).await.unwrap_err();
        assert_eq!((*count.borrow(), error.kind()), (MOST_ADDRESSES, refused().kind()));
        assert!(error.to_string().contains("8 more"), "{error}");
    }
}
