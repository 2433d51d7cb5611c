//! A network namespace as a host of its own, wired to others by veth pairs.
//!
//! It has no name in the file system: a descriptor holds it, and the kernel removes it, with its
//! ends of the wires, when that is closed, also if the test fails or is killed.

use std::fs::{self, File};
use std::future::Future;
use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;
use std::pin::pin;
use std::process::{Command, Stdio};

use crate::lacking;
use crate::link::wait_until;

/// The namespace of the calling thread.
const MINE: &str = "/proc/thread-self/ns/net";

/// One host. Sockets that are opened within [`run`](Self::run) or [`within`](Self::within) stay
/// there, whoever uses them.
#[derive(Debug)]
pub(crate) struct Host {
    namespace: File,
    number: u8,
}

/// Two hosts, 1 and 2, joined by wire 0. `None`, after saying why, where hosts cannot be made.
pub(crate) fn wired() -> Option<[Host; 2]> {
    let [left, right] = hosts()?;
    left.wire(&right, 0);
    Some([left, right])
}

/// Hosts 1 to N, not wired yet. `None`, after saying why, where hosts cannot be made; in
/// continuous integration, where nobody looks, that is a failure.
pub(crate) fn hosts<const N: usize>() -> Option<[Host; N]> {
    match (1..=N).map(|number| Host::new(number as u8)).collect::<io::Result<Vec<_>>>() {
        Ok(hosts) => hosts.try_into().ok(),
        Err(why) => {
            lacking::say(format_args!("no network namespaces here: {why}"));
            None
        }
    }
}

impl Host {
    /// A host with its loopback interface up, and addresses that are usable at once.
    fn new(number: u8) -> io::Result<Self> {
        for tool in ["ip", "nft"] {
            let asked = Command::new(tool).arg("-V").stdout(Stdio::null()).status();
            asked.map_err(|error| io::Error::new(error.kind(), format!("{tool}: {error}")))?;
        }
        let before = File::open(MINE)?;
        // SAFETY: unshare takes a number, and changes this thread only.
        if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
            let why = io::Error::last_os_error();
            return Err(io::Error::new(why.kind(), format!("unshare(2): {why}")));
        }
        let namespace = File::open(MINE);
        set_namespace(&before);
        let host = Self { namespace: namespace?, number };
        // Nobody else is on the wire, so that addresses need no test for doubles.
        host.sysctl("net/ipv6/conf/all/accept_dad", "0");
        host.sysctl("net/ipv6/conf/default/accept_dad", "0");
        host.ip("link set lo up");
        Ok(host)
    }

    /// Runs `part` in this host. Threads and processes that it starts are born there.
    pub(crate) fn run<T>(&self, part: impl FnOnce() -> T) -> T {
        let _back = Back(File::open(MINE).unwrap());
        set_namespace(&self.namespace);
        part()
    }

    /// Polls `future` in this host. What it awaits may go on elsewhere, and names are resolved
    /// elsewhere.
    pub(crate) async fn within<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        std::future::poll_fn(|cx| self.run(|| future.as_mut().poll(cx))).await
    }

    /// Joins this host and `other` by a veth pair, whose ends are called `wire{wire}` and have
    /// the addresses that [`v4`](Self::v4) and [`v6`](Self::v6) tell.
    pub(crate) fn wire(&self, other: &Self, wire: u8) {
        let peer = format!("/proc/{}/fd/{}", std::process::id(), other.namespace.as_raw_fd());
        self.ip(&format!("link add wire{wire} type veth peer name wire{wire} netns {peer}"));
        for host in [self, other] {
            let (v4, v6) = (host.v4(wire), host.v6(wire));
            host.ip(&format!("address add {v4}/24 dev wire{wire}"));
            host.ip(&format!("address add {v6}/64 dev wire{wire} nodad"));
            host.ip(&format!("link set wire{wire} up"));
        }
        for host in [self, other] {
            wait_until("the wire is up", || {
                host.ip(&format!("link show dev wire{wire}")).contains("state UP")
            });
        }
    }

    /// This host's IPv4 address on a wire, whose network is 10.77.WIRE.0/24.
    pub(crate) fn v4(&self, wire: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, wire, self.number)
    }

    /// This host's IPv6 address on a wire, whose network is fd77:WIRE::/64.
    pub(crate) fn v6(&self, wire: u8) -> Ipv6Addr {
        Ipv6Addr::new(0xfd77, wire.into(), 0, 0, 0, 0, 0, self.number.into())
    }

    /// The index of an interface of this host.
    pub(crate) fn index(&self, interface: &str) -> u32 {
        let said = self.ip(&format!("-o link show dev {interface}"));
        said.split(':').next().and_then(|index| index.parse().ok()).unwrap()
    }

    /// Runs `ip` with arguments that are separated by spaces; what it said.
    pub(crate) fn ip(&self, arguments: &str) -> String {
        self.command("ip", arguments, "")
    }

    /// Loads rules of nft(8), as a file would have them.
    pub(crate) fn nft(&self, rules: &str) -> String {
        self.command("nft", "-f -", rules)
    }

    /// Sets one of this host's values below /proc/sys.
    pub(crate) fn sysctl(&self, name: &str, value: &str) {
        let set = self.run(|| fs::write(format!("/proc/sys/{name}"), value));
        set.unwrap_or_else(|error| panic!("{name} = {value}: {error}"));
    }

    /// Drops everything that comes by wire 0 from here on, and tells nobody.
    pub(crate) fn turn_deaf(&self) {
        self.nft(
            "table inet deaf { chain ears { type filter hook prerouting priority -300; \
             iifname wire0 drop; }; }",
        );
    }

    /// How many packets a counter of table `inet t` has counted.
    pub(crate) fn counted(&self, counter: &str) -> u64 {
        let said = self.command("nft", &format!("list counter inet t {counter}"), "");
        let mut words = said.split_whitespace().skip_while(|word| *word != "packets").skip(1);
        words.next().and_then(|packets| packets.parse().ok()).unwrap()
    }

    /// Runs a program in this host, to its end.
    #[track_caller]
    fn command(&self, program: &str, arguments: &str, input: &str) -> String {
        let mut command = Command::new(program);
        command.args(arguments.split_whitespace());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.run(|| command.spawn()).unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments}\n{input}{said}{errors}");
        said
    }
}

/// Takes the thread back to where it was.
struct Back(File);

impl Drop for Back {
    fn drop(&mut self) {
        set_namespace(&self.0);
    }
}

/// Moves this thread; nothing that follows would mean what it says if it stayed.
fn set_namespace(namespace: &File) {
    // SAFETY: setns takes a descriptor, which is open while borrowed, and a number.
    let moved = unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) };
    if moved != 0 {
        eprintln!("setns(2): {}", io::Error::last_os_error());
        std::process::abort();
    }
}
