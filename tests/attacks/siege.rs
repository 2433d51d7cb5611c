//! One attack on one service of one cell, from its beginning to its end.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anysock::{Cell, Domain};

use crate::at::At;
use crate::attack::{Attack, cell_name};
use crate::attacker::{Attackers, Orders};
use crate::directory::Directory;
use crate::effort::Effort;
use crate::honest::{CLIENTS, Honest};
use crate::serving::{Counted, Service, Told, endpoint};
use crate::throughput::{HALF, Throughput};
use crate::usage;

/// How long the service may take to let go of attackers who are gone.
const LETTING_GO: Duration = Duration::from_secs(20);

/// Rounds that are added while less than half seems to be kept: on a busy machine a median of few
/// windows may say so of a service that has nothing else to do.
const MORE: usize = 8;

/// Descriptors that a service may need for a moment beside those of connections: a listener's, a
/// duplicate to wait on.
const SOME: usize = 16;

/// What is to be tried, and what may come of it.
pub(crate) struct Siege {
    pub(crate) cell: Cell,
    pub(crate) orders: Orders,
    pub(crate) told: Told,
    /// Bytes, and descriptors, beyond what the service had with its well-behaved clients.
    pub(crate) most_bytes: usize,
    pub(crate) most_descriptors: usize,
    pub(crate) keeps: Keeps,
    /// Whether the service is to have closed all attackers before they go.
    pub(crate) sends_away: bool,
}

/// What well-behaved clients keep of their throughput.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Keeps {
    /// Half of it: nothing more is needed than what the service was told.
    Half,
    /// Each is answered; how much it is, is told.
    Something,
    /// Datagrams may be lost.
    Nothing,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) cell: Cell,
    /// What attackers did, and of how much they were refused.
    pub(crate) done: u64,
    pub(crate) refused: u64,
    pub(crate) peak: usize,
    pub(crate) most_bytes: usize,
    pub(crate) descriptors: usize,
    pub(crate) most_descriptors: usize,
    pub(crate) kept: f64,
    /// Whether that is worth telling.
    pub(crate) is_measured: bool,
    pub(crate) keeps: Keeps,
    pub(crate) counted: Counted,
    /// What well-behaved clients sent.
    pub(crate) honest: u64,
    /// Datagrams that the listener, and the kernel before it, had no room for.
    pub(crate) dropped: u64,
    pub(crate) kernel_dropped: u64,
}

/// Names itself where a test fails.
struct Named(String);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to try this alone: {}", self.0);
        }
    }
}

/// One siege after the other, where throughput decides.
fn in_turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Siege {
    /// Lays it: rounds of windows without attackers and with them, and a last one without.
    pub(crate) fn lay(&self) -> Outcome {
        let effort = Effort::asked();
        let _turn = (effort != Effort::Quick).then(in_turn);
        let orders = self.orders;
        let _named = Named(format!(
            "ANYSOCK_ATTACK='{} {}' ANYSOCK_ATTACK_SEED={}",
            orders.attack.name(),
            cell_name(self.cell),
            orders.seed,
        ));
        let is_measured = self.is_measured(effort);
        let window = Duration::from_millis(effort.pick(10, 40, 200));
        // Before they are deaf they ask, as fast as may be, until nothing more can be kept of it: that
        // is once, and a window is long beside it.
        let window = if orders.attack == Attack::Deaf { 4 * window } else { window };
        let (rounds, windows) = effort.pick((1, 1), (2, 2), (3, 4));
        let (rounds, windows) = if is_measured { (rounds, windows) } else { (1, 1) };

        let directory = Directory::new();
        let mut service = Service::start(&endpoint(self.cell, &directory), &self.told);
        let at = At::parse(&service.endpoint);
        let mut honest = Honest::connect(&at);
        honest.ask(window);
        let id = service.id();
        let before = (usage::resident(id), usage::descriptors(id));
        usage::forget_peak(id);

        let mut throughput = Throughput::new(self, window, is_measured);
        let (mut done, mut refused, mut most) = (0, 0, 0);
        for round in 0..rounds + MORE {
            if round >= rounds
                && !(is_measured && self.keeps == Keeps::Half && throughput.kept() < HALF)
            {
                break;
            }
            (0..windows).for_each(|_| throughput.measure(&mut honest, false));
            let attackers = Attackers::begin(&service.endpoint, orders);
            for _ in 0..windows {
                throughput.measure(&mut honest, true);
                most = most.max(usage::descriptors(id));
            }
            if self.sends_away {
                let is_alone = || usage::descriptors(id) <= before.1 + SOME;
                assert!(usage::becomes(LETTING_GO, is_alone), "attackers are sent away");
            }
            let ended = attackers.ended();
            (done, refused) = (done + ended.0, refused + ended.1);
            let is_alone = || usage::descriptors(id) <= before.1;
            assert!(
                usage::becomes(LETTING_GO, is_alone),
                "{} descriptors once attackers are gone, {} before",
                usage::descriptors(id),
                before.1
            );
        }

        honest.recover();
        let peak = usage::peak(id).max(usage::resident(id)).saturating_sub(before.0);
        let counted = self.settled(&mut service);
        let is_ipv6 = self.cell.domain == Domain::Ipv6;
        let port = at.port().filter(|_| at.is_datagram());
        let kernel_dropped = port.map_or(0, |port| usage::kernel_drops(port, is_ipv6));
        let sent_away = honest.returned();
        let outcome = Outcome {
            cell: self.cell,
            done,
            refused,
            peak,
            most_bytes: self.most_bytes,
            descriptors: most.saturating_sub(before.1),
            most_descriptors: self.most_descriptors + SOME,
            kept: throughput.kept(),
            keeps: self.keeps,
            is_measured,
            counted,
            honest: honest.sent(),
            dropped: service.ended(),
            kernel_dropped,
        };
        directory.assert_empty();
        eprintln!("{} {} {outcome:?}", orders.attack.name(), cell_name(self.cell));
        assert!(sent_away == 0 || self.told.read_deadline.is_some(), "{sent_away} were sent away");
        outcome.check();
        outcome
    }

    /// Whether throughput decides: not where datagrams may be lost, nor in the quick form, which
    /// others run beside.
    fn is_measured(&self, effort: Effort) -> bool {
        self.keeps != Keeps::Nothing && effort != Effort::Quick
    }

    /// What the service has counted once it has nothing more to do.
    fn settled(&self, service: &mut Service) -> Counted {
        let (mut counted, mut unchanged) = (service.counted(), 0);
        // On a busy machine a service that has something to do may have no turn for a while: it is
        // runnable then, and what it has not counted yet is not lost.
        let id = service.id();
        let is_over = || {
            std::thread::sleep(Duration::from_millis(10));
            // Before it is asked, which wakes it.
            let is_waiting = usage::is_waiting(id);
            let before = std::mem::replace(&mut counted, service.counted());
            unchanged = if before == counted && is_waiting { unchanged + 1 } else { 0 };
            unchanged >= 8
        };
        assert!(usage::becomes(LETTING_GO, is_over), "the service comes to rest");
        counted
    }
}

impl Outcome {
    fn check(&self) {
        assert!(self.done + self.refused > 0, "the attack took place: {self:?}");
        assert!(self.peak <= self.most_bytes, "more memory than the bound: {self:?}");
        assert!(self.descriptors <= self.most_descriptors, "more descriptors: {self:?}");
        if self.is_measured && self.keeps == Keeps::Half {
            assert!(self.kept >= HALF, "well-behaved clients kept less than half: {self:?}");
        }
        assert!(self.counted.begun >= CLIENTS as u64);
    }
}
