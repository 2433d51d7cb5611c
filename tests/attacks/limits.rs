//! Those who take as much as the limits of a connection, an address or a user let them, and others beside.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anysock::Cell;
use socket2::Socket;

use crate::at::At;
use crate::bound;
use crate::directory::Directory;
use crate::effort::tell;
use crate::honest::{CLIENTS, Honest};
use crate::serving::{Service, Told, endpoint};
use crate::usage;

/// How many one address, or one user, may have, and how many it tries to have.
const MAY: usize = 8;
const TRIES: usize = 100;

const DEADLINE: Duration = Duration::from_secs(20);

/// A service, those who behave, and what it held with them alone.
struct Besieged {
    service: Service,
    at: At,
    honest: Honest,
    before: (usize, usize),
}

impl Besieged {
    fn new(endpoint: &str, told: &Told) -> Self {
        let service = Service::start(endpoint, told);
        let at = At::parse(&service.endpoint);
        let mut honest = Honest::connect(&at);
        honest.ask(Duration::from_millis(10));
        let id = service.id();
        let before = (usage::resident(id), usage::descriptors(id));
        usage::forget_peak(id);
        Self { service, at, honest, before }
    }

    /// Others are answered, and no more is held than the formula says of `count` who hold `each`: what is,
    /// and what may be.
    fn stands(&mut self, cell: Cell, count: usize, each: usize) -> (usize, usize) {
        self.honest.ask(Duration::from_millis(10));
        let id = self.service.id();
        let most = bound::service(cell) + CLIENTS * bound::busy(cell, 64) + count * each;
        let held = usage::peak(id).saturating_sub(self.before.0);
        assert!(held <= most, "{held} bytes are held, {most} may be");
        (held, most)
    }

    fn descriptors(&self) -> usize {
        usage::descriptors(self.service.id()).saturating_sub(self.before.1)
    }

    /// Waits until so many of others' are open, and no more.
    fn has_descriptors(&self, count: usize) {
        let is_so = || self.descriptors() == count;
        assert!(
            usage::becomes(DEADLINE, is_so),
            "{} are open, {count} expected",
            self.descriptors()
        );
    }
}

/// One row for the worst of all.
fn tell_worst(promise: &str, all: &[(usize, usize)]) {
    let Some((held, most)) = all.iter().max() else { return };
    let tried = format!("{} times {TRIES} at a time: others are answered", all.len());
    tell(promise, tried, format!("{} KiB", held / 1024), format!("{} KiB by formula", most / 1024));
}

/// Whether the service has closed it.
fn is_closed(socket: &mut Socket) -> bool {
    socket.set_nonblocking(true).unwrap();
    let read = socket.read(&mut [0; 64]);
    !read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// Whoever has opened that many: `MAY` are served, and once they are gone he may come again.
fn only_so_many_are_served(
    besieged: &mut Besieged,
    cell: Cell,
    promise: &str,
    open: impl Fn() -> Socket,
) {
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut all: Vec<_> = (0..TRIES).map(|_| open()).collect();
        let mut served = 0;
        let is_settled = || {
            served = all.iter_mut().map(|socket| usize::from(!is_closed(socket))).sum();
            served == MAY
        };
        assert!(usage::becomes(DEADLINE, is_settled), "{served} are served, {MAY} may be");
        besieged.has_descriptors(MAY);
        held.push(besieged.stands(cell, MAY, bound::waiting(2)));
        drop(all);
        besieged.has_descriptors(0);
    }
    tell_worst(promise, &held);
}

#[test]
fn one_address_that_takes_all_it_may_leaves_room_for_others() {
    let told = Told { per_address: Some(MAY), connections: Some(2 * MAY), ..Told::default() };
    let mut besieged = Besieged::new("tcp://127.0.0.1:0", &told);
    let at = besieged.at.clone();
    let open = || {
        let socket = at.socket();
        // All of 127.0.0.0/8 is this host's.
        socket.bind(&SocketAddr::from(([127, 0, 0, 2], 0)).into()).unwrap();
        socket.connect(at.addr()).unwrap();
        socket
    };
    only_so_many_are_served(&mut besieged, Cell::IPV4_STREAM, "one address, all it may", open);
}

