//! A server that ends while calls are under way, and one that comes back.

use std::time::Duration;

use anysock::Endpoint;
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::fixture::{Server, socket};
use crate::transport;
use crate::words::Text;
use crate::words::words_client::WordsClient;

const DEADLINE: Duration = Duration::from_secs(30);

fn text(text: &str) -> Text {
    Text { text: text.to_owned() }
}

#[tokio::test]
async fn a_call_under_way_goes_on_after_the_end_has_begun_and_the_socket_file_goes() {
    let path = socket("graceful");
    let mut server = Server::start(&[&format!("unix:{path}"), "tcp://127.0.0.1:0"]);
    let endpoints: Vec<Endpoint> =
        server.endpoints.iter().map(|endpoint| endpoint.parse().unwrap()).collect();
    let mut under_way = Vec::new();
    for endpoint in &endpoints {
        let mut client = WordsClient::new(transport::channel(endpoint).await.unwrap());
        let (send, texts) = tokio::sync::mpsc::channel(1);
        send.send(text("before")).await.unwrap();
        let texts = futures_util::stream::unfold(texts, |mut texts| async move {
            texts.recv().await.map(|text| (text, texts))
        });
        let mut echoes = client.echo(texts).await.unwrap().into_inner();
        let echo = timeout(DEADLINE, echoes.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(echo.text, "before");
        under_way.push((send, echoes));
    }

    server.terminate();
    let refused = async {
        for endpoint in &endpoints {
            while anysock::connect(endpoint).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    };
    timeout(DEADLINE, refused).await.expect("nobody new is let in");
    for (send, mut echoes) in under_way {
        send.send(text("after")).await.unwrap();
        let echo = timeout(DEADLINE, echoes.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(echo.text, "after");
        drop(send);
        assert!(timeout(DEADLINE, echoes.next()).await.unwrap().is_none());
    }
    assert_eq!(server.line(), "all calls were answered");
    assert!(server.child.0.wait().unwrap().success());
    assert!(!std::fs::exists(&path).unwrap(), "{path} is left");
}

#[tokio::test]
async fn a_channel_finds_the_server_that_has_come_back() {
    let path = socket("back");
    let endpoint = format!("unix:{path}");
    let server = Server::start(&[&endpoint]);
    let channel = transport::channel(&endpoint.parse().unwrap()).await.unwrap();
    let mut client = WordsClient::new(channel);
    assert_eq!(client.upper(text("one")).await.unwrap().into_inner().text, "ONE");

    drop(server); // killed: the socket file stays, and the next one replaces it
    assert!(client.upper(text("nobody")).await.is_err());
    let _server = Server::start(&[&endpoint]);
    let answered = async {
        // The first may still meet what the death of the old one has left.
        loop {
            match client.upper(text("two")).await {
                Ok(answer) => return answer.into_inner().text,
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    assert_eq!(timeout(DEADLINE, answered).await.unwrap(), "TWO");
    drop(_server);
    std::fs::remove_file(path).unwrap();
}
