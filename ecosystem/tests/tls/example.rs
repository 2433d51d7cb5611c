//! The example as a program: alone, and as two processes with files between them.

use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};

use crate::process::{self, Guarded, example};
use crate::{openssl, tool};

fn tls(arguments: &[&str]) -> (bool, String, String) {
    let program = example("tls");
    let output = process::run(program.to_str().unwrap(), arguments, b"");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_demonstration_shows_an_answer_and_two_refusals_on_each_cell() {
    let (ok, out, err) = tls(&[]);
    assert!(ok, "{err}");
    for what in ["both ends certified", "CertificateRequired", "UnknownIssuer"] {
        assert_eq!(out.matches(what).count(), 3, "{out}");
    }
    let lines: Vec<_> = out.lines().collect();
    assert!(lines.iter().any(|line| line.ends_with("  3") && line.contains("finished")), "{out}");
}

/// A chain of the example's own, and its server, which asks for the client's.
struct Served {
    endpoints: Vec<String>,
    directory: PathBuf,
    server: Guarded,
    /// Held, for at its end it prints its report.
    _lines: Lines<BufReader<ChildStdout>>,
}

impl Served {
    fn with(name: &str, more: &[&str]) -> Self {
        let name = format!("anysock-tls-{name}-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&directory);
        let at = |file: &str| path(&directory, file);
        assert!(tls(&["chain", &at("")]).0);

        let mut server = Command::new(example("tls"));
        server.args(["serve", "tcp://127.0.0.1:0", &format!("unix:{}", at("socket"))]).args(more);
        server.args(["--chain", &at("server.pem"), "--key", &at("server.key")]);
        server.args(["--clients", &at("root.pem")]).stdout(Stdio::piped());
        let mut server = Guarded(server.spawn().unwrap());
        let mut lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
        let endpoints = lines
            .by_ref()
            .take(2)
            .map(|line| line.unwrap().strip_prefix("listening on ").unwrap().to_owned())
            .collect();
        Self { endpoints, directory, server, _lines: lines }
    }

    fn at(&self, file: &str) -> String {
        path(&self.directory, file)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn path(directory: &Path, file: &str) -> String {
    directory.join(file).into_os_string().into_string().unwrap()
}

#[test]
fn a_server_and_a_client_of_one_chain_talk_as_processes() {
    let served = Served::with("processes", &[]);
    let (root, certificate) = (served.at("root.pem"), served.at("client.pem"));
    let key = served.at("client.key");
    for endpoint in &served.endpoints {
        let own = ["--chain", &certificate, "--key", &key];
        let sent = ["send", endpoint, "one", "two", "--root", &root];
        let (ok, out, err) = tls(&[&sent[..], &own[..]].concat());
        assert!(ok, "{err}");
        assert_eq!(out, "one\ntwo\n");

        let (ok, _, err) = tls(&sent);
        assert!(!ok);
        assert_eq!(err, "tls: received fatal alert: CertificateRequired\n");

        let (ok, _, err) = tls(&[&sent[..], &own[..], &["--name", "other"]].concat());
        assert!(!ok);
        assert!(err.starts_with("tls: invalid peer certificate:"), "{err}");
        assert!(err.contains("other"), "{err}");
    }
    let nothing = served.at("nothing.pem");
    let (ok, _, err) = tls(&["send", &served.endpoints[0], "x", "--root", &nothing]);
    assert!(!ok);
    assert!(err.contains("cannot read") && err.contains("nothing.pem"), "{err}");

    let (ok, _, err) = tls(&["chain", &served.at("")]);
    assert!(!ok);
    assert!(err.contains("File exists") && err.contains("name a directory"), "{err}");
}

#[test]
fn a_server_that_is_told_to_end_does_so_in_order() {
    for signal in ["-INT", "-TERM"] {
        let mut served = Served::with(&format!("ends{signal}"), &[]);
        let pid = served.server.0.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        let status = served.server.0.wait().unwrap();
        assert!(status.success(), "{signal}: {status}");
        assert!(!std::fs::exists(served.at("socket")).unwrap(), "{signal}: its socket is left");
    }
}

#[test]
fn openssl_talks_lines_with_the_server_over_tcp_and_a_unix_socket() {
    if !tool::is_there("openssl", "version") {
        return;
    }
    let served = Served::with("openssl", &["--codec", "lines"]);
    for endpoint in &served.endpoints {
        let mut arguments = openssl::asking(&endpoint.parse().unwrap(), &served.at("root.pem"));
        for (option, file) in
            [("-cert", "client.pem"), ("-cert_chain", "client.pem"), ("-key", "client.key")]
        {
            arguments.extend([option.to_owned(), served.at(file)]);
        }
        let output = openssl::talk(&arguments, "\nthree\n");
        let said = openssl::said(&output);
        assert!(output.status.success(), "{said}");
        let chain = " 0 s:CN = localhost";
        for expected in [chain, "Verify return code: 0 (ok)", "\none\ntwo\nthree\n"] {
            assert!(said.contains(expected), "{expected:?} is missing:\n{said}");
        }
    }
}

#[test]
fn help_names_each_role() {
    let (ok, out, _) = tls(&["--help"]);
    assert!(ok);
    for role in ["demo", "chain", "serve", "send"] {
        assert!(out.contains(&format!("\n  {role}")), "{out}");
    }
}
