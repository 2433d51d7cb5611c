//! Eight processes bind one path at once: one of them owns it, and the others are told so, also
//! where a dead owner's file lies there, and where an owner dies while they are at it.

mod racer;

use std::fs;
use std::io::IoSlice;

use anysock::{Endpoint, Socket, Type};
use anysock_core::Outgoing;

use self::racer::{Course, Order, Outcome, Racer};
use crate::children::{Child, End};
use crate::effort::tell;
use crate::part::{Run, per_cell};
use crate::{directory::Directory, words};

per_cell! { of_eight_that_race_for_a_path_one_owns_it over unix }

const RACERS: usize = 8;

/// What was seen over all rounds.
#[derive(Default)]
struct Seen {
    owners: u32,
    refused: u32,
    died: u32,
    stale: u32,
}

fn of_eight_that_race_for_a_path_one_owns_it(run: &Run) {
    let rounds = run.effort.pick(30, 150, 1000);
    let directory = Directory::new();
    let path = directory.path("socket");
    let course = Course::new(run.cell, words::endpoint(run.cell, &directory), RACERS);
    let mut racers: Vec<_> = (0..RACERS).map(|index| Racer::start(&course, index)).collect();
    let mut seen = Seen::default();
    for round in 0..rounds {
        let mut random = fastrand::Rng::with_seed(run.seed ^ u64::from(round) << 32);
        if random.bool() && !fs::exists(&path).unwrap() {
            let owner = Child::fork(|| course.die_as_owner());
            assert_eq!(owner.wait(), End::Killed, "round {round}");
        }
        seen.stale += u32::from(fs::exists(&path).unwrap());
        let mortals = [0, 0, 1, 3, RACERS][random.usize(..5)];
        let orders: [_; RACERS] = std::array::from_fn(|index| match index < mortals {
            true => Order::DEATHS[random.usize(..Order::DEATHS.len())],
            false => Order::Bind,
        });
        let outcomes = race(&course, &mut racers, orders);
        judge(outcomes, orders, &mut seen)
            .unwrap_or_else(|why| panic!("round {round}: {why}: {orders:?} {outcomes:?}"));

        let is_owned = outcomes.contains(&Outcome::Owner);
        let sent = is_owned.then(|| send(&course.endpoint, run, round));
        racers.iter_mut().for_each(|racer| racer.order(Order::Release));
        racers.iter_mut().for_each(Racer::wait);
        drop(sent);
        if let Some(owner) = outcomes.iter().position(|outcome| *outcome == Outcome::Owner) {
            assert_eq!(course.received(owner), round, "the owner {owner} was not meant");
            assert!(!fs::exists(&path).unwrap(), "round {round}: the owner has left his file");
        }
    }
    drop(racers);
    let (most, Seen { owners, refused, died, stale }) = (course.most_owners(), seen);
    assert_eq!(most, 1, "owners at a time");
    tell(
        &format!("one of eight that race for a path owns it, {}", run.cell),
        format_args!("{rounds} rounds, {stale} over a dead owner's file, {died} owners died"),
        format_args!("{most} owner at a time, {owners} in all, {refused} told that it is in use"),
        "1 at a time",
    );
}

/// Has all of them bind at once; how it went, when those that were to die are dead and others are in
/// their places.
fn race(course: &Course, racers: &mut [Racer], orders: [Order; RACERS]) -> [Outcome; RACERS] {
    course.close_gate();
    racers.iter_mut().zip(orders).for_each(|(racer, order)| racer.order(order));
    racers.iter_mut().for_each(Racer::wait);
    let outcomes = std::array::from_fn(|index| course.outcome(index));
    for (index, outcome) in outcomes.into_iter().enumerate() {
        if matches!(outcome, Outcome::DiedAsOwner | Outcome::DiedBefore) {
            let dead = std::mem::replace(&mut racers[index], Racer::start(course, index));
            assert_eq!(dead.ended(), End::Killed);
        }
    }
    outcomes
}

fn judge(
    outcomes: [Outcome; RACERS],
    orders: [Order; RACERS],
    seen: &mut Seen,
) -> Result<(), &'static str> {
    let count = |outcome| outcomes.iter().filter(|of| **of == outcome).count() as u32;
    let (owners, died) = (count(Outcome::Owner), count(Outcome::DiedAsOwner));
    let refused = count(Outcome::InUse);
    seen.owners += owners + died;
    seen.refused += refused;
    seen.died += died;
    if count(Outcome::Other) > 0 {
        return Err("neither an owner nor told that the path is in use, as is said above");
    }
    if owners > 1 {
        return Err("several owners");
    }
    if owners == 0 && orders == [Order::Bind; RACERS] {
        return Err("no owner, though nobody died");
    }
    if refused > 0 && owners + died == 0 {
        return Err("told that the path is in use, and nobody owned it");
    }
    Ok(())
}

/// Sends the number of the round to whoever is at the path.
fn send(endpoint: &Endpoint, run: &Run, round: u32) -> Socket {
    let socket = Socket::open(run.cell).unwrap();
    socket.connect(&words::addr(endpoint)).expect("the owner can be reached");
    let message = words::message(0, round, words::HEAD);
    let length = (message.len() as u32).to_be_bytes();
    let head: &[u8] = if run.cell.kind == Type::Stream { &length } else { &[] };
    let slices = [IoSlice::new(head), IoSlice::new(&message)];
    assert_eq!(
        socket.send_message(&slices, &Outgoing::default()).unwrap(),
        head.len() + message.len()
    );
    socket
}
