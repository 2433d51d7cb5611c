//! Receive blocks under random operations, against bytes in vectors.

use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

use anysock_core::{Message, RecvBlock};
use bytes::{BufMut, Bytes};
use proptest::collection::vec;
use proptest::prelude::*;

/// What is done next. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Step {
    Reserve(usize),
    Put(usize),
    /// Begins at the first number, or at the front for a whole multiple of four; so that messages
    /// overlap.
    Take(usize, usize),
    Consume(usize),
    Rewind,
    Resize(usize),
    Shrink,
    /// Drops the block while its messages live.
    Begin,
    /// The block goes through another thread, which takes and consumes.
    Cross(usize),
    /// The other one of two blocks is used from here on.
    Swap,
    Drop(usize),
    DropAll,
    /// Another thread checks it, and lets go of it whenever it comes to it.
    Away(usize),
    /// To `Bytes` and back, cut in two.
    Cut(usize, usize),
    Size(usize),
}

fn step() -> impl Strategy<Value = Step> {
    use Step as S;
    // Around the bounds from which on a thread keeps blocks, and beyond.
    let size = || prop_oneof![0_usize..40, 250_usize..260, 0_usize..9000, 8190_usize..8200];
    let any = any::<usize>;
    prop_oneof![
        3 => size().prop_map(S::Reserve),
        6 => size().prop_map(S::Put),
        6 => (any(), any()).prop_map(|(from, length)| S::Take(from, length)),
        4 => size().prop_map(S::Consume),
        2 => Just(S::Rewind),
        1 => size().prop_map(S::Resize),
        1 => Just(S::Shrink),
        1 => Just(S::Begin),
        1 => any().prop_map(S::Cross),
        1 => Just(S::Swap),
        4 => any().prop_map(S::Drop),
        1 => Just(S::DropAll),
        2 => any().prop_map(S::Away),
        1 => (any(), any()).prop_map(|(which, at)| S::Cut(which, at)),
        1 => any().prop_map(S::Size),
    ]
}

/// A message, and what it must say.
type Held = (Message, Vec<u8>);

struct Bench {
    blocks: [(RecvBlock, Vec<u8>); 2],
    held: Vec<Held>,
    /// The next byte to put; no two that are close together are the same.
    byte: u8,
    away: Sender<Held>,
    other: JoinHandle<()>,
    is_any_away: bool,
}

impl Bench {
    fn new() -> Self {
        let (away, received) = channel::<Held>();
        let other = thread::spawn(move || {
            received.into_iter().for_each(|(message, bytes)| assert_eq!(message, bytes));
        });
        let blocks = [(); 2].map(|()| (RecvBlock::new(), Vec::new()));
        Self { blocks, held: Vec::new(), byte: 0, away, other, is_any_away: false }
    }

    fn take(&mut self) -> Option<Held> {
        self.held.pop()
    }

    /// Brings the one of this number to the end.
    fn choose(&mut self, which: usize) {
        if let Some(last) = self.held.len().checked_sub(1) {
            self.held.swap(which % (last + 1), last);
        }
    }

    fn step(&mut self, step: Step) {
        let (block, unread) = &mut self.blocks[0];
        match step {
            Step::Reserve(room) => {
                block.reserve(room).unwrap();
                assert!(block.spare() >= room);
            }
            Step::Put(length) => {
                let length = length.min(block.spare());
                let bytes: Vec<u8> = (0..length).map(|n| self.byte.wrapping_add(n as u8)).collect();
                self.byte = self.byte.wrapping_add(length as u8).wrapping_add(1);
                block.put_slice(&bytes);
                unread.extend(bytes);
            }
            Step::Take(from, length) => {
                let from = if from % 4 == 0 { 0 } else { from % (unread.len() + 1) };
                let to = from + length % (unread.len() - from + 1);
                self.held.push((block.take(from..to), unread[from..to].to_vec()));
            }
            Step::Consume(length) => {
                let length = length.min(unread.len());
                block.consume(length);
                unread.drain(..length);
            }
            Step::Rewind => {
                if block.rewind() {
                    assert_eq!(block.spare() + block.len(), block.capacity());
                    let start = block.unread().as_ptr().addr();
                    let memory = start..start + block.capacity();
                    for (message, _) in self.held.iter().filter(|(held, _)| !held.is_empty()) {
                        assert!(!memory.contains(&message.as_ptr().addr()));
                    }
                }
            }
            Step::Resize(capacity) => {
                let capacity = capacity.max(unread.len());
                block.resize(capacity).unwrap();
                assert_eq!(block.capacity(), capacity);
            }
            Step::Shrink => {
                block.shrink().unwrap();
                assert!(block.capacity() <= 2 * unread.len());
            }
            Step::Begin => (*block, *unread) = Default::default(),
            Step::Cross(length) => {
                let mut crossing = std::mem::take(block);
                let length = length % (unread.len() + 1);
                let (crossed, message) = thread::spawn(move || {
                    drop(crossing.take(0..length));
                    let message = crossing.take(0..length);
                    crossing.consume(length);
                    (crossing, message)
                })
                .join()
                .unwrap();
                *block = crossed;
                self.held.push((message, unread.drain(..length).collect()));
            }
            Step::Swap => self.blocks.swap(0, 1),
            Step::Drop(which) => {
                self.choose(which);
                self.take();
            }
            Step::DropAll => self.held.clear(),
            Step::Away(which) => {
                self.choose(which);
                if let Some(held) = self.take() {
                    self.is_any_away = true;
                    self.away.send(held).unwrap();
                }
            }
            Step::Cut(which, at) => {
                self.choose(which);
                if let Some((message, mut bytes)) = self.take() {
                    let mut first = Bytes::from(message);
                    let at = at % (bytes.len() + 1);
                    let rest = first.split_off(at);
                    self.held.push((rest.into(), bytes.split_off(at)));
                    self.held.push((first.into(), bytes));
                }
            }
            Step::Size(which) => {
                self.choose(which);
                if let Some((message, bytes)) = self.take() {
                    self.held.push((message.to_sized(), bytes));
                }
            }
        }
    }

    /// Looks at every byte of everything.
    fn check(&self) {
        for (block, unread) in &self.blocks {
            assert_eq!(block.unread(), unread);
            assert!(block.len() + block.spare() <= block.capacity());
            let is_held = self.is_any_away || self.held.iter().any(|(held, _)| !held.is_empty());
            assert!(is_held || block.is_alone());
        }
        for (message, bytes) in &self.held {
            assert_eq!(message, bytes);
        }
        assert!(RecvBlock::kept_by_thread() <= 2 * 1024 * 1024);
    }

    fn end(self) {
        let Self { blocks, held, away, other, .. } = self;
        drop((blocks, away));
        other.join().unwrap();
        held.into_iter().for_each(|(message, bytes)| assert_eq!(message, bytes));
    }
}

proptest! {
    #[test]
    fn whatever_is_done_to_blocks_their_messages_say_what_was_received(
        steps in vec(step(), 0..100),
    ) {
        let mut bench = Bench::new();
        for step in steps {
            bench.step(step);
            bench.check();
        }
        bench.end();
    }
}
