//! What one half of a connection met, and the other has to report.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::{fmt, io};

use crate::{Error, ErrorKind};

/// How a connection ended: settled once, by the first half that meets a failure or reports an
/// orderly end. Until then it is two words.
#[derive(Debug, Default)]
pub(crate) struct Fate(OnceLock<Box<Settled>>);

#[derive(Debug, Default)]
struct Settled {
    failure: OnceLock<Option<Error>>,
    receiver: Mutex<Option<Waker>>,
}

impl Fate {
    /// Records `error`, if it is one that ends the connection for both halves.
    pub(crate) fn record(&self, error: &Error) {
        if matches!(error.kind(), ErrorKind::Io(_)) {
            let settled = self.0.get_or_init(Box::default);
            let _ = settled.failure.set(Some(error.duplicate()));
            if let Some(receiver) = settled.receiver().take() {
                receiver.wake();
            }
        }
    }

    /// What the orderly end of receiving turns out to be; the same for ever after.
    pub(crate) fn at_end(&self) -> Result<(), Error> {
        match self.0.get_or_init(Box::default).failure.get_or_init(|| None) {
            Some(error) => Err(error.duplicate()),
            None => Ok(()),
        }
    }

    /// For a receiver that has nothing to receive, and whose socket never tells that the peer
    /// is gone: the failure of sending that told.
    pub(crate) fn poll_gone<T>(&self, cx: &mut Context<'_>) -> Poll<Result<Option<T>, Error>> {
        let settled = self.0.get_or_init(Box::default);
        // First the waker, then the look: a failure in between is seen, or wakes.
        settled.receiver().get_or_insert_with(|| cx.waker().clone()).clone_from(cx.waker());
        match settled.failure.get() {
            Some(Some(error)) if is_gone(error) => Poll::Ready(Err(error.duplicate())),
            _ => Poll::Pending,
        }
    }
}

impl Settled {
    fn receiver(&self) -> MutexGuard<'_, Option<Waker>> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the failure of sending says that nothing can come from the peer either. A broken pipe
/// does not: this side may have shut down one direction.
fn is_gone(error: &Error) -> bool {
    use io::ErrorKind as K;
    matches!(error.io_kind(), Some(K::ConnectionRefused | K::ConnectionReset | K::NotConnected))
}

impl Error {
    /// The same error again, for a transport that is asked again.
    pub(crate) fn duplicate(&self) -> Self {
        use ErrorKind as K;
        match self.kind() {
            K::Oversize { length, limit } => K::Oversize { length: *length, limit: *limit },
            K::TooManyDescriptors { count, limit } => {
                K::TooManyDescriptors { count: *count, limit: *limit }
            }
            K::Malformed { codec, why } => K::Malformed { codec, why: why.clone() },
            K::CutOff { held } => K::CutOff { held: *held },
            K::Idle { after } => K::Idle { after: *after },
            K::OutOfMemory { length } => K::OutOfMemory { length: *length },
            K::Io(error) => K::Io(match error.raw_os_error() {
                Some(number) => io::Error::from_raw_os_error(number),
                None => Shared::again(error),
            }),
            survivable => K::Io(io::Error::other(survivable.to_string())),
        }
        .into()
    }
}

/// What a failure of a stream wraps (an error of TLS), when it is told more than once.
#[derive(Debug)]
pub(crate) struct Shared(Arc<dyn std::error::Error + Send + Sync>);

impl Shared {
    pub(crate) fn get(&self) -> &(dyn std::error::Error + 'static) {
        &*self.0
    }

    /// `error`, such that it can be told again with what it wraps.
    pub(crate) fn wrap(error: io::Error) -> io::Error {
        let kind = error.kind();
        match error.get_ref() {
            Some(inner) if !inner.is::<Self>() => match error.into_inner() {
                Some(inner) => io::Error::new(kind, Self(inner.into())),
                None => kind.into(),
            },
            _ => error,
        }
    }

    fn again(error: &io::Error) -> io::Error {
        match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(Self(inner)) => io::Error::new(error.kind(), Self(Arc::clone(inner))),
            None => io::Error::new(error.kind(), error.to_string()),
        }
    }
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Shared {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_test::{assert_pending, assert_ready_err, task};

    fn failure(number: i32) -> Error {
        io::Error::from_raw_os_error(number).into()
    }

    #[test]
    fn a_failure_before_the_end_is_reported_at_the_end_each_time() {
        let fate = Fate::default();
        fate.record(&failure(libc::EPIPE));
        fate.record(&failure(libc::ECONNRESET));
        for _ in 0..2 {
            let error = fate.at_end().unwrap_err();
            assert_eq!(error.io_kind(), Some(io::ErrorKind::BrokenPipe));
        }
    }

    #[test]
    fn a_failure_after_an_orderly_end_was_reported_does_not_change_it() {
        let fate = Fate::default();
        fate.at_end().unwrap();
        fate.record(&failure(libc::EPIPE));
        fate.at_end().unwrap();
    }

    #[test]
    fn what_a_failure_wraps_is_found_each_time_it_is_told() {
        let why = "x".parse::<u8>().unwrap_err();
        let failure = Shared::wrap(io::Error::new(io::ErrorKind::InvalidData, why.clone()));
        let fate = Fate::default();
        fate.record(&failure.into());
        for _ in 0..2 {
            let told = fate.at_end().unwrap_err().duplicate();
            assert_eq!(told.io_kind(), Some(io::ErrorKind::InvalidData));
            assert_eq!(told.find(), Some(&why));
            assert_eq!(told.to_string(), why.to_string());
        }
    }

    #[test]
    fn errors_of_a_codec_concern_one_half_alone() {
        let fate = Fate::default();
        fate.record(&ErrorKind::CutOff { held: 1 }.into());
        fate.at_end().unwrap();
    }

    #[test]
    fn a_waiting_receiver_is_woken_by_a_peer_that_is_gone_and_not_by_a_broken_pipe() {
        for (number, gone) in [(libc::ECONNREFUSED, true), (libc::EPIPE, false)] {
            let fate = Fate::default();
            let mut waiting = task::spawn(std::future::poll_fn(|cx| fate.poll_gone::<()>(cx)));
            assert_pending!(waiting.poll());
            fate.record(&failure(number));
            assert!(waiting.is_woken());
            match gone {
                true => drop(assert_ready_err!(waiting.poll())),
                false => assert_pending!(waiting.poll()),
            }
        }
    }
}
