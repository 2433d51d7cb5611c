//! Answers each datagram with how many its client has sent: tokio and tokio-util.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::net::UdpSocket;
use tokio_util::codec::BytesCodec;
use tokio_util::sync::CancellationToken;
use tokio_util::udp::UdpFramed;

const PEERS: usize = 1024;
const IDLE: Duration = Duration::from_secs(60);

struct Client {
    requests: u64,
    seen: Instant,
}

pub(crate) async fn serve(
    addr: &str,
    bound: impl FnOnce(SocketAddr),
    stop: CancellationToken,
) -> io::Result<()> {
    let socket = UdpSocket::bind(addr).await?;
    bound(socket.local_addr()?);
    let mut datagrams = UdpFramed::new(socket, BytesCodec::new());
    let mut clients: HashMap<SocketAddr, Client> = HashMap::new();
    let mut sweep = tokio::time::interval(IDLE / 4);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = sweep.tick() => clients.retain(|_, client| client.seen.elapsed() < IDLE),
            datagram = datagrams.next() => {
                let Some(Ok((request, from))) = datagram else { continue };
                if clients.len() >= PEERS && !clients.contains_key(&from) {
                    continue;
                }
                let new = Client { requests: 0, seen: Instant::now() };
                let client = clients.entry(from).or_insert(new);
                client.requests += 1;
                client.seen = Instant::now();
                let text = String::from_utf8_lossy(&request);
                let answer = Bytes::from(format!("{}: {text}", client.requests));
                let _ = datagrams.send((answer, from)).await;
            }
        }
    }
}