#[test]
fn one_user_who_takes_all_he_may_leaves_room_for_others() {
    // SAFETY: it takes nothing, and tells a number.
    if unsafe { libc::geteuid() } != 0 {
        assert!(std::env::var_os("CI").is_none(), "only root can be another user");
        return eprintln!("skipped: only root can be another user");
    }
    let told = Told { per_uid: Some(MAY), connections: Some(2 * MAY), ..Told::default() };
    // Whoever it is may connect to an abstract name.
    let name = format!("anysock-attack-uid-{}", std::process::id());
    let mut besieged = Besieged::new(&format!("unix:@{name}"), &told);
    let open = || std::thread::scope(|scope| scope.spawn(|| open_as_nobody(&name)).join().unwrap());
    only_so_many_are_served(&mut besieged, Cell::UNIX_STREAM, "one user, all he may", open);
}

/// Connects to an abstract name as another user, which this thread is from then on.
fn open_as_nobody(name: &str) -> Socket {
    const NOBODY: libc::uid_t = 65_534;
    // SAFETY: it takes numbers. The system call, unlike the function of libc, is of this thread alone.
    let done = unsafe { libc::syscall(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY) };
    assert_eq!(done, 0, "root may be anybody");
    let socket = Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    socket.connect(&socket2::SockAddr::unix(format!("\0{name}")).unwrap()).unwrap();
    socket
}

#[test]
fn who_announces_more_than_may_be_sent_is_sent_away_at_once() {
    let mut held = Vec::new();
    for cell in [Cell::UNIX_STREAM, Cell::IPV4_STREAM, Cell::IPV6_STREAM] {
        let directory = Directory::new();
        let told = Told { max: Some(1_024), ..Told::default() };
        let mut besieged = Besieged::new(&endpoint(cell, &directory), &told);
        let mut all: Vec<_> = (0..TRIES).map(|_| besieged.at.connect().unwrap()).collect();
        besieged.has_descriptors(TRIES);
        // One byte more, of which none comes.
        all.iter_mut().for_each(|socket| socket.write_all(&1_025_u32.to_be_bytes()).unwrap());
        besieged.has_descriptors(0);
        held.push(besieged.stands(cell, TRIES, bound::brief(4, 1)));
    }
    tell_worst("announces a byte too many", &held);
}

/// Whoever says nothing goes by the idle limit. A byte is something that passes, and one just before the
/// limit keeps a place for as long as the message may be long: against that is the read deadline.
#[test]
fn a_byte_just_before_the_idle_limit_keeps_no_place_beyond_the_read_deadline() {
    const IDLE: Duration = Duration::from_millis(300);
    const DEADLINES: u32 = 3;
    let mut held = Vec::new();
    for cell in [Cell::UNIX_STREAM, Cell::IPV4_STREAM, Cell::IPV6_STREAM] {
        let directory = Directory::new();
        let told =
            Told { idle: Some(IDLE), read_deadline: Some(DEADLINES * IDLE), ..Told::default() };
        let mut besieged = Besieged::new(&endpoint(cell, &directory), &told);
        let mut all: Vec<_> = (0..TRIES).map(|_| besieged.at.connect().unwrap()).collect();
        besieged.has_descriptors(TRIES);
        let frame = besieged.at.frame(&[b'.'; 60_000]);
        let (start, mut sent) = (Instant::now(), 0);
        while besieged.descriptors() > 0 {
            assert!(start.elapsed() < DEADLINE, "{cell}: {sent} bytes kept their places");
            // Every other one says nothing at all.
            for socket in all.iter_mut().step_by(2) {
                let _ = socket.write_all(&frame[sent..=sent]);
            }
            sent += 1;
            besieged.honest.ask(IDLE / 2);
        }
        held.push(besieged.stands(cell, TRIES, bound::waiting(2_047)));
    }
    tell_worst("a byte before the idle limit", &held);
}
