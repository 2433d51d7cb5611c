//! Several addresses, local addresses, and what becomes of the sockets that lose.

use std::future::pending;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anysock_async::{
    Accepted, Connected, Connector, LocalAddrError, NoConnection, PeerLimits, StreamSocket,
};
use anysock_core::{Addr, Cell, Domain, Options, Socket, Type, UnixAddr};

use crate::fixture::{bind, fresh, hear, ip, until, within};

/// Longer than any test: what waits for it fails.
const NEVER: Duration = Duration::from_secs(600);

/// An address that answers nothing: the backlog is full, and the kernel drops what begins.
struct Hole {
    at: Addr,
    _listener: Socket,
    _first: Connected,
}

impl Hole {
    async fn new(addr: &str) -> Self {
        let at = ip(addr);
        let listener = Socket::open(Cell::new(at.domain(), Type::Stream)).unwrap();
        listener.bind(&at).unwrap();
        listener.listen(0).unwrap();
        let at = listener.local_addr().unwrap();
        let first = crate::fixture::connect(Type::Stream, &at).await.unwrap();
        Self { at, _listener: listener, _first: first }
    }

    /// Sockets of this host that are connecting to it.
    fn attempts(&self) -> usize {
        let table = match self.at.domain() {
            Domain::Ipv4 => "/proc/net/tcp",
            _ => "/proc/net/tcp6",
        };
        let port = format!(":{:04X}", self.at.as_ip().unwrap().port());
        let is_attempt = |line: &&str| {
            let fields: Vec<_> = line.split_whitespace().collect();
            const SYN_SENT: &str = "02";
            fields[2].ends_with(&port) && fields[3] == SYN_SENT
        };
        std::fs::read_to_string(table).unwrap().lines().skip(1).filter(is_attempt).count()
    }
}

/// A socket that refuses: it has a port, and does not listen.
fn refuser(addr: &str) -> (Socket, Addr) {
    let at = ip(addr);
    let socket = Socket::open(Cell::new(at.domain(), Type::Stream)).unwrap();
    socket.bind(&at).unwrap();
    let at = socket.local_addr().unwrap();
    (socket, at)
}

fn listening(addr: &str) -> (std::net::TcpListener, Addr) {
    let listener = std::net::TcpListener::bind(addr.parse::<SocketAddr>().unwrap()).unwrap();
    let at = Addr::Ip(listener.local_addr().unwrap());
    (listener, at)
}

fn streams() -> Connector {
    Connector::new(Type::Stream).deadline(Duration::from_secs(60))
}

fn stream(connected: io::Result<Connected>) -> StreamSocket {
    match connected.unwrap() {
        Connected::Stream(stream) => stream,
        other => panic!("no stream: {other:?}"),
    }
}

fn inner<T: std::error::Error + 'static>(error: &io::Error) -> &T {
    error.get_ref().unwrap().downcast_ref().unwrap_or_else(|| panic!("of another type: {error}"))
}

#[tokio::test]
async fn an_address_that_does_not_answer_is_overtaken_and_its_socket_closed() {
    within(async {
        let hole = Hole::new("127.0.0.1:0").await;
        let (_good, good) = listening("127.0.0.1:0");
        let connected = streams().connect(&[hole.at.clone(), good.clone()]).await;
        assert_eq!(stream(connected).peer_addr().unwrap(), good);
        assert_eq!(hole.attempts(), 0);
    })
    .await;
}

