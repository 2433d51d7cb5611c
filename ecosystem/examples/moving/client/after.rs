//! Asks for all, pipelined, and goes on by another connection where one is lost: anysock.

use std::io;
use std::time::Duration;

use anysock::prelude::*;
use anysock::{Backoff, Error, ErrorKind};
use bytes::{Buf, BufMut, Bytes, BytesMut};

/// So many are under way, for one task both sends and receives.
const WINDOW: usize = 64;

pub(crate) async fn ask(endpoint: &str, requests: &[&str]) -> Result<Vec<Option<Bytes>>, Error> {
    let (first, longest) = (Duration::from_millis(10), Duration::from_millis(640));
    let backoff = Backoff::default().first(first).longest(longest).attempts(8);
    let connecting = anysock::connect(endpoint).deadline(Duration::from_secs(2));
    let mut server = connecting.reconnecting(backoff).await?;
    let mut answers: Vec<Option<Bytes>> = vec![None; requests.len()];
    let (mut next, mut under_way) = (0, 0_usize);
    while let Some(first) = answers.iter().position(Option::is_none) {
        let met = if next < requests.len() && under_way < WINDOW {
            let mut request = BytesMut::new();
            request.put_u32(next as u32);
            request.put(requests[next].as_bytes());
            (next, under_way) = (next + 1, under_way + 1);
            server.feed(request).await.map(|()| None)
        } else {
            server.recv().await
        };
        match met {
            Ok(None) => {}
            Ok(Some(answer)) => {
                let mut answer = answer.into_bytes();
                let number = answer.try_get_u32().map_err(io::Error::other)?;
                let place = answers.get_mut(number as usize);
                *place.ok_or(io::Error::from(io::ErrorKind::InvalidData))? = Some(answer);
                under_way = under_way.saturating_sub(1);
            }
            Err(error) if matches!(error.kind(), ErrorKind::Reconnected { .. }) => {
                (next, under_way) = (first, 0); // nothing is repeated, unless by us
            }
            Err(error) => return Err(error),
        }
    }
    Ok(answers)
}
