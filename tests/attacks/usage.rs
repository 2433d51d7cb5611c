//! What a process holds: memory, by proc(5), and descriptors.

use std::fs;
use std::time::{Duration, Instant};

/// Bytes in memory now. From `smaps_rollup`, which is exact; counters elsewhere lag behind by
/// processor.
pub(crate) fn resident(id: u32) -> usize {
    field(&format!("/proc/{id}/smaps_rollup"), "Rss:")
}

/// The most bytes that were in memory since [`forget_peak`].
pub(crate) fn peak(id: u32) -> usize {
    field(&format!("/proc/{id}/status"), "VmHWM:")
}

/// Begins anew to look for the most bytes in memory: proc(5), `clear_refs`.
pub(crate) fn forget_peak(id: u32) {
    fs::write(format!("/proc/{id}/clear_refs"), "5").unwrap();
}

/// Open descriptors.
pub(crate) fn descriptors(id: u32) -> usize {
    fs::read_dir(format!("/proc/{id}/fd")).unwrap().count()
}

/// Whether every thread waits for something to happen: proc(5), `stat`, the field behind the name.
pub(crate) fn is_waiting(id: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{id}/task")).unwrap();
    threads
        .filter_map(|thread| fs::read_to_string(thread.unwrap().path().join("stat")).ok())
        .all(|stat| stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('S')))
}

/// Datagrams that the kernel has dropped at a socket that is bound to a port: proc(5), the last
/// column of `/proc/net/udp`.
pub(crate) fn kernel_drops(port: u16, is_ipv6: bool) -> u64 {
    let table = fs::read_to_string(if is_ipv6 { "/proc/net/udp6" } else { "/proc/net/udp" });
    let local = format!(":{port:04X}");
    let table = table.unwrap();
    let line = table.lines().find(|line| {
        line.split_whitespace().nth(1).is_some_and(|address| address.ends_with(&local))
    });
    line.and_then(|line| line.split_whitespace().last()).unwrap().parse().unwrap()
}

/// Waits, where no event tells; false if the time is over.
pub(crate) fn becomes(deadline: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + deadline;
    while !condition() {
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

/// A field in KiB.
fn field(file: &str, name: &str) -> usize {
    let text = fs::read_to_string(file).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}
