//! The example as a program: alone, and as two processes with files between them.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::process::{self, Guarded, example};

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

#[test]
fn a_server_and_a_client_of_one_chain_talk_as_processes() {
    let name = format!("anysock-tls-example-{}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    let _ = std::fs::remove_dir_all(&directory);
    let at = |file: &str| directory.join(file).into_os_string().into_string().unwrap();
    assert!(tls(&["chain", &at("")]).0);

    let (root, socket) = (at("root.pem"), format!("unix:{}", at("socket")));
    let mut server = Command::new(example("tls"));
    server.args(["serve", "tcp://127.0.0.1:0", &socket, "--chain", &at("server.pem")]);
    server.args(["--key", &at("server.key"), "--clients", &root]).stdout(Stdio::piped());
    let mut server = Guarded(server.spawn().unwrap());
    let lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
    let endpoints: Vec<_> = lines
        .take(2)
        .map(|line| line.unwrap().strip_prefix("listening on ").unwrap().to_owned())
        .collect();

    for endpoint in &endpoints {
        let own = ["--chain", &at("client.pem"), "--key", &at("client.key")];
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
    let (ok, _, err) = tls(&["send", &endpoints[0], "x", "--root", &at("nothing.pem")]);
    assert!(!ok);
    assert!(err.contains("cannot read") && err.contains("nothing.pem"), "{err}");
    drop(server);
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn help_names_each_role() {
    let (ok, out, _) = tls(&["--help"]);
    assert!(ok);
    for role in ["demo", "chain", "serve", "send"] {
        assert!(out.contains(&format!("\n  {role}")), "{out}");
    }
}
