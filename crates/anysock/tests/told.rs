//! What errors tell a service that knows the face alone: a typed error inside, and what to do.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::time::Duration;

use anysock::prelude::*;
use anysock::{
    AdoptError, Attached, Backoff, EndpointError, EndpointFault, Error, ErrorKind, GaveUp, Group,
    GroupError, LocalAddrError, OptionError, Options, PathError, UnknownInterface, UnsupportedCell,
};
use tokio::time::timeout;

#[path = "../../../tests/support/skipped.rs"]
mod skipped;

/// No test waits for ever.
async fn within<T>(test: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), test).await.expect("this hangs")
}

async fn refused<T>(attempt: impl IntoFuture<Output = Result<T, Error>>) -> Error {
    match within(attempt.into_future()).await {
        Ok(_) => panic!("it was not refused"),
        Err(error) => error,
    }
}

/// A name that no other test has.
fn unique(what: &str) -> String {
    format!("{what}-{}", std::process::id())
}

#[tokio::test]
async fn the_typed_error_is_found_whatever_it_is_wrapped_in() {
    let bad = Options::new().nodelay(true);
    for error in [
        refused(anysock::bind("unix:").options(bad.clone())).await,
        refused(anysock::connect("unix:@nobody").options(bad.clone())).await,
        refused(anysock::connect("unix:@nobody").options(bad).reconnecting(Backoff::default()))
            .await,
    ] {
        match error.find() {
            Some(OptionError::Meaningless { option, .. }) => assert_eq!(*option, "nodelay"),
            other => panic!("{other:?} in {error:?}"),
        }
        assert!(error.find::<PathError>().is_none(), "{error:?}");
    }

    let error = refused(anysock::connect("http://localhost:80")).await;
    assert!(matches!(
        error.find::<EndpointError>().unwrap().fault(),
        EndpointFault::UnknownScheme { .. }
    ));
    let error = refused(anysock::connect("sctp://127.0.0.1:1")).await;
    assert!(error.find::<UnsupportedCell>().is_some(), "{error:?}");
    let error = refused(anysock::bind("unix:/dev/null")).await;
    assert!(error.find::<PathError>().is_some(), "{error:?}");
    let from = "[::1]:0".parse::<SocketAddr>().unwrap();
    let error = refused(anysock::connect("tcp://127.0.0.1:1").local_addr(from)).await;
    assert!(error.find::<LocalAddrError>().is_some(), "{error:?}");
    let error = refused(anysock::bind("fd:1000000")).await;
    assert!(error.find::<AdoptError>().is_some(), "{error:?}");

    // Each of these is inside of the one before.
    let nowhere = Options::new().join(Group::new([239, 1, 2, 3], "nosuch0"));
    let error = refused(anysock::bind("udp://0.0.0.0:0").options(nowhere)).await;
    assert!(error.find::<OptionError>().is_some(), "{error:?}");
    assert!(error.find::<GroupError>().is_some(), "{error:?}");
    assert!(error.find::<UnknownInterface>().is_some(), "{error:?}");
}

#[tokio::test]
async fn who_connects_is_told_the_place_first_and_of_a_file_only_where_there_may_be_one() {
    let name = unique("told-nobody");
    let error = refused(anysock::connect(format!("unix:@{name}"))).await;
    assert_eq!(
        error.to_string(),
        format!(
            "cannot connect to unix-stream @{name}: Connection refused (os error 111); nobody \
             listens there"
        ),
    );
    let backoff = Backoff::default().first(Duration::from_millis(1)).attempts(2);
    let error = refused(anysock::connect(format!("unix:@{name}")).reconnecting(backoff)).await;
    assert_eq!(error.find::<GaveUp>().unwrap().attempts(), 2);
}

#[tokio::test]
async fn an_option_that_names_what_is_not_there_says_where_to_look() {
    let endpoint = "udp://0.0.0.0:0";
    for (options, endpoint, hint) in [
        (Options::new().congestion_control("nosuch"), "tcp://127.0.0.1:0", "_congestion_control"),
        (Options::new().device("nosuch0"), "tcp://127.0.0.1:0", "ip-link(8)"),
        (Options::new().join(Group::new([239, 1, 2, 3], "nosuch0")), endpoint, "ip-link(8)"),
        (Options::new().join(Group::new([10, 1, 2, 3], "lo")), endpoint, "224.0.0.0/4"),
    ] {
        let error = refused(anysock::bind(endpoint).options(options)).await;
        assert!(error.to_string().contains(hint), "{error}");
    }
}

#[tokio::test]
async fn in_memory_options_are_refused_and_not_left_out() {
    let endpoint = format!("mem:{}", unique("told-options"));
    let options = Options::new().receive_credentials(true);
    let listener = anysock::bind(&endpoint).await.unwrap();
    for error in [
        refused(anysock::connect(&endpoint).options(options.clone())).await,
        refused(anysock::bind(&endpoint).options(options)).await,
    ] {
        assert_eq!(error.io_kind(), Some(std::io::ErrorKind::InvalidInput), "{error}");
        assert!(error.to_string().contains(&endpoint), "{error}");
    }
    drop(listener);
}

#[tokio::test]
async fn who_passes_descriptors_to_one_that_has_not_asked_is_told_of_the_option() {
    for endpoint in ["unix:", "unix-seqpacket:", "unix-dgram:"] {
        let listener = anysock::bind(endpoint).await.unwrap();
        let mut client = anysock::connect(listener.endpoint()).await.unwrap();
        let file = std::fs::File::open("/dev/null").unwrap();
        let sending = client.send_with("for you", Attached::nothing().descriptor(file));
        let error = match within(sending).await {
            Err(error) => error,
            Ok(()) => return skipped::say("this kernel has no SO_PASSRIGHTS"),
        };
        assert!(matches!(error.kind(), ErrorKind::Dropped { length: 7, .. }), "{error:?}");
        assert!(error.to_string().contains("receive_descriptors"), "{endpoint}: {error}");
        within(client.send("without")).await.unwrap();
    }
}

#[tokio::test]
async fn a_transport_that_connects_again_says_why_it_never_tells_that_it_closed() {
    let mut listener = anysock::bind("unix:").await.unwrap();
    let connecting = anysock::connect(listener.endpoint()).reconnecting(Backoff::default());
    let mut client = within(connecting.into_future()).await.unwrap();
    client.send("hello").await.unwrap();
    let mut peer = listener.accept().await.unwrap();
    let message = within(peer.recv()).await.unwrap().unwrap();
    peer.send(message).await.unwrap();
    within(client.recv()).await.unwrap().unwrap();

    assert!(client.closed().unwrap_err().to_string().contains("connects again"));
    // And its halves count what the whole does.
    let whole = client.stats();
    let (sending, receiving) = client.split();
    assert_eq!(sending.stats().merge(receiving.stats()), whole);
    assert!(sending.stats().send_calls > 0 && receiving.stats().receive_calls > 0);
    assert!(sending.stats().most_unsent > 0);
    assert!(sending.closed().is_err() && receiving.closed().is_err());
}
