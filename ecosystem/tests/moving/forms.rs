//! Both forms of each program, behind the same clients and servers.

use std::fmt::Debug;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use anysock::Shutdown;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket, UnixStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{client, lines, requests};

const DEADLINE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug)]
enum Form {
    Before,
    After,
}

const BOTH: [Form; 2] = [Form::Before, Form::After];

/// A server of either form, with what stops it.
struct Running {
    addr: SocketAddr,
    stop: Box<dyn FnOnce() + Send>,
    served: JoinHandle<()>,
}

impl Running {
    async fn end(self) {
        (self.stop)();
        within(self.served).await.unwrap();
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future).await.expect("within the deadline")
}

fn spawn<E: Debug>(
    serving: impl Future<Output = Result<(), E>> + Send + 'static,
) -> JoinHandle<()> {
    tokio::spawn(async move { serving.await.unwrap() })
}

fn address(endpoint: &anysock::Endpoint) -> SocketAddr {
    endpoint.to_string().split_once("://").unwrap().1.parse().unwrap()
}

async fn serve_lines(form: Form, path: &str) -> Running {
    let (bound, at) = oneshot::channel();
    let (token, shutdown) = (CancellationToken::new(), Shutdown::new());
    let (path, stop) = (path.to_owned(), (token.clone(), shutdown.clone()));
    let served = match form {
        Form::Before => spawn(async move {
            lines::before::serve("127.0.0.1:0", &path, |at| bound.send(at).unwrap(), token).await
        }),
        Form::After => spawn(async move {
            let endpoints = ["tcp://127.0.0.1:0", &format!("unix:{path}")];
            lines::after::serve(&endpoints, |at| bound.send(address(&at[0])).unwrap(), shutdown)
                .await
        }),
    };
    let stop = Box::new(move || {
        stop.0.cancel();
        stop.1.begin();
    });
    Running { addr: within(at).await.unwrap(), stop, served }
}

async fn serve_requests(form: Form) -> Running {
    let (bound, at) = oneshot::channel();
    let (token, shutdown) = (CancellationToken::new(), Shutdown::new());
    let stop = (token.clone(), shutdown.clone());
    let served = match form {
        Form::Before => spawn(async move {
            requests::before::serve("127.0.0.1:0", |at| bound.send(at).unwrap(), token).await
        }),
        Form::After => spawn(async move {
            let bound = |at| bound.send(address(&at)).unwrap();
            requests::after::serve("udp://127.0.0.1:0", bound, shutdown).await
        }),
    };
    let stop = Box::new(move || {
        stop.0.cancel();
        stop.1.begin();
    });
    Running { addr: within(at).await.unwrap(), stop, served }
}

async fn converse(socket: impl AsyncRead + AsyncWrite + Unpin, form: Form) {
    let mut socket = BufReader::new(socket);
    socket.write_all(b"one\n\ntwo\n").await.unwrap();
    for expected in ["one\n", "\n", "two\n"] {
        let mut line = String::new();
        within(socket.read_line(&mut line)).await.unwrap();
        assert_eq!(line, expected, "{form:?}");
    }
    socket.shutdown().await.unwrap();
    let mut rest = Vec::new();
    within(socket.read_to_end(&mut rest)).await.unwrap();
    assert!(rest.is_empty(), "{form:?}");
}

#[tokio::test]
async fn lines_come_back_over_tcp_and_unix_at_once_in_both_forms() {
    for form in BOTH {
        let name = format!("anysock-moving-{}-{form:?}", std::process::id());
        let path = std::env::temp_dir().join(name).into_os_string().into_string().unwrap();
        // What a dead server has left is replaced.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let server = serve_lines(form, &path).await;
        let (tcp, unix) = (TcpStream::connect(server.addr), UnixStream::connect(&path));
        let (tcp, unix) = tokio::join!(tcp, unix);
        tokio::join!(converse(tcp.unwrap(), form), converse(unix.unwrap(), form));

        // Too long a line ends its connection, and no other.
        let mut long = TcpStream::connect(server.addr).await.unwrap();
        let mut idle = BufReader::new(UnixStream::connect(&path).await.unwrap());
        long.write_all(&[b'x'; 4096]).await.unwrap();
        let mut rest = Vec::new();
        let _ = within(long.read_to_end(&mut rest)).await; // a reset is an end as well
        assert!(rest.is_empty(), "{form:?}");
        idle.write_all(b"still\n").await.unwrap();
        let mut line = String::new();
        within(idle.read_line(&mut line)).await.unwrap();
        assert_eq!(line, "still\n", "{form:?}");

        // The end comes in order, while a client is there.
        let ended = tokio::spawn(server.end());
        line.clear();
        assert_eq!(within(idle.read_line(&mut line)).await.unwrap(), 0, "{form:?}");
        drop(idle);
        within(ended).await.unwrap();
        assert!(!std::fs::exists(&path).unwrap(), "{form:?} leaves its socket file");
    }
}

#[tokio::test]
async fn clients_of_one_datagram_server_are_told_apart_in_both_forms() {
    for form in BOTH {
        let server = serve_requests(form).await;
        let mut clients = Vec::new();
        for _ in 0..3 {
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            socket.connect(server.addr).await.unwrap();
            clients.push(socket);
        }
        let mut answer = [0; 100];
        for round in 1..=3 {
            for (number, socket) in clients.iter().enumerate() {
                socket.send(format!("from {number}").as_bytes()).await.unwrap();
                let length = within(socket.recv(&mut answer)).await.unwrap();
                let told = String::from_utf8_lossy(&answer[..length]);
                assert_eq!(told, format!("{round}: from {number}"), "{form:?}");
            }
        }
        server.end().await;
    }
}

/// Sends back what is length-prefixed, at most so many over one connection; counts connections.
async fn cut_off(listener: TcpListener, answers: [usize; 3]) -> usize {
    for (connection, answers) in (1..).zip(answers) {
        let (mut socket, _) = listener.accept().await.unwrap();
        for _ in 0..answers {
            let Ok(length) = socket.read_u32().await else { return connection };
            let mut message = vec![0; length as usize];
            socket.read_exact(&mut message).await.unwrap();
            socket.write_u32(length).await.unwrap();
            socket.write_all(&message).await.unwrap();
        }
    }
    answers.len()
}

#[tokio::test]
async fn every_request_is_answered_though_connections_are_lost_in_both_forms() {
    let requests: Vec<_> = (0..200).map(|number| format!("request {number}")).collect();
    let requests: Vec<_> = requests.iter().map(String::as_str).collect();
    for form in BOTH {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let server = tokio::spawn(cut_off(listener, [20, 0, usize::MAX]));
        let answers = match form {
            Form::Before => {
                within(client::before::ask(&addr.to_string(), &requests)).await.unwrap()
            }
            Form::After => {
                within(client::after::ask(&format!("tcp://{addr}"), &requests)).await.unwrap()
            }
        };
        let answers: Vec<_> = answers.into_iter().map(Option::unwrap).collect();
        assert_eq!(answers, requests, "{form:?}");
        assert_eq!(within(server).await.unwrap(), 3, "{form:?}");
    }
}

#[tokio::test]
async fn who_is_not_there_is_given_up_in_both_forms() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    assert!(within(client::before::ask(&addr.to_string(), &["one"])).await.is_err());
    assert!(within(client::after::ask(&format!("tcp://{addr}"), &["one"])).await.is_err());
}
