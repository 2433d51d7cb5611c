//! Who is not who he should be, and the error as the user sees it.

use anysock::prelude::*;
use anysock::{Connection, Error};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, AlertDescription, CertificateError};

use crate::chain::Valid;
use crate::fixture::{CELLS, HOUSE, House, localhost, run, shake};
use crate::upgrade;

/// The rustls error that a user finds in it.
fn found(error: &Error) -> &rustls::Error {
    error.find().unwrap_or_else(|| panic!("no rustls error is in {error:?}"))
}

fn certificate(error: &Error) -> &CertificateError {
    match found(error) {
        rustls::Error::InvalidCertificate(why) => why,
        other => panic!("{other:?}"),
    }
}

fn assert_alert(error: &Error, alert: AlertDescription) {
    assert_eq!(*found(error), rustls::Error::AlertReceived(alert), "{error}");
}

#[test]
fn a_server_of_another_root_is_not_trusted_and_is_told_so() {
    run(async {
        for endpoint in CELLS {
            let stranger = House::new("stranger");
            let trusting = upgrade::connector(HOUSE.roots(), None).unwrap();
            let acceptor = upgrade::acceptor(&stranger.server, None).unwrap();
            let (client, server) = shake(endpoint, (trusting, localhost()), acceptor).await;
            let error = client.unwrap_err();
            assert_eq!(*certificate(&error), CertificateError::UnknownIssuer);
            assert_eq!(error.to_string(), "invalid peer certificate: UnknownIssuer");
            assert!(error.is_fatal());
            assert_alert(&server.unwrap_err(), AlertDescription::UnknownCA);
        }
    });
}

#[test]
fn a_server_of_another_name_is_not_trusted() {
    run(async {
        for endpoint in CELLS {
            let name = ServerName::try_from("elsewhere.example").unwrap();
            let (client, server) = shake(endpoint, (HOUSE.member(), name), HOUSE.mutual()).await;
            let error = client.unwrap_err();
            assert!(
                matches!(certificate(&error), CertificateError::NotValidForNameContext { .. }),
                "{error:?}"
            );
            let told = error.to_string();
            assert!(told.contains("elsewhere.example") && told.contains("localhost"), "{told}");
            assert_alert(&server.unwrap_err(), AlertDescription::BadCertificate);
        }
    });
}

#[test]
fn a_server_whose_certificate_has_expired_is_not_trusted() {
    run(async {
        for endpoint in CELLS {
            let once = HOUSE.authority.sign("localhost", Valid::Once).unwrap();
            let acceptor = upgrade::acceptor(&once, None).unwrap();
            let (client, server) = shake(endpoint, (HOUSE.member(), localhost()), acceptor).await;
            let error = client.unwrap_err();
            assert!(
                matches!(certificate(&error), CertificateError::ExpiredContext { .. }),
                "{error:?}"
            );
            assert!(error.to_string().contains("expired"), "{error}");
            assert_alert(&server.unwrap_err(), AlertDescription::CertificateExpired);
        }
    });
}

/// The client has shaken hands by then (TLS 1.3): what it sends is taken by its kernel, and its first
/// `recv` says why nothing will be answered, not that the connection was reset.
async fn meets(client: Result<Connection, Error>, alert: AlertDescription) {
    let mut client = client.expect("it is over with this side");
    // Refused at once or taken and lost: which one, the race decides.
    let _ = client.send("let me in").await;
    let error = client.recv().await.expect_err("it must not look like an orderly end");
    assert_alert(&error, alert);
    assert!(error.is_fatal());
}

#[test]
fn a_client_without_a_certificate_is_refused_where_it_is_mutual() {
    run(async {
        for endpoint in CELLS {
            let anonymous = upgrade::connector(HOUSE.roots(), None).unwrap();
            let (client, server) = attempt(endpoint, anonymous).await;
            meets(client, AlertDescription::CertificateRequired).await;
            let error = server.await.unwrap().unwrap_err();
            assert_eq!(*found(&error), rustls::Error::NoCertificatesPresented);
            assert_eq!(error.to_string(), "peer sent no certificates");
        }
    });
}

#[test]
fn a_client_of_another_root_is_refused_where_it_is_mutual() {
    run(async {
        for endpoint in CELLS {
            let stranger = House::new("stranger");
            let other = upgrade::connector(HOUSE.roots(), Some(&stranger.client)).unwrap();
            let (client, server) = attempt(endpoint, other).await;
            meets(client, AlertDescription::UnknownCA).await;
            let error = server.await.unwrap().unwrap_err();
            assert_eq!(*certificate(&error), CertificateError::UnknownIssuer);
        }
    });
}

#[test]
fn a_client_whose_certificate_has_expired_is_refused_where_it_is_mutual() {
    run(async {
        for endpoint in CELLS {
            let once = HOUSE.authority.sign("client", Valid::Once).unwrap();
            let late = upgrade::connector(HOUSE.roots(), Some(&once)).unwrap();
            let (client, server) = attempt(endpoint, late).await;
            meets(client, AlertDescription::CertificateExpired).await;
            let error = server.await.unwrap().unwrap_err();
            assert!(matches!(certificate(&error), CertificateError::ExpiredContext { .. }));
        }
    });
}

#[test]
fn a_peer_that_speaks_no_tls_is_refused_with_what_came() {
    run(async {
        for endpoint in CELLS {
            let (mut client, server) = crate::fixture::plain(endpoint).await;
            let server = tokio::spawn(server.upgrade(crate::fixture::DEADLINE, |socket| {
                upgrade::accept(HOUSE.mutual(), socket)
            }));
            client.send("GET / HTTP/1.0").await.unwrap();
            client.close().await.unwrap();
            let error = server.await.unwrap().unwrap_err();
            assert!(matches!(found(&error), rustls::Error::InvalidMessage(_)), "{error:?}");
        }
    });
}

/// The client's side, with the server's left running: it waits for the client's end.
async fn attempt(
    endpoint: &str,
    connector: TlsConnector,
) -> (Result<Connection, Error>, tokio::task::JoinHandle<Result<Connection, Error>>) {
    let (client, server) = crate::fixture::plain(endpoint).await;
    let server = tokio::spawn(
        server.upgrade(crate::fixture::DEADLINE, |socket| upgrade::accept(HOUSE.mutual(), socket)),
    );
    let deadline = crate::fixture::DEADLINE;
    let client =
        client.upgrade(deadline, |socket| upgrade::connect(connector, localhost(), socket)).await;
    (client, server)
}
