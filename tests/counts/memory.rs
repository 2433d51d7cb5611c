//! What a connection that waits holds at the server's end, beside what its task needs anyway.

use std::fs;

use crate::allocator::live_bytes;
use crate::bounds::PER_CONNECTION;
use crate::part;
use crate::servers::{Held, Server};

/// Few enough for both ends of all to be open in a process that may have 1,024 descriptors.
const CONNECTIONS: usize = 400;

/// Bytes of the message after which a connection is idle again.
const MESSAGE: usize = 64 << 10;

const RESIDENT: &str = "memory::idle_connections_are_few_pages";

#[test]
fn an_idle_connection_holds_no_more_bytes_than_its_task_needs() {
    let live = |server: Server| server.each(CONNECTIONS, MESSAGE, live_bytes);
    let raw = live(Server::Raw);
    let broken =
        PER_CONNECTION.map(|bound| exceeds(bound.server, live(bound.server), raw, bound.live));
    assert!(!broken.contains(&true), "more than the bound, as is printed above");
}

#[test]
fn idle_connections_are_few_pages() {
    if let Some(server) = part::mine() {
        let servers = [Server::Raw, Server::Framed, Server::Facade];
        let server = servers.iter().find(|each| format!("{each:?}") == server).unwrap();
        let held = server.each(CONNECTIONS, MESSAGE, resident);
        return println!("\nheld {} {}", held.idle, held.after_message);
    }
    let raw = in_a_process_of_its_own(Server::Raw);
    let broken = PER_CONNECTION.map(|bound| {
        exceeds(bound.server, in_a_process_of_its_own(bound.server), raw, bound.resident)
    });
    assert!(!broken.contains(&true), "more than the bound, as is printed above");
}

/// Whether that is more than `most` times what the task alone holds; says so either way.
fn exceeds(server: Server, held: Held, raw: Held, most: f64) -> bool {
    let times = [held.idle / raw.idle, held.after_message / raw.idle];
    println!(
        "{server:?}: {:.0} bytes idle, {:.0} after a message; a raw task {:.0}: {:.3} and {:.3} \
         times, at most {most}",
        held.idle, held.after_message, raw.idle, times[0], times[1]
    );
    times.iter().any(|times| *times > most)
}

/// Where nothing else takes or gives back memory.
fn in_a_process_of_its_own(server: Server) -> Held {
    let output = part::play(&[], RESIDENT, &format!("{server:?}"));
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{errors}");
    let line = said.lines().find_map(|line| line.strip_prefix("held ")).unwrap();
    let mut figures = line.split(' ').map(|figure| figure.parse().unwrap());
    Held { idle: figures.next().unwrap(), after_message: figures.next().unwrap() }
}

/// Bytes of this process that are in memory.
///
/// From `smaps_rollup`, which is exact; the counters in `statm` lag behind by processor.
fn resident() -> i64 {
    let rollup = fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<i64>().unwrap() * 1024
}
