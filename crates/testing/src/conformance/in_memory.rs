//! Subjects at hand: the in-memory transport, and any transport in a box.

use anysock_framing::{BoxTransport, SendExt, Transport, memory};

use super::subject::{Offer, Raw, Subject};

/// The in-memory transport of `anysock-framing`.
///
/// ```
/// use anysock_testing::conformance::{InMemory, Subject};
/// assert_eq!(InMemory.name(), "in-memory");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct InMemory;

impl Subject for InMemory {
    type Transport = memory::Memory;

    fn name(&self) -> String {
        "in-memory".into()
    }

    async fn pair(&self) -> Offer<(memory::Memory, memory::Memory)> {
        Ok(memory::pair())
    }

    async fn pair_with_max(
        &self,
        near: usize,
        far: usize,
    ) -> Offer<(memory::Memory, memory::Memory)> {
        // Both ends have the same bounds: the far end could send more than it receives.
        let options = memory::Options::default().max_message(near.max(far));
        Ok(options.max_received(near.min(far)).pair())
    }

    async fn reset(&self, last_words: &[Vec<u8>]) -> Offer<memory::Memory> {
        let (near, mut far) = memory::pair();
        for word in last_words {
            far.send(word).await?;
        }
        far.reset();
        Ok(near)
    }
}

/// The transport of another subject, in a box: `Box<dyn Transport + Send>`.
///
/// ```
/// use anysock_testing::conformance::{Boxed, InMemory, Kit, Law, Subject};
///
/// assert_eq!(Boxed(InMemory).name(), "in-memory, boxed");
/// Kit::default().only(&[Law::Whole]).check(Boxed(InMemory)).assert();
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Boxed<S>(pub S);

fn boxed<T: Transport + Send + 'static>((near, far): (T, T)) -> (BoxTransport, BoxTransport) {
    (Box::new(near), Box::new(far))
}

impl<S: Subject> Subject for Boxed<S> {
    type Transport = BoxTransport;

    fn name(&self) -> String {
        format!("{}, boxed", self.0.name())
    }

    async fn pair(&self) -> Offer<(BoxTransport, BoxTransport)> {
        self.0.pair().await.map(boxed)
    }

    async fn pair_with_max(&self, near: usize, far: usize) -> Offer<(BoxTransport, BoxTransport)> {
        self.0.pair_with_max(near, far).await.map(boxed)
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

    async fn raw(&self) -> Offer<Raw<BoxTransport>> {
        Ok(self.0.raw().await?.map(|near| Box::new(near) as BoxTransport))
    }

    async fn reset(&self, last_words: &[Vec<u8>]) -> Offer<BoxTransport> {
        Ok(Box::new(self.0.reset(last_words).await?))
    }

    async fn refused(&self) -> Offer<(BoxTransport, BoxTransport)> {
        self.0.refused().await.map(boxed)
    }
}
