//! anysock beside its peers: one table of ratios, from contenders interleaved in one process.
//!
//! `cargo bench --bench peers` prints the table; `-- --json FILE` writes it as well. Sender and
//! receiver share one current-thread runtime, so a figure is the cost of both ends without
//! wake-ups across processors. See `harness` for how a ratio comes about.
//!
//! | module | holds |
//! |---|---|
//! | `harness` | contenders in turn, the control, medians |
//! | `report` | one row of the table, its goal, and how it is printed |
//! | `ends` | connected pairs of sockets, a payload, a consumer that checks and copies |
//! | `limit` | what blocking std does at best |
//! | `streams`, `lines`, `packets` | one way, many messages |
//! | `round_trips`, `latency`, `busy_poll` | there and back |
//! | `calls`, `allocations`, `allocator` | what is counted, not timed |
//! | `memory`, `many` | resident bytes per connection, and what many cost the receiver |
//! | `crowd` | what many senders of datagrams cost the receiver |
//! | `observed`, `servers`, `sorters` | a server in a process of its own, from outside and inside |
//! | `churn` | connections that carry one message |
//! | `one_way` | the ends that `scripts/other-peers` runs |
//! | `usage` | what the kernel counts of this process |

mod allocations;
mod allocator;
mod busy_poll;
mod calls;
mod churn;
mod crowd;
mod ends;
mod harness;
mod latency;
mod limit;
mod lines;
mod many;
mod memory;
mod observed;
mod one_way;
mod packet_limit;
mod packets;
mod report;
mod round_trips;
mod servers;
mod sorters;
mod streams;
mod usage;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::report::Report;
use crate::servers::Part;
use crate::sorters::Over;

/// Measures anysock beside its peers.
#[derive(Debug, Parser)]
struct Arguments {
    /// Writes the rows as a JSON array of objects, one a line.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measures only what has this in its name.
    #[arg(long, value_name = "SUBSTRING", default_value = "")]
    only: String,
    /// Of how many interleaved rounds each ratio is the median.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Plays the part of a process that another one of this program observes.
    #[arg(long, hide = true)]
    scene: Option<Scene>,
    /// Which case of that scene, or for how many connections.
    #[arg(long, hide = true, default_value_t = 0)]
    place: usize,
    /// Which contender of that scene.
    #[arg(long, hide = true, default_value = "")]
    name: String,
    /// How long that scene is to last.
    #[arg(long, hide = true, default_value_t = 0)]
    seconds: u64,
    /// What `cargo bench` passes. Without it nothing is measured.
    #[arg(long, hide = true)]
    bench: bool,
    /// What test runners pass.
    #[arg(long, hide = true)]
    test: bool,
}

/// What this program does when it runs itself.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Scene {
    Calls,
    Memory,
    Many,
    UdpCrowd,
    UnixCrowd,
    OneWaySend,
    OneWayRecv,
}

fn main() {
    let arguments = Arguments::parse();
    if arguments.test || !arguments.bench {
        println!("measures under `cargo bench --bench peers` only");
        return;
    }
    if let Some(scene) = arguments.scene {
        return play(scene, &arguments);
    }
    let mut report = Report::new(arguments.only, arguments.rounds);
    streams::measure(&mut report);
    lines::measure(&mut report);
    packets::measure(&mut report);
    latency::measure(&mut report);
    busy_poll::measure(&mut report);
    churn::measure(&mut report);
    many::measure(&mut report);
    crowd::measure(&mut report);
    memory::measure(&mut report);
    calls::measure(&mut report);
    allocations::measure(&mut report);
    report.finish();
    if let Some(file) = arguments.json {
        report.write_json(&file).expect("the JSON file can be written");
    }
}

fn play(scene: Scene, arguments: &Arguments) {
    let Arguments { place, name, seconds, .. } = arguments;
    match scene {
        Scene::Calls => calls::play(*place, name),
        Scene::Memory => servers::play(Part::Memory, *place, name),
        Scene::Many => servers::play(Part::Bursts, *place, name),
        Scene::UdpCrowd => sorters::play(Over::Udp, name),
        Scene::UnixCrowd => sorters::play(Over::Unix, name),
        Scene::OneWaySend => one_way::send(name, *place),
        Scene::OneWayRecv => one_way::recv(name, *place, *seconds),
    }
}
