//! Any subject under a wrapper that limits it.

use std::fmt;

use anysock::Transport;
use anysock_testing::conformance::{Offer, Raw, Subject};

/// The transport of another subject, wrapped at both ends.
pub(crate) struct Limited<S: Subject, W> {
    name: &'static str,
    subject: S,
    wrap: fn(S::Transport) -> W,
    with_max: Option<fn(S::Transport, usize) -> W>,
}

impl<S: Subject, W> Limited<S, W> {
    pub(crate) fn new(name: &'static str, subject: S, wrap: fn(S::Transport) -> W) -> Self {
        Self { name, subject, wrap, with_max: None }
    }

    /// Its maximum is the wrapper's, not that of what is wrapped.
    pub(crate) fn with_max(mut self, wrap: fn(S::Transport, usize) -> W) -> Self {
        self.with_max = Some(wrap);
        self
    }
}

impl<S: Subject, W> fmt::Debug for Limited<S, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Limited({})", self.name)
    }
}

impl<S: Subject, W: Transport + Send + 'static> Subject for Limited<S, W> {
    type Transport = W;

    fn name(&self) -> String {
        format!("{}, {}", self.subject.name(), self.name)
    }

    async fn pair(&self) -> Offer<(W, W)> {
        let (near, far) = self.subject.pair().await?;
        Ok(((self.wrap)(near), (self.wrap)(far)))
    }

    async fn pair_with_max(&self, near_max: usize, far_max: usize) -> Offer<(W, W)> {
        if let Some(wrap) = self.with_max {
            let (near, far) = self.subject.pair().await?;
            return Ok((wrap(near, near_max), wrap(far, far_max)));
        }
        let (near, far) = self.subject.pair_with_max(near_max, far_max).await?;
        Ok(((self.wrap)(near), (self.wrap)(far)))
    }

    fn sample(&self, length: usize, seed: u64) -> Option<Vec<u8>> {
        self.subject.sample(length, seed)
    }

    fn unrepresentable(&self) -> Vec<Vec<u8>> {
        self.subject.unrepresentable()
    }

    fn drop_ends(&self) -> bool {
        self.subject.drop_ends()
    }

    async fn raw(&self) -> Offer<Raw<W>> {
        Ok(self.subject.raw().await?.map(self.wrap))
    }

    async fn reset(&self, last_words: &[Vec<u8>]) -> Offer<W> {
        Ok((self.wrap)(self.subject.reset(last_words).await?))
    }

    async fn refused(&self) -> Offer<(W, W)> {
        let (near, far) = self.subject.refused().await?;
        Ok(((self.wrap)(near), (self.wrap)(far)))
    }
}
