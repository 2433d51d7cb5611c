//! Who sent a message, as the kernel vouches for it.

use anysock::prelude::*;
use anysock::{Ancillary, Arrival};

use crate::links::{Link, over_the_links};

over_the_links!(each_message_tells_who_sent_it_where_that_was_asked_for);

async fn each_message_tells_who_sent_it_where_that_was_asked_for(link: Link) {
    let (mut near, mut far) = link.open(Ancillary::CREDENTIALS | Ancillary::TIMESTAMP).await;
    for text in ["one", "", "three"] {
        near.feed(text).await.unwrap();
    }
    near.flush().await.unwrap();
    for text in ["one", "", "three"] {
        let message = far.recv().await.unwrap().unwrap();
        assert_eq!(message, text);
        assert_eq!(message.credentials().unwrap().pid, Some(std::process::id()));
        assert!(message.arrival().unwrap().timestamp.is_some());
        // The other datagram socket has no name.
        assert_eq!(message.source().is_some(), link == Link::Accepted, "{link:?}");
    }
}

over_the_links!(nothing_comes_along_where_nothing_was_asked_for);

async fn nothing_comes_along_where_nothing_was_asked_for(link: Link) {
    let (mut near, mut far) = link.open(Ancillary::NONE).await;
    for text in ["one", "", "three"] {
        near.send(text).await.unwrap();
        let message = far.recv().await.unwrap().unwrap();
        assert_eq!(message, text);
        assert!(message.arrival().is_none());
    }
}

#[tokio::test]
async fn an_empty_seqpacket_message_is_no_end_after_credentials_are_no_longer_asked_for() {
    let mut listener = anysock::bind("unix-seqpacket:").await.unwrap();
    let mut near = anysock::connect(listener.endpoint()).await.unwrap();
    let mut far = listener.accept().await.unwrap();
    for on in [true, false] {
        far.as_socket().unwrap().ask(Ancillary::CREDENTIALS, on).unwrap();
        near.send("").await.unwrap();
        let message = far.recv().await.unwrap().unwrap();
        assert_eq!(message.arrival().and_then(|along: &Arrival| along.credentials).is_some(), on);
    }
    near.close().await.unwrap();
    assert!(far.recv().await.unwrap().is_none());
}
