//! Asks for all, pipelined, and goes on by another connection where one is lost: tokio and tokio-util.

use std::io;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_util::codec::{Framed, LengthDelimitedCodec};

const ATTEMPTS: u32 = 8;

pub(crate) async fn ask(addr: &str, requests: &[&str]) -> io::Result<Vec<Option<Bytes>>> {
    let mut answers = vec![None; requests.len()];
    let mut failed = 0;
    while let Err(error) = converse(addr, requests, &mut answers, &mut failed).await {
        failed += 1;
        if failed == ATTEMPTS {
            return Err(error);
        }
        let ceiling = Duration::from_millis(10) * 2_u32.pow(failed.min(6));
        sleep(ceiling.mul_f64(fastrand::f64())).await;
    }
    Ok(answers)
}

async fn converse(
    addr: &str,
    requests: &[&str],
    answers: &mut [Option<Bytes>],
    failed: &mut u32,
) -> io::Result<()> {
    let connecting = timeout(Duration::from_secs(2), TcpStream::connect(addr));
    let socket = connecting.await.map_err(|_| io::ErrorKind::TimedOut)??;
    socket.set_nodelay(true)?;
    let codec = LengthDelimitedCodec::builder().max_frame_length(1 << 20).new_codec();
    let (mut sink, mut stream) = Framed::new(socket, codec).split();
    let open: Vec<_> = (0..requests.len()).filter(|&number| answers[number].is_none()).collect();
    let sending = async {
        for &number in &open {
            let mut request = BytesMut::new();
            request.put_u32(number as u32);
            request.put(requests[number].as_bytes());
            sink.feed(request.freeze()).await?;
        }
        sink.flush().await
    };
    let receiving = async {
        for _ in &open {
            let answer = stream.next().await.ok_or(io::ErrorKind::UnexpectedEof)?;
            let mut answer = answer?.freeze();
            let number = answer.try_get_u32().map_err(|_| io::ErrorKind::InvalidData)?;
            let place = answers.get_mut(number as usize).ok_or(io::ErrorKind::InvalidData)?;
            *place = Some(answer);
            *failed = 0;
        }
        Ok::<_, io::Error>(())
    };
    tokio::try_join!(sending, receiving).map(drop)
}
