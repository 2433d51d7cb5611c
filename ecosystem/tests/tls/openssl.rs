//! `openssl s_client`, a client that knows nothing of rustls, over TCP and over a unix socket.

use std::future::IntoFuture;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anysock::prelude::*;
use anysock::{Delimited, Endpoint, Shutdown};

use crate::fixture::{DEADLINE, HOUSE, House, run};
use crate::process::Guarded;
use crate::{tool, upgrade};

/// The files that openssl is given, of a client of `house` that trusts the common one.
struct Files(PathBuf);

impl Files {
    fn of(house: &House, name: &str) -> Self {
        let name = format!("anysock-openssl-{}-{name}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir(&directory).unwrap();
        for (file, text) in [
            ("root.pem", &HOUSE.authority.root()),
            ("client.pem", &house.client.chain),
            ("client.key", &house.client.key),
        ] {
            std::fs::write(directory.join(file), text).unwrap();
        }
        Self(directory)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).into_os_string().into_string().unwrap()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Serves one client that is openssl with `more`; what it said, and what the handler met.
fn converse(endpoint: &str, files: &Files, more: &[&str]) -> (Output, Vec<String>) {
    let mut result = None;
    run(async {
        let listener = anysock::bind(endpoint).codec(Delimited::lines()).await.unwrap();
        let bound = listener.endpoint().clone();
        let shutdown = Shutdown::new();
        let (tell, mut met) = tokio::sync::mpsc::unbounded_channel();
        let serving = anysock::serve(listener, move |peer| {
            let tell = tell.clone();
            async move {
                let answering = async {
                    let accept = |socket| upgrade::accept(HOUSE.mutual(), socket);
                    let mut peer = peer.upgrade(Duration::from_secs(20), accept).await?;
                    while let Some(line) = peer.recv().await? {
                        peer.send(format!("answer to {}", String::from_utf8_lossy(&line))).await?;
                    }
                    peer.close().await
                };
                answering.await.inspect_err(|error| tell.send(error.to_string()).unwrap())
            }
        });
        let serving = serving.shutdown(shutdown.clone(), DEADLINE).into_future();
        let serving = tokio::spawn(serving);

        let mut arguments = asking(&bound, &files.path("root.pem"));
        arguments.extend(more.iter().map(|&argument| argument.to_owned()));
        let output = tokio::task::spawn_blocking(move || talk(&arguments, "answer to three"));
        let output = output.await.unwrap();
        shutdown.begin();
        serving.await.unwrap();
        let mut errors = Vec::new();
        while let Ok(error) = met.try_recv() {
            errors.push(error);
        }
        result = Some((output, errors));
    });
    result.unwrap()
}

/// How openssl asks at `endpoint` who trusts the certificates in the file `roots`.
pub(crate) fn asking(endpoint: &Endpoint, roots: &str) -> Vec<String> {
    let (how, at) = match endpoint {
        Endpoint::Tcp(_) => ("-connect", endpoint.addr().unwrap().as_ip().unwrap().to_string()),
        _ => ("-unix", endpoint.to_string().replacen("unix:", "", 1)),
    };
    let checking = ["-verify_return_error", "-verify_hostname", "localhost"];
    let mut arguments = ["s_client", how, &at, "-CAfile", roots].map(str::to_owned).to_vec();
    arguments.extend(checking.map(str::to_owned));
    arguments.extend(["-servername", "localhost"].map(str::to_owned));
    arguments
}

/// Says three lines, and ends when the `last` words have come: it waits for nothing itself.
pub(crate) fn talk(arguments: &[String], last: &'static str) -> Output {
    let mut command = Command::new("openssl");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Guarded(command.spawn().unwrap());
    let mut input = child.0.stdin.take().unwrap();
    let mut output = child.0.stdout.take().unwrap();
    // Who refuses it may have ended it already.
    let _ = input.write_all(b"one\ntwo\nthree\n");
    let reading = std::thread::spawn(move || {
        let (mut said, mut some) = (Vec::new(), [0; 4096]);
        let mut input = Some(input);
        while let Ok(read @ 1..) = output.read(&mut some) {
            said.extend_from_slice(&some[..read]);
            if said.windows(last.len()).any(|words| words == last.as_bytes()) {
                input = None;
            }
        }
        drop(input);
        said
    });
    let mut stderr = Vec::new();
    // It ends with the process, which the server ends at its own deadline.
    child.0.stderr.take().unwrap().read_to_end(&mut stderr).unwrap();
    let stdout = reading.join().unwrap();
    Output { status: child.0.wait().unwrap(), stdout, stderr }
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Certified, over each version, the three lines come back.
fn is_answered(endpoint: &str, name: &str) {
    if !tool::is_there("openssl", "version") {
        return;
    }
    let files = Files::of(&HOUSE, name);
    let endpoint = endpoint.replace("DIRECTORY", files.0.to_str().unwrap());
    let (certificate, key) = (files.path("client.pem"), files.path("client.key"));
    for (flag, version) in [("-tls1_3", "TLSv1.3"), ("-tls1_2", "TLSv1.2")] {
        let own = ["-cert", &certificate, "-cert_chain", &certificate, "-key", &key];
        let more = [flag, "-nocommands"];
        let (output, errors) = converse(&endpoint, &files, &[&own[..], &more[..]].concat());
        let said = said(&output);
        assert!(output.status.success(), "{said}");
        for expected in ["Verify return code: 0 (ok)", "Verified peername: localhost", version] {
            assert!(said.contains(expected), "{expected:?} is missing:\n{said}");
        }
        for answer in ["\nanswer to one\n", "answer to two\n", "answer to three\n"] {
            assert!(said.contains(answer), "{answer:?} is missing:\n{said}");
        }
        assert_eq!(errors, [""; 0], "its end is an orderly one");
    }
}

#[test]
fn openssl_is_answered_over_ipv4_stream() {
    is_answered("tcp://127.0.0.1:0", "ipv4");
}

#[test]
fn openssl_is_answered_over_ipv6_stream() {
    is_answered("tcp://[::1]:0", "ipv6");
}

#[test]
fn openssl_is_answered_over_unix_stream() {
    is_answered("unix:DIRECTORY/socket", "unix");
}

#[test]
fn openssl_without_a_certificate_is_told_why_it_is_refused() {
    if !tool::is_there("openssl", "version") {
        return;
    }
    let files = Files::of(&HOUSE, "anonymous");
    for flag in ["-tls1_3", "-tls1_2"] {
        let (output, errors) = converse("tcp://127.0.0.1:0", &files, &[flag, "-ign_eof"]);
        let said = said(&output);
        assert!(said.contains("alert certificate required"), "{said}");
        assert!(!said.contains("answer to"), "{said}");
        assert_eq!(errors, ["peer sent no certificates"]);
    }
}

#[test]
fn openssl_of_another_root_is_told_why_it_is_refused() {
    if !tool::is_there("openssl", "version") {
        return;
    }
    let files = Files::of(&House::new("stranger"), "stranger");
    let (certificate, key) = (files.path("client.pem"), files.path("client.key"));
    let own = ["-cert", &certificate, "-key", &key, "-ign_eof"];
    let (output, errors) = converse("tcp://127.0.0.1:0", &files, &own);
    let said = said(&output);
    assert!(said.contains("unknown ca"), "{said}");
    assert_eq!(errors, ["invalid peer certificate: UnknownIssuer"]);
}
