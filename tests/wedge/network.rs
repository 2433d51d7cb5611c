//! A network that this process is alone on, where a neighbour does not answer.

use std::io;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anysock::{Addr, Cell, Domain, Options};

use crate::link;
use crate::sockets::Sockets;

/// How a command becomes one that runs on a network of its own, and is killed as itself.
const OWN_NETWORK: [&str; 3] = ["unshare", "--map-root-user", "--net"];

/// A command that runs `program` on such a network; `None` where that cannot be had.
pub(crate) fn command(program: &std::path::Path) -> Option<Command> {
    static ALLOWED: OnceLock<bool> = OnceLock::new();
    let [unshare, how @ ..] = OWN_NETWORK;
    let allowed = *ALLOWED.get_or_init(|| {
        let add = ["ip", "link", "add", "near", "type", "veth", "peer", "name", "far"];
        let added = Command::new(unshare).args(how).args(add).stderr(Stdio::null()).status();
        added.is_ok_and(|status| status.success())
    });
    if !allowed {
        assert!(std::env::var_os("CI").is_none(), "unshare(1) and ip(8) make no network here");
        return None;
    }
    let mut command = Command::new(unshare);
    command.args(how).arg(program);
    Some(command)
}

/// Only the loopback interface.
pub(crate) fn loopback() {
    ip("link set lo up");
}

/// A wire to a neighbour that says nothing: what is sent to it waits, and is charged to who sent it.
pub(crate) struct Alone {
    own: &'static str,
    neighbour: &'static str,
    prefix: u8,
}

impl Alone {
    pub(crate) fn new(domain: Domain) -> Self {
        let alone = match domain {
            Domain::Ipv4 => Self { own: "10.9.9.1", neighbour: "10.9.9.2", prefix: 24 },
            _ => Self { own: "fd09::1", neighbour: "fd09::2", prefix: 64 },
        };
        loopback();
        ip("link add near type veth peer name far");
        ip("link set far up");
        ip("link set near up");
        let Self { own, prefix, .. } = alone;
        ip(&format!("addr add {own}/{prefix} dev near {}", alone.at_once()));
        // It is asked for as long as anybody may want to look.
        let table = if domain == Domain::Ipv4 { "arp_cache" } else { "ndisc_cache" };
        ip(&format!("ntable change name {table} dev near mcast_probes 1000"));
        alone
    }

    /// A connection to the neighbour, of a socket that has little room.
    pub(crate) async fn connect<S: Sockets>(&self, cell: Cell) -> S::Connection {
        let addr =
            |host: &str, port| Addr::Ip((host.parse::<std::net::IpAddr>().unwrap(), port).into());
        let options = Options::new().send_buffer(4096);
        let connected =
            S::connect(cell, &addr(self.neighbour, 9), Some(&addr(self.own, 0)), &options).await;
        connected.unwrap()
    }

    /// Makes the neighbour's address one of this host, on which nobody listens.
    pub(crate) fn be_the_neighbour(&self) {
        ip(&format!("addr add {} dev lo {}", self.neighbour, self.at_once()));
        // The kernel makes the route a little later.
        let route = format!("route get {}", self.neighbour);
        link::wait_until("the address is local", || ip(&route).starts_with("local"));
    }

    /// Takes the address away again: now nobody says where it is.
    pub(crate) fn leave(&self) {
        let length = if self.prefix == 24 { 32 } else { 128 };
        ip(&format!("addr del {}/{length} dev lo", self.neighbour));
        let route = format!("route get {}", self.neighbour);
        link::wait_until("the address is not local", || !ip(&route).starts_with("local"));
    }

    /// Says where the neighbour is, so that what waits is sent.
    pub(crate) fn answer(&self) {
        ip(&format!("neigh replace {} lladdr 02:00:00:00:00:02 dev near", self.neighbour));
    }

    /// Nobody else could have the address.
    fn at_once(&self) -> &'static str {
        if self.prefix == 24 { "" } else { "nodad" }
    }
}

/// What ip(8) says.
fn ip(arguments: &str) -> String {
    let run = Command::new("ip").args(arguments.split_whitespace()).output();
    let output = run.unwrap_or_else(|error: io::Error| panic!("ip(8): {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments}: {said}");
    String::from_utf8(output.stdout).unwrap()
}
