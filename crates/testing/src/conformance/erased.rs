//! Any subject as one type, so that the laws are compiled once and not once per transport.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use anysock_framing::{BoxTransport, Transport};

use super::subject::{Offer, Raw, Subject};

type Making<'a, T> = Pin<Box<dyn Future<Output = Offer<T>> + 'a>>;
type Pair = (BoxTransport, BoxTransport);

/// A subject whose transports are boxed.
#[derive(Clone)]
pub(super) struct Erased(Arc<dyn DynSubject>);

impl Erased {
    pub(super) fn new(subject: impl Subject) -> Self {
        Self(Arc::new(subject))
    }
}

impl fmt::Debug for Erased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Erased({})", self.0.name())
    }
}

/// [`Subject`] in a form that makes a trait object.
trait DynSubject: Send + Sync {
    fn name(&self) -> String;
    fn pair(&self) -> Making<'_, Pair>;
    fn pair_with_max(&self, near: usize, far: usize) -> Making<'_, Pair>;
    fn sample(&self, length: usize, seed: u64) -> Option<Vec<u8>>;
    fn unrepresentable(&self) -> Vec<Vec<u8>>;
    fn drop_ends(&self) -> bool;
    fn raw(&self) -> Making<'_, Raw<BoxTransport>>;
    fn reset<'a>(&'a self, last_words: &'a [Vec<u8>]) -> Making<'a, BoxTransport>;
    fn refused(&self) -> Making<'_, Pair>;
}

fn boxed<T: Transport + Send + 'static>(transport: T) -> BoxTransport {
    Box::new(transport)
}

fn both<T: Transport + Send + 'static>((near, far): (T, T)) -> Pair {
    (boxed(near), boxed(far))
}

impl<S: Subject> DynSubject for S {
    fn name(&self) -> String {
        Subject::name(self)
    }

    fn pair(&self) -> Making<'_, Pair> {
        Box::pin(async { Subject::pair(self).await.map(both) })
    }

    fn pair_with_max(&self, near: usize, far: usize) -> Making<'_, Pair> {
        Box::pin(async move { Subject::pair_with_max(self, near, far).await.map(both) })
    }

    fn sample(&self, length: usize, seed: u64) -> Option<Vec<u8>> {
        Subject::sample(self, length, seed)
    }

    fn unrepresentable(&self) -> Vec<Vec<u8>> {
        Subject::unrepresentable(self)
    }

    fn drop_ends(&self) -> bool {
        Subject::drop_ends(self)
    }

    fn raw(&self) -> Making<'_, Raw<BoxTransport>> {
        Box::pin(async { Ok(Subject::raw(self).await?.map(boxed)) })
    }

    fn reset<'a>(&'a self, last_words: &'a [Vec<u8>]) -> Making<'a, BoxTransport> {
        Box::pin(async { Subject::reset(self, last_words).await.map(boxed) })
    }

    fn refused(&self) -> Making<'_, Pair> {
        Box::pin(async { Subject::refused(self).await.map(both) })
    }
}

impl Subject for Erased {
    type Transport = BoxTransport;

    fn name(&self) -> String {
        self.0.name()
    }

    fn pair(&self) -> impl Future<Output = Offer<Pair>> {
        self.0.pair()
    }

    fn pair_with_max(&self, near: usize, far: usize) -> impl Future<Output = Offer<Pair>> {
        self.0.pair_with_max(near, far)
    }

    fn sample(&self, length: usize, seed: u64) -> Option<Vec<u8>> {
        self.0.sample(length, seed)
    }

    fn unrepresentable(&self) -> Vec<Vec<u8>> {
        self.0.unrepresentable()
    }

    fn drop_ends(&self) -> bool {
        self.0.drop_ends()
    }

    fn raw(&self) -> impl Future<Output = Offer<Raw<BoxTransport>>> {
        self.0.raw()
    }

    async fn reset(&self, last_words: &[Vec<u8>]) -> Offer<BoxTransport> {
        self.0.reset(last_words).await
    }

    fn refused(&self) -> impl Future<Output = Offer<Pair>> {
        self.0.refused()
    }
}
