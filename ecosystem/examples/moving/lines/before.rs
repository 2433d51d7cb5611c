//! Sends every line back, over TCP and a unix socket: tokio and tokio-util.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::codec::{Framed, LinesCodec};
use tokio_util::sync::CancellationToken;

pub(crate) async fn serve(
    addr: &str,
    path: &str,
    bound: impl FnOnce(SocketAddr),
    stop: CancellationToken,
) -> io::Result<()> {
    let tcp = TcpListener::bind(addr).await?;
    let unix = bind_unix(path).await?;
    bound(tcp.local_addr()?);
    let mut peers = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = tcp.accept() => match accepted {
                Ok((socket, _)) => {
                    let _ = socket.set_nodelay(true);
                    peers.spawn(echo(socket, stop.clone()));
                }
                Err(error) => survive(error).await?,
            },
            accepted = unix.accept() => match accepted {
                Ok((socket, _)) => {
                    peers.spawn(echo(socket, stop.clone()));
                }
                Err(error) => survive(error).await?,
            },
            Some(_) = peers.join_next() => {}
        }
    }
    drop((tcp, unix));
    std::fs::remove_file(path)?;
    let all = async { while peers.join_next().await.is_some() {} };
    let _ = timeout(Duration::from_secs(5), all).await;
    Ok(())
}

/// A file that a dead server has left is replaced, that of a living one is not.
async fn bind_unix(path: &str) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            match UnixStream::connect(path).await {
                Err(dead) if dead.kind() == io::ErrorKind::ConnectionRefused => {
                    std::fs::remove_file(path)?;
                    UnixListener::bind(path)
                }
                _ => Err(error),
            }
        }
        bound => bound,
    }
}

/// A client that is gone, or descriptors that are short for a while, end no server.
async fn survive(error: io::Error) -> io::Result<()> {
    match (error.kind(), error.raw_os_error()) {
        (io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted, _) => Ok(()),
        (_, Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM)) => {
            sleep(Duration::from_millis(100)).await;
            Ok(())
        }
        _ => Err(error),
    }
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(socket: S, stop: CancellationToken) {
    let mut lines = Framed::new(socket, LinesCodec::new_with_max_length(1024));
    loop {
        tokio::select! {
            biased;
            line = lines.next() => {
                let Some(Ok(line)) = line else { break };
                if lines.send(line).await.is_err() {
                    break;
                }
            }
            () = stop.cancelled() => break,
        }
    }
    let _ = SinkExt::<String>::close(&mut lines).await;
}
