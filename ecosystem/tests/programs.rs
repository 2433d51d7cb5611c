//! What all example programs have in common: their help, and their log.

use std::process::{Command, Output};

use self::process::example;

#[path = "../../tests/support/process.rs"]
#[expect(dead_code, reason = "these end by themselves")]
mod process;

/// Each with what has it bind something and end by itself.
const PROGRAMS: [(&str, &[&str]); 6] = [
    ("calls", &["tcp://127.0.0.1:0"]),
    ("grpc", &["serve", "tcp://127.0.0.1:0", "udp://127.0.0.1:0"]),
    ("http", &["tcp://127.0.0.1:0", "udp://127.0.0.1:0"]),
    ("hyper", &["serve", "tcp://127.0.0.1:0", "udp://127.0.0.1:0"]),
    ("rpc", &["tcp://127.0.0.1:0"]),
    ("tls", &["demo", "tcp://127.0.0.1:0"]),
];

fn run(program: &str, arguments: &[&str], log: Option<&str>) -> Output {
    let mut command = Command::new(example(program));
    command.args(arguments).env_remove("RUST_LOG").envs(log.map(|log| ("RUST_LOG", log)));
    command.output().unwrap()
}

#[test]
fn help_says_what_it_does_with_which_endpoints_and_how_to_see_more() {
    for (program, arguments) in PROGRAMS {
        let subcommand = arguments.first().filter(|it| !it.contains(':')).copied();
        let output = run(program, &["--help"], None);
        assert!(output.status.success(), "{program}");
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(help.contains("RUST_LOG=anysock=debug"), "{program}: {help}");
        let arguments: Vec<_> = subcommand.into_iter().chain(["--help"]).collect();
        let help = String::from_utf8(run(program, &arguments, None).stdout).unwrap();
        assert!(help.contains("tcp://HOST:PORT"), "{program}: {help}");
        assert!(help.contains("unix:PATH"), "{program}: {help}");
    }
}

#[test]
fn the_log_is_on_standard_error_and_as_much_as_was_asked_for() {
    for (program, arguments) in PROGRAMS {
        let told = |log| String::from_utf8(run(program, arguments, log).stderr).unwrap();
        let bound = "anysock_async::bind: bound cell=ipv4-stream";
        let quiet = told(None);
        assert!(!quiet.contains(bound), "{program}: {quiet}");
        let log = told(Some("anysock=debug"));
        assert!(log.contains(bound), "{program}: {log}");
        assert!(!log.contains('\u{1b}'), "{program} colours what is no terminal");
    }
}