#[tokio::test]
async fn the_other_family_comes_second_whatever_the_order_of_the_rest() {
    within(async {
        let hole = Hole::new("[::1]:0").await;
        let (_six, six) = listening("[::1]:0");
        let (_four, four) = listening("127.0.0.1:0");
        let connected = streams().connect(&[hole.at.clone(), six, four.clone()]).await;
        assert_eq!(stream(connected).peer_addr().unwrap(), four);
        assert_eq!(hole.attempts(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_refusal_begins_the_next_attempt_at_once() {
    within(async {
        let (_socket, refusing) = refuser("127.0.0.1:0");
        let (_good, good) = listening("[::1]:0");
        // Who waited for the delay would not be back in time.
        let connecting = streams().attempt_delay(NEVER).deadline(NEVER);
        let connected = connecting.connect(&[refusing, good.clone()]).await;
        assert_eq!(stream(connected).peer_addr().unwrap(), good);
    })
    .await;
}

#[tokio::test]
async fn dropping_the_future_closes_every_socket_that_was_under_way() {
    within(async {
        let holes = [Hole::new("127.0.0.1:0").await, Hole::new("[::1]:0").await];
        let both = holes.each_ref().map(|hole| hole.at.clone());
        let connecting = tokio::spawn(async move {
            streams().attempt_delay(Duration::from_millis(10)).connect(&both).await
        });
        until(|| holes.iter().all(|hole| hole.attempts() == 1)).await;
        connecting.abort();
        assert!(connecting.await.unwrap_err().is_cancelled());
        assert_eq!(holes.each_ref().map(Hole::attempts), [0, 0]);
    })
    .await;
}

#[tokio::test]
async fn where_all_fail_each_is_told_with_its_error() {
    within(async {
        let (_first, first) = refuser("127.0.0.1:0");
        let (_second, second) = refuser("[::1]:0");
        let both = [first, second];
        let error = streams().connect(&both).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        let told: Vec<_> = inner::<NoConnection>(&error).attempts().collect();
        assert_eq!(told.iter().map(|(addr, _)| (*addr).clone()).collect::<Vec<_>>(), both);
        for (addr, cause) in told {
            assert_eq!(cause.kind(), ErrorKind::ConnectionRefused);
            assert!(error.to_string().contains(&addr.to_string()), "{error}");
        }
    })
    .await;
}

#[tokio::test]
async fn one_deadline_bounds_all_attempts_together() {
    within(async {
        let holes = [Hole::new("127.0.0.1:0").await, Hole::new("127.0.0.1:0").await];
        let both = holes.each_ref().map(|hole| hole.at.clone());
        let connecting = streams().deadline(Duration::from_millis(100));
        let connecting = connecting.attempt_delay(Duration::from_millis(10));
        let error = connecting.connect(&both).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let told = inner::<NoConnection>(&error);
        // How far it came depends on the machine; each address is accounted for.
        assert_eq!(told.attempts().count() + told.untried(), 2);
        assert_eq!(holes.each_ref().map(Hole::attempts), [0, 0]);
    })
    .await;
}

#[tokio::test]
async fn the_deadline_bounds_resolving_as_well() {
    within(async {
        let connecting = streams().deadline(Duration::from_millis(20));
        let error = connecting.connect_resolving(pending()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);

        let (_good, good) = listening("127.0.0.1:0");
        let resolved = streams().connect_resolving(async { Ok(vec![good.clone()]) }).await;
        assert_eq!(stream(resolved).peer_addr().unwrap(), good);

        let none = streams().connect_resolving(async { Ok(vec![]) }).await.unwrap_err();
        assert_eq!(none.kind(), ErrorKind::NotFound);
        let lost = async { Err(io::Error::from(ErrorKind::HostUnreachable)) };
        let lost = streams().connect_resolving(lost).await.unwrap_err();
        assert_eq!(lost.kind(), ErrorKind::HostUnreachable);
    })
    .await;
}

#[tokio::test]
async fn a_datagram_socket_takes_the_first_address_that_the_kernel_accepts() {
    within(async {
        let list = [ip("127.0.0.1:9"), ip("127.0.0.2:9"), ip("[::1]:9")];
        let peer = |connected: io::Result<Connected>| match connected.unwrap() {
            Connected::Datagram(socket) => socket.peer_addr().unwrap(),
            other => panic!("no datagrams: {other:?}"),
        };
        let datagrams = Connector::new(Type::Datagram);
        assert_eq!(peer(datagrams.connect(&list).await), list[0]);
        let from_six = datagrams.local_addr(ip("[::1]:0"));
        assert_eq!(peer(from_six.connect(&list).await), list[2]);
        // The kernel accepts no broadcast address that nobody has asked for.
        let refused = [ip("255.255.255.255:9"), ip("127.0.0.1:9"), ip("[::1]:9")];
        let datagrams = Connector::new(Type::Datagram);
        assert_eq!(peer(datagrams.connect(&refused).await), refused[1]);
    })
    .await;
}

async fn is_known_by_the_local_address_it_asked_for(cell: Cell) {
    let mut listener = bind(cell, &PeerLimits::default()).await;
    let to = listener.local_addr().unwrap();
    let from = match cell.domain {
        // An address that the kernel would not choose.
        Domain::Ipv4 => ip("127.0.0.77:0"),
        domain => fresh(domain),
    };
    let connecting = Connector::new(cell.kind).local_addr(from.clone());
    let connected = connecting.connect(&[to]).await.unwrap();
    let local = match &connected {
        Connected::Stream(socket) => socket.local_addr().unwrap(),
        Connected::Datagram(socket) => socket.local_addr().unwrap(),
        Connected::SeqPacket(socket) => socket.local_addr().unwrap(),
    };
    match (&from, &local) {
        (Addr::Ip(asked), Addr::Ip(got)) => {
            assert_eq!(asked.ip(), got.ip());
            assert_ne!(got.port(), 0);
        }
        _ => assert_eq!(local, from),
    }
    if let Connected::Datagram(socket) = &connected {
        socket.send(b"hello").await.unwrap();
    }
    let seen = match listener.accept().await.unwrap() {
        Accepted::Stream(peer) => peer.peer_addr().unwrap(),
        Accepted::SeqPacket(peer) => peer.peer_addr().unwrap(),
        Accepted::Peer(mut peer) => {
            assert_eq!(hear(&mut peer).await.unwrap().unwrap(), "hello");
            peer.peer_addr().clone()
        }
    };
    assert_eq!(seen, local);
}

per_cell! { is_known_by_the_local_address_it_asked_for {
    unix_stream_is_known_by_the_local_address_it_asked_for => UNIX_STREAM,
    unix_datagram_is_known_by_the_local_address_it_asked_for => UNIX_DATAGRAM,
    unix_seqpacket_is_known_by_the_local_address_it_asked_for => UNIX_SEQPACKET,
    ipv4_stream_is_known_by_the_local_address_it_asked_for => IPV4_STREAM,
    ipv4_datagram_is_known_by_the_local_address_it_asked_for => IPV4_DATAGRAM,
    ipv6_stream_is_known_by_the_local_address_it_asked_for => IPV6_STREAM,
    ipv6_datagram_is_known_by_the_local_address_it_asked_for => IPV6_DATAGRAM,
} }

async fn owns_the_path_it_is_bound_to(cell: Cell) {
    let path = std::env::temp_dir().join(format!("anysock-client-{}-{cell}", std::process::id()));
    let from = Addr::Unix(UnixAddr::path(&path).unwrap());
    let listener = bind(cell, &PeerLimits::default()).await;
    let to = [listener.local_addr().unwrap()];
    // The file of a dead socket is in the way, and is replaced.
    let stale = Socket::open(cell).unwrap();
    stale.bind(&from).unwrap();
    drop(stale);
    assert!(path.exists());

    let connecting = Connector::new(cell.kind).local_addr(from.clone());
    let connected = connecting.connect(&to).await.unwrap();
    // That of a living one is not.
    let error = connecting.connect(&to).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse, "{error}");
    assert!(path.exists());
    the_path_goes_with_the_last_half(connected, &path);

    // Failing leaves nothing behind.
    let nobody = [fresh(Domain::Unix)];
    connecting.connect(&nobody).await.unwrap_err();
    assert!(!path.exists());
}

fn the_path_goes_with_the_last_half(connected: Connected, path: &Path) {
    macro_rules! in_turn {
        ($socket:ident) => {{
            let (receiving, sending) = $socket.into_split();
            drop(receiving);
            assert!(path.exists());
            drop(sending);
        }};
    }
    match connected {
        Connected::Stream(socket) => in_turn!(socket),
        Connected::Datagram(socket) => in_turn!(socket),
        Connected::SeqPacket(socket) => in_turn!(socket),
    }
    assert!(!path.exists());
}

per_cell! { owns_the_path_it_is_bound_to {
    unix_stream_owns_the_path_it_is_bound_to => UNIX_STREAM,
    unix_datagram_owns_the_path_it_is_bound_to => UNIX_DATAGRAM,
    unix_seqpacket_owns_the_path_it_is_bound_to => UNIX_SEQPACKET,
} }

#[tokio::test]
async fn a_local_address_of_another_domain_is_refused_by_a_typed_error() {
    within(async {
        let (_good, good) = listening("127.0.0.1:0");
        for local in [ip("[::1]:0"), fresh(Domain::Unix)] {
            for list in [vec![good.clone()], vec![good.clone(), ip("127.0.0.2:9")]] {
                let connecting = streams().local_addr(local.clone());
                let error = connecting.connect(&list).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                let refused = inner::<LocalAddrError>(&error);
                assert_eq!((refused.local(), refused.to()), (&local, &good));
            }
        }
        // Of several addresses those of its domain are left.
        let connecting = streams().local_addr(ip("127.0.0.1:0"));
        let connected = connecting.connect(&[ip("[::1]:9"), good.clone()]).await;
        assert_eq!(stream(connected).peer_addr().unwrap(), good);
    })
    .await;
}

#[tokio::test]
async fn an_address_that_this_host_has_not_is_named() {
    within(async {
        let (_good, good) = listening("127.0.0.1:0");
        let local = ip("192.0.2.1:0");
        let error = streams().local_addr(local).connect(&[good]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
        assert!(error.to_string().contains("192.0.2.1:0"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_port_of_ones_own_is_used_for_one_address_after_the_other() {
    within(async {
        let (held, local) = refuser("127.0.0.1:0");
        drop(held);
        let (_socket, refusing) = refuser("127.0.0.2:0");
        let (_good, good) = listening("127.0.0.1:0");
        let connecting = streams().local_addr(local.clone()).attempt_delay(Duration::ZERO);
        let connected = stream(connecting.connect(&[refusing, good]).await);
        assert_eq!(connected.local_addr().unwrap(), local);
        drop(connected);

        let hole = Hole::new("127.0.0.1:0").await;
        let (held, local) = refuser("127.0.0.1:0");
        drop(held);
        let (_good, good) = listening("127.0.0.1:0");
        let connecting = streams().local_addr(local).attempt_delay(Duration::ZERO);
        let connecting = connecting.deadline(Duration::from_millis(100));
        let error = connecting.connect(&[hole.at.clone(), good]).await.unwrap_err();
        let told = inner::<NoConnection>(&error);
        assert_eq!((told.attempts().count(), told.untried()), (1, 1));
    })
    .await;
}

async fn does_not_connect_to_itself(cell: Cell) {
    let socket = Socket::open(cell).unwrap();
    socket.bind(&fresh(cell.domain)).unwrap();
    let own = socket.local_addr().unwrap();
    drop(socket);
    let connecting = Connector::new(cell.kind).options(Options::new()).local_addr(own.clone());
    let error = connecting.connect(&[own]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert!(error.to_string().contains("itself"), "{error}");
}

per_cell! { does_not_connect_to_itself {
    unix_datagram_does_not_connect_to_itself => UNIX_DATAGRAM,
    ipv4_stream_does_not_connect_to_itself => IPV4_STREAM,
    ipv4_datagram_does_not_connect_to_itself => IPV4_DATAGRAM,
    ipv6_stream_does_not_connect_to_itself => IPV6_STREAM,
    ipv6_datagram_does_not_connect_to_itself => IPV6_DATAGRAM,
} }

async fn errors_of_connecting_say_whether_trying_again_may_help(domain: Domain) {
    use anysock_async::is_permanent;
    let error = |kind: Type, at: &Addr| {
        let at = at.clone();
        async move { Connector::new(kind).connect(&[at]).await.unwrap_err() }
    };
    let nobody = Socket::open(Cell::new(domain, Type::Stream)).unwrap();
    nobody.bind(&fresh(domain)).unwrap();
    let refused = error(Type::Stream, &nobody.local_addr().unwrap()).await;
    assert!(!is_permanent(&refused), "{refused}");
    if domain != Domain::Unix {
        let unsupported = error(Type::SeqPacket, &nobody.local_addr().unwrap()).await;
        assert!(is_permanent(&unsupported), "{unsupported}");
        return;
    }
    let other = std::env::temp_dir().join(format!("anysock-other-type-{}", std::process::id()));
    let at = Addr::Unix(UnixAddr::path(&other).unwrap());
    let missing = error(Type::Stream, &at).await;
    assert!(!is_permanent(&missing), "{missing}");
    let listener = std::os::unix::net::UnixListener::bind(&other).unwrap();
    let of_another_type = error(Type::SeqPacket, &at).await;
    drop(listener);
    std::fs::remove_file(&other).unwrap();
    assert!(is_permanent(&of_another_type), "{of_another_type}");
    let options = Options::new().nodelay(true);
    let refused = Connector::new(Type::Stream).options(options).connect(&[at]).await.unwrap_err();
    assert!(is_permanent(&refused), "{refused}");
}

#[tokio::test]
async fn unix_errors_of_connecting_say_whether_trying_again_may_help() {
    within(errors_of_connecting_say_whether_trying_again_may_help(Domain::Unix)).await;
}

#[tokio::test]
async fn internet_errors_of_connecting_say_whether_trying_again_may_help() {
    for domain in [Domain::Ipv4, Domain::Ipv6] {
        within(errors_of_connecting_say_whether_trying_again_may_help(domain)).await;
    }
}
