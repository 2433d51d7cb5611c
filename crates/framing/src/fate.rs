//! What one half of a connection met, and the other has to report.

use std::io;
use std::sync::OnceLock;

use crate::{Error, ErrorKind};

/// The reset of a connection, recorded by whichever half meets it first.
#[derive(Debug, Default)]
pub(crate) struct Fate(OnceLock<Error>);

impl Fate {
    /// Records `error`, if it is one that ends the connection for both halves.
    pub(crate) fn record(&self, error: &Error) {
        if matches!(error.kind(), ErrorKind::Io(_)) {
            let _ = self.0.set(error.duplicate());
        }
    }

    /// What the orderly end of receiving turns out to be.
    pub(crate) fn at_end<T>(&self) -> Result<Option<T>, Error> {
        self.0.get().map_or(Ok(None), |error| Err(error.duplicate()))
    }
}

impl Error {
    /// The same error again, for a transport that is asked again.
    pub(crate) fn duplicate(&self) -> Self {
        use ErrorKind as K;
        match self.kind() {
            K::Oversize { length, limit } => K::Oversize { length: *length, limit: *limit },
            K::Malformed { codec, why } => K::Malformed { codec, why: why.clone() },
            K::CutOff { held } => K::CutOff { held: *held },
            K::OutOfMemory { length } => K::OutOfMemory { length: *length },
            K::Io(error) => K::Io(match error.raw_os_error() {
                Some(number) => io::Error::from_raw_os_error(number),
                None => io::Error::new(error.kind(), error.to_string()),
            }),
            survivable => K::Io(io::Error::other(survivable.to_string())),
        }
        .into()
    }
}
