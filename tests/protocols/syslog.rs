//! `syslog` with logger of util-linux, and with streams that are not what they should be.

use std::io::Write;
use std::net::TcpStream;

use serde_json::Value;

use crate::program::{report, start};
use crate::support::process::DEADLINE;
use crate::support::{Directory, Server, run};
use crate::tool;

fn logger_is_there() -> bool {
    tool::is_there("logger", "--version")
}

/// Has logger deliver one message by `how`.
fn log(how: &[&str], message: &str) {
    let of = ["--priority", "daemon.warning", "--tag", "storm", "--id=4711"];
    let output = run("logger", &[how, &of, &[message]].concat(), b"");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The next line that it prints.
fn line(server: &Server) -> String {
    server.lines.recv_timeout(DEADLINE).expect("a line within the deadline")
}

fn entry(server: &Server) -> Value {
    let line = line(server);
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

fn port(endpoint: &str) -> &str {
    endpoint.rsplit_once(':').unwrap().1
}

#[test]
fn logger_delivers_over_every_transport_that_it_has_in_both_formats() {
    if !logger_is_there() {
        return;
    }
    let directory = Directory::new();
    let [datagrams, stream] = ["log", "stream"].map(|name| directory.path(name));
    let endpoints = [
        &format!("unix-dgram:{datagrams}"),
        &format!("unix:{stream}"),
        "udp://127.0.0.1:0",
        "tcp://127.0.0.1:0",
    ];
    let server = start("syslog", &[&endpoints[..], &["--json"]].concat(), 4);
    let (udp, tcp) = (port(&server.endpoints[2]), port(&server.endpoints[3]));
    let remote = |port| ["--server", "127.0.0.1", "--port", port];
    let ways = [
        vec!["--socket", &datagrams],
        vec!["--socket", &stream],
        [&remote(udp)[..], &["--udp"]].concat(),
        [&remote(tcp)[..], &["--tcp"]].concat(),
        [&remote(tcp)[..], &["--tcp", "--octet-count"]].concat(),
    ];
    let mut delivered = 0;
    for way in &ways {
        for format in ["--rfc5424", "--rfc3164"] {
            let message = format!("{delivered}: hail & thunder, 100 km/h");
            log(&[way, &[format][..]].concat(), &message);
            let entry = entry(&server);
            assert_eq!(entry["facility"], "daemon", "{way:?}: {entry}");
            assert_eq!(entry["severity"], "warning", "{way:?}: {entry}");
            assert_eq!(entry["program"], "storm", "{way:?}: {entry}");
            assert_eq!(entry["process"], "4711", "{way:?}: {entry}");
            assert_eq!(entry["message"], *message, "{way:?}: {entry}");
            assert!(entry["time"].is_string() && entry["host"].is_string(), "{way:?}: {entry}");
            // What logger tells of the clock is structured data.
            let told = entry["data"]["timeQuality"]["tzKnown"] == "1";
            assert_eq!(told, format == "--rfc5424", "{way:?}: {entry}");
            delivered += 1;
        }
    }
    let report = report(server);
    assert_eq!(report["messages"]["received"], delivered, "{report}");
    assert_eq!((&report["failed"], &report["aborted"]), (&0.into(), &0.into()), "{report}");
    directory.assert_empty();
}

#[test]
fn a_message_of_this_host_has_a_program_and_no_host() {
    if !logger_is_there() {
        return;
    }
    let directory = Directory::new();
    let path = directory.path("log");
    let server = start("syslog", &[&format!("unix-dgram:{path}"), "--json"], 1);
    // As to /dev/log, where logger writes no host.
    for id in [&["--id=4711"][..], &[]] {
        let how = ["--socket", &path, "--priority", "auth.err", "--tag", "login"];
        let output = run("logger", &[&how, id, &["who is it?"]].concat(), b"");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let entry = entry(&server);
        assert_eq!(entry["program"], "login", "{entry}");
        assert_eq!(entry["host"], Value::Null, "{entry}");
        assert_eq!(entry["severity"], "err", "{entry}");
        assert_eq!(entry["message"], "who is it?", "{entry}");
    }
}

#[test]
fn for_people_a_message_is_one_line_of_columns() {
    if !logger_is_there() {
        return;
    }
    let server = start("syslog", &["udp://127.0.0.1:0"], 1);
    let how = ["--server", "127.0.0.1", "--port", port(&server.endpoints[0]), "--udp"];
    log(&[&how[..], &["--rfc5424"]].concat(), "here it comes");
    let said = line(&server);
    let columns: Vec<_> = said.split_whitespace().collect();
    assert_eq!((columns[1], columns[3]), ("daemon.warning", "storm[4711]"), "{said}");
    assert!(said.ends_with(" here it comes"), "{said}");
    let liar = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = server.endpoints[0].trim_start_matches("udp://");
    liar.send_to(b"<13>Oct 11 22:14:15 host su: one\n<13>Oct 11 22:14:15 host su: two", to)
        .unwrap();
    let said = line(&server);
    assert!(said.ends_with("one\\n<13>Oct 11 22:14:15 host su: two"), "{said}");
    assert!(server.stop("TERM").success());
}

#[test]
fn no_part_of_a_message_gives_orders_to_a_terminal() {
    // ESC, the C1 control that is its like, DEL, what reverses the direction, and a line's end for some.
    let forged = ['\u{1b}', '\u{9b}', '\u{7f}', '\u{202e}', '\u{2028}'];
    for options in [&[][..], &["--json"]] {
        let server = start("syslog", &[&["udp://127.0.0.1:0"], options].concat(), 1);
        let liar = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        liar.connect(server.endpoints[0].trim_start_matches("udp://")).unwrap();
        for char in forged {
            for message in [
                format!(
                    "<13>1 - host{char}[2J app{char} process{char} id{char} [a b=\"{char}\"] m{char}"
                ),
                format!("<13>Oct 11 22:14:15 host{char} app{char}[1{char}]: message{char}[31m"),
                format!("neither{char}]0;title"),
            ] {
                liar.send(message.as_bytes()).unwrap();
                let said = line(&server);
                assert!(!said.contains(char) && !said.contains(char::is_control), "{said:?}");
                assert!(said.contains(&format!("{:x}", u32::from(char))), "{said:?}");
                if !options.is_empty() {
                    let entry: Value = serde_json::from_str(&said).unwrap();
                    assert!(entry["message"].as_str().unwrap().contains(char), "{said:?}");
                }
            }
        }
        assert!(server.stop("TERM").success());
    }
}

#[test]
fn whatever_a_message_is_it_is_one_line_and_none_is_lost() {
    let server = start("syslog", &["udp://127.0.0.1:0", "--json"], 1);
    let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    sender.connect(server.endpoints[0].trim_start_matches("udp://")).unwrap();
    let long = format!("<13>1 - h a - - [a {}] {}", "b=\"c\" ".repeat(4_000), "x".repeat(20_000));
    let messages: [&[u8]; 14] = [
        b"<165>1 2003-10-11T22:14:15.003Z h a 1 I [e@1 q=\"\\\"\\]\\\\\"] \xef\xbb\xbf\xc3\xbc",
        b"<34>Feb 30 25:61:99 h a: a date that is none",
        b"<13>1 2026-02-30T00:00:00Z h a - - - x",
        b"<999>1 - - - - - - no such priority",
        b"<>x",
        b"<1",
        b"",
        b"no priority",
        b"<13>1 - - - - - -",
        b"<13>1 2026-01-01T00:00:00Z h a - - [never ended",
        b"<13>\xff\xfe\0 no text",
        b"<13>1 - host\nforged app - - - two lines",
        b"<13>[[[[[[[[[[[[[[[[",
        long.as_bytes(),
    ];
    for message in messages {
        sender.send(message).unwrap();
        let entry = entry(&server);
        assert!(entry["message"].is_string(), "{entry}");
        if message.starts_with(b"<165>") {
            assert_eq!(
                (&entry["data"]["e@1"]["q"], &entry["message"]),
                (&"\"]\\".into(), &"\u{fc}".into())
            );
        }
    }
    let report = report(server);
    assert_eq!(report["messages"]["received"], messages.len(), "{report}");
    assert_eq!((&report["panicked"], &report["failed"]), (&0.into(), &0.into()), "{report}");
}

#[test]
fn one_bad_message_does_not_end_its_connection() {
    let options = ["tcp://127.0.0.1:0", "--max", "100", "--json"];
    let server = start("syslog", &options, 1);
    let at = server.endpoints[0].trim_start_matches("tcp://").to_owned();
    let good = |number| format!("<13>1 2026-01-01T00:00:00Z host app - - - {number}");
    let long = good("x".repeat(2000));

    let mut lines = TcpStream::connect(&at).unwrap();
    write!(
        lines,
        "{}\n{long}\nno message at all\n{}\r\n{}",
        good("1".into()),
        good("2".into()),
        good("3".into())
    )
    .unwrap();
    lines.shutdown(std::net::Shutdown::Write).unwrap();
    for expected in ["1", "no message at all", "2", "3"] {
        assert_eq!(entry(&server)["message"], expected);
    }

    let mut counted = TcpStream::connect(&at).unwrap();
    for message in [good("4".into()), long, "<13>two\nlines".into(), good("5".into())] {
        write!(counted, "{} {message}", message.len()).unwrap();
    }
    for expected in ["4", "two\nlines", "5"] {
        let entry = entry(&server);
        assert!(entry["message"].as_str().unwrap().ends_with(expected), "{entry}");
    }
    drop((lines, counted));
    let report = report(server);
    assert_eq!(report["messages"]["received"], 7, "{report}");
    assert_eq!(report["messages"]["discarded"], 2, "{report}");
    assert_eq!(report["failed"], 0, "{report}");
}

#[test]
fn a_framing_that_was_asked_for_is_the_only_one() {
    for (codec, sent, printed) in
        [("lines", "12 is a number\n", "12 is a number"), ("octets", "5 <13>a", "a")]
    {
        let server = start("syslog", &["tcp://127.0.0.1:0", "--codec", codec, "--json"], 1);
        let at = server.endpoints[0].trim_start_matches("tcp://");
        let mut stream = TcpStream::connect(at).unwrap();
        stream.write_all(sent.as_bytes()).unwrap();
        let entry = entry(&server);
        assert!(entry["message"].as_str().unwrap().ends_with(printed), "{entry}");
    }
}
