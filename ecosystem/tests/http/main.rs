//! axum under a unix socket and TCP at once, asked by curl, and its orderly end.

use std::io::{BufRead, BufReader, Lines};
use std::process::{ChildStdout, Command, Stdio};

use self::process::{Guarded, example};

#[path = "../../../tests/support/process.rs"]
mod process;
#[path = "../../../tests/support/tool.rs"]
mod tool;

struct Server {
    child: Guarded,
    lines: Lines<BufReader<ChildStdout>>,
    endpoints: Vec<String>,
}

impl Server {
    fn start(endpoints: &[&str]) -> Self {
        let mut command = Command::new(example("http"));
        let mut child = Guarded(command.args(endpoints).stdout(Stdio::piped()).spawn().unwrap());
        let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
        let bound = endpoints.iter().map(|_| {
            let line = lines.next().expect("it listens").unwrap();
            line.strip_prefix("listening on ").unwrap().to_owned()
        });
        Self { endpoints: bound.collect(), child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("another line").unwrap()
    }
}

/// How curl asks an endpoint for a path.
fn curl(endpoint: &str, path: &str) -> Vec<String> {
    let mut arguments: Vec<String> = ["-sSv", "-g", "--max-time", "30"].map(Into::into).into();
    let host = match endpoint.strip_prefix("unix:") {
        Some(socket) => {
            arguments.extend(["--unix-socket".to_owned(), socket.to_owned()]);
            "localhost"
        }
        None => endpoint.strip_prefix("tcp://").unwrap(),
    };
    arguments.push(format!("http://{host}{path}"));
    arguments
}

fn ask(arguments: &[String]) -> (String, String) {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let output = process::run("curl", &arguments, b"");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (body, transcript) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{transcript}");
    (body, transcript)
}

fn socket(name: &str) -> String {
    let file = format!("anysock-http-{}-{name}", std::process::id());
    std::env::temp_dir().join(file).into_os_string().into_string().unwrap()
}

#[test]
fn curl_is_answered_over_unix_ipv4_and_ipv6_at_once() {
    if !tool::is_there("curl", "--version") {
        return;
    }
    let path = socket("answered");
    let server = Server::start(&[&format!("unix:{path}"), "tcp://127.0.0.1:0", "tcp://[::1]:0"]);
    for endpoint in &server.endpoints {
        let (body, transcript) = ask(&curl(endpoint, "/greet/you"));
        let over = if endpoint.starts_with("unix") { "a unix socket" } else { "TCP" };
        assert_eq!(body, format!("hello you, over {over}\n"));
        for expected in ["> GET /greet/you HTTP/1.1", "< HTTP/1.1 200 OK", "< content-length: "] {
            assert!(transcript.contains(expected), "{expected:?} is missing:\n{transcript}");
        }
        let (_, transcript) = ask(&curl(endpoint, "/nowhere"));
        assert!(transcript.contains("< HTTP/1.1 404 Not Found"), "{transcript}");

        // Two requests by one connection.
        let mut twice = curl(endpoint, "/greet/one");
        let last = twice.last().unwrap().replace("one", "two");
        twice.push(last);
        let (body, transcript) = ask(&twice);
        assert_eq!(body, format!("hello one, over {over}\nhello two, over {over}\n"));
        assert!(transcript.contains("Re-using existing connection"), "{transcript}");
    }
    // It is killed, and leaves its socket file.
    drop(server);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_request_under_way_is_answered_before_the_end_and_the_socket_file_goes() {
    if !tool::is_there("curl", "--version") {
        return;
    }
    let path = socket("graceful");
    let mut server = Server::start(&[&format!("unix:{path}"), "tcp://127.0.0.1:0"]);
    let asking: Vec<_> = server
        .endpoints
        .iter()
        .map(|endpoint| curl(endpoint, "/slow"))
        .map(|arguments| std::thread::spawn(move || ask(&arguments).0))
        .collect();
    for _ in &asking {
        assert_eq!(server.line(), "slow has begun");
    }
    let pid = server.child.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    for answer in asking {
        assert_eq!(answer.join().unwrap(), "answered all the same\n");
    }
    assert_eq!(server.line(), "all requests were answered");
    assert!(server.child.0.wait().unwrap().success());
    assert!(!std::fs::exists(&path).unwrap(), "{path} is left");
}

#[test]
fn what_is_no_stream_is_refused_in_words() {
    let program = example("http");
    let output = process::run(program.to_str().unwrap(), &["udp://127.0.0.1:0"], b"");
    assert!(!output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with("http: a stream of bytes is wanted, and udp://127.0.0.1:"), "{told}");
    assert!(told.contains(" is ipv4-datagram; tcp://HOST:PORT and unix:PATH"), "{told}");
}
