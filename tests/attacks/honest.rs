//! Well-behaved clients of the service that is attacked, and how much of it they get.

use std::io::{self, ErrorKind, Read};
use std::time::{Duration, Instant};

use socket2::Socket;

use crate::at::At;

/// As many as have a connection each, and one request under way each.
pub(crate) const CLIENTS: usize = 4;

const REQUEST: usize = 64;

/// How long a client that is answered at all may have to wait.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long one waits who knows that datagrams are lost.
const TRIAL: Duration = Duration::from_millis(100);

/// All of them.
pub(crate) struct Honest {
    clients: Vec<Client>,
}

struct Client {
    at: At,
    socket: Socket,
    sent: u64,
    /// It was sent away, and has come again.
    returned: u64,
}

impl Honest {
    pub(crate) fn connect(at: &At) -> Self {
        let connect = |_| Client { at: at.clone(), socket: open(at), sent: 0, returned: 0 };
        Self { clients: (0..CLIENTS).map(connect).collect() }
    }

    /// Each asks as fast as it is answered, until the window is over and it was answered once; how
    /// many answers there were in a second.
    pub(crate) fn ask(&mut self, window: Duration) -> f64 {
        let start = Instant::now();
        let answers: u64 = std::thread::scope(|scope| {
            let asking = self.clients.iter_mut().map(|client| scope.spawn(|| client.ask(window)));
            let asking: Vec<_> = asking.collect();
            asking.into_iter().map(|asking| asking.join().unwrap()).sum()
        });
        answers as f64 / start.elapsed().as_secs_f64()
    }

    /// Each is answered again, also where datagrams were lost before.
    pub(crate) fn recover(&mut self) {
        let start = Instant::now();
        for client in &mut self.clients {
            while client.ask(Duration::ZERO) == 0 && client.exchange().is_err() {
                assert!(start.elapsed() < PATIENCE, "all is well once attackers are gone");
            }
        }
    }

    /// How many messages they have sent.
    pub(crate) fn sent(&self) -> u64 {
        self.clients.iter().map(|client| client.sent).sum()
    }

    /// How often one of them was sent away.
    pub(crate) fn returned(&self) -> u64 {
        self.clients.iter().map(|client| client.returned).sum()
    }
}

fn open(at: &At) -> Socket {
    let socket = at.connect().expect("the service listens");
    let patience = if at.is_datagram() { TRIAL } else { PATIENCE };
    socket.set_read_timeout(Some(patience)).unwrap();
    socket.set_write_timeout(Some(patience)).unwrap();
    socket
}

impl Client {
    fn ask(&mut self, window: Duration) -> u64 {
        let start = Instant::now();
        let mut answers = 0;
        // The datagrams of one may all be lost.
        while start.elapsed() < window || (answers == 0 && !self.at.is_datagram()) {
            match self.exchange() {
                Ok(()) => answers += 1,
                Err(_) if self.at.is_datagram() => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    panic!("a well-behaved client is answered within {PATIENCE:?}")
                }
                Err(_) => {
                    assert!(start.elapsed() < PATIENCE, "a well-behaved client is not sent away");
                    self.returned += 1;
                    self.socket = open(&self.at);
                }
            }
        }
        answers
    }

    fn exchange(&mut self) -> io::Result<()> {
        let mut message = [b'.'; REQUEST];
        message[..8].copy_from_slice(&self.sent.to_ne_bytes());
        let frame = self.at.frame(&message);
        let mut got = vec![0; frame.len()];
        if self.at.is_stream() {
            io::Write::write_all(&mut self.socket, &frame)?;
            self.sent += 1;
            self.socket.read_exact(&mut got)?;
            assert!(got == frame, "an answer is the request");
            return Ok(());
        }
        self.socket.send(&frame)?;
        self.sent += 1;
        loop {
            match (self.socket.read(&mut got)?, self.at.is_datagram()) {
                (length, _) if length == frame.len() && got == frame => return Ok(()),
                // The answer to one that was given up.
                (REQUEST, true) => {}
                (0, false) => return Err(ErrorKind::UnexpectedEof.into()),
                _ => panic!("an answer is the request"),
            }
        }
    }
}
