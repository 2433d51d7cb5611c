//! A process of attackers, who know nothing of the library.
//!
//! It runs at the lowest priority: what its own loops cost is not the service's, and would be borne
//! by somebody else's machine. What the service spends on it is at the service's own priority.

mod floods;
mod passing;
mod sources;
mod standing;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::at::At;
use crate::attack::Attack;
use crate::part::{self, Part};

pub(crate) use passing::AT_ONCE;

const TEST: &str = "attacker::the_part_of_attackers";
const PART: &str = "attackers";

/// Attackers at work.
pub(crate) struct Attackers(Part);

/// How many of what, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Orders {
    pub(crate) attack: Attack,
    /// Connections, or source addresses.
    pub(crate) count: usize,
    /// Milliseconds between two bytes or connections, or messages from each source.
    pub(crate) pace: usize,
    /// Bytes of a message, where the attack leaves it open.
    pub(crate) size: usize,
    pub(crate) seed: u64,
}

impl Attackers {
    /// Begins; they stand where they are to stand, or their flood runs, once this returns.
    pub(crate) fn begin(endpoint: &str, orders: Orders) -> Self {
        let Orders { attack, count, pace, size, seed } = orders;
        let name = attack.name();
        let part =
            Part::start(TEST, &format!("{PART} {name} {endpoint} {count} {pace} {size} {seed}"));
        assert_eq!(part.said(), "in position");
        Self(part)
    }

    /// Ends them; how much they have done, and how much of it was refused.
    pub(crate) fn ended(self) -> (u64, u64) {
        let last = self.0.ended();
        let (done, refused) = last.split_once(' ').unwrap();
        (done.parse().unwrap(), refused.parse().unwrap())
    }
}

/// Whether it is time to end.
#[derive(Clone)]
struct Until(Arc<AtomicBool>);

impl Until {
    fn is_over(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn wait(&self) {
        while !self.is_over() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

#[test]
fn the_part_of_attackers() {
    let Some(part) = part::mine(PART) else { return };
    part::allow_many_descriptors();
    // SAFETY: setpriority takes numbers.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 19) };
    let until = Until(Arc::default());
    let told = until.clone();
    std::thread::spawn(move || {
        part::questions().for_each(drop);
        told.0.store(true, Ordering::Relaxed);
    });
    let words: Vec<_> = part.split(' ').collect();
    let number = |at: usize| words[at].parse::<usize>().unwrap();
    let attack = Attack::ALL.into_iter().find(|attack| attack.name() == words[0]).unwrap();
    let orders = Orders {
        attack,
        count: number(2),
        pace: number(3),
        size: number(4),
        seed: words[5].parse().unwrap(),
    };
    let at = At::parse(words[1]);
    let (done, refused) = match attack {
        Attack::Opens => standing::open(&at, orders, &until),
        Attack::Announces => standing::announce(&at, orders, &until),
        Attack::Trickles => standing::trickle(&at, orders, &until),
        Attack::Empties => floods::flood(&at, orders, 0, &until),
        Attack::Crumbs => floods::flood(&at, orders, 1, &until),
        Attack::Deaf => floods::ask_and_never_read(&at, orders, &until),
        Attack::Resets => standing::reset(&at, orders, &until),
        Attack::Sources => sources::send_from_each(&at, orders, &until),
        Attack::Passes => passing::pass(&at, orders, &until),
    };
    part::say(&format!("{done} {refused}"));
}

fn in_position() {
    part::say("in position");
}

/// The next number of a sequence that a seed begins: xorshift64*.
fn next(seed: &mut u64) -> u64 {
    *seed = (*seed).max(1);
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    seed.wrapping_mul(0x2545_F491_4F6C_DD1D)
}
