//! `chat` with socat, Python, and somebody who does not read.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};

use crate::memory::resident;
use crate::program::{report, start};
use crate::socat::{self, address};
use crate::support::process::{DEADLINE, Guarded};
use crate::support::{Directory, Server};
use crate::tool;

/// Somebody in the room, by a program of which each line of input is said, and each line of output
/// was heard.
struct Guest {
    input: Option<ChildStdin>,
    heard: Receiver<String>,
    program: Guarded,
}

impl Guest {
    /// Enters by socat over a stream, by Python over datagrams and seqpacket.
    fn enter(endpoint: &str, name: &str) -> Self {
        let is_stream = endpoint.starts_with("tcp:") || endpoint.starts_with("unix:");
        let mut command = match is_stream {
            true => Command::new("socat"),
            false => Command::new("python3"),
        };
        match is_stream {
            true => command.args(["-t", "20", "-", &address(endpoint)]),
            false => {
                let script = format!("{}/tests/protocols/guest.py", env!("CARGO_MANIFEST_DIR"));
                command.args(["-B", &script, endpoint])
            }
        };
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut guest = Self::of(child);
        guest.say(&format!("/name {name}"));
        guest.hear("* you are ");
        guest
    }

    fn of(mut child: Child) -> Self {
        let (sender, heard) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { input: child.stdin.take(), heard, program: Guarded(child) }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The next line, which begins with that.
    #[track_caller]
    fn hear(&self, beginning: &str) -> String {
        let line = self.heard.recv_timeout(DEADLINE).expect("a line within the deadline");
        assert!(line.starts_with(beginning), "{line:?} instead of {beginning:?}");
        line
    }

    /// Ends its input, and waits for it to end.
    fn leave(mut self) {
        drop(self.input.take());
        assert!(self.heard.recv_timeout(DEADLINE).is_err(), "nothing more is said");
        assert!(self.program.0.wait().unwrap().success());
    }
}

fn tools_are_there() -> bool {
    socat::is_there() && tool::is_there("python3", "--version")
}

fn room(directory: &Directory, options: &[&str]) -> Server {
    let unix = ["unix:", "unix-dgram:", "unix-seqpacket:"]
        .map(|scheme| format!("{scheme}{}", directory.path(scheme.trim_end_matches(':'))));
    let mut arguments =
        vec!["tcp://127.0.0.1:0", "tcp://[::1]:0", "udp://127.0.0.1:0", "udp://[::1]:0"];
    arguments.extend(unix.iter().map(String::as_str));
    arguments.extend(options);
    start("chat", &arguments, 7)
}

#[test]
fn clients_on_all_cells_hear_each_other_come_speak_and_go() {
    if !tools_are_there() {
        return;
    }
    let directory = Directory::new();
    let room = room(&directory, &["--json"]);
    let mut guests: Vec<(String, Guest)> = Vec::new();
    for (number, endpoint) in room.endpoints.iter().enumerate() {
        let name = format!("name{number}");
        let guest = Guest::enter(endpoint, &name);
        for (_, other) in &guests {
            other.hear("* guest-");
            assert!(other.hear("* guest-").ends_with(&format!(" is {name} now")));
        }
        guests.push((name, guest));
    }
    for speaker in 0..guests.len() {
        guests[speaker].1.say("hello, all of you");
        for (listener, (_, guest)) in guests.iter().enumerate() {
            if listener != speaker {
                assert_eq!(guest.hear("name"), format!("name{speaker}: hello, all of you"));
            }
        }
    }
    guests[0].1.say("/name name1");
    guests[0].1.hear("* name1 is here already");
    guests[0].1.say("/who");
    guests[0].1.hear("* 7 here: name0, name1, name2, name3, name4, name5, name6");
    while let Some((name, guest)) = guests.pop() {
        guest.leave();
        for (_, other) in &guests {
            assert_eq!(other.hear("*"), format!("* {name} has gone"));
        }
    }
    let report = report(room);
    assert_eq!((&report["accepted"], &report["finished"]), (&7.into(), &7.into()), "{report}");
    assert_eq!(report["messages"]["missed"], 0, "{report}");
    directory.assert_empty();
}

#[test]
fn a_datagram_of_several_lines_is_one_line_of_its_sender() {
    if !tools_are_there() {
        return;
    }
    let directory = Directory::new();
    let room = room(&directory, &[]);
    let listener = Guest::enter(&room.endpoints[0], "listener");
    let liar = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let udp = room.endpoints[2].trim_start_matches("udp://");
    liar.send_to(b"hello\nlistener: I said nothing\n", udp).unwrap();
    listener.hear("* guest-2 has come");
    assert_eq!(listener.hear(""), "guest-2: hello\u{fffd}listener: I said nothing");
}

#[test]
fn who_does_not_read_holds_up_nobody_and_is_told_what_was_missed() {
    if !tools_are_there() {
        return;
    }
    /// More than the kernel, the connection and the room hold.
    const LINES: u32 = 6_000;
    const MOST_KIB: u64 = 8 * 1024;
    let directory = Directory::new();
    let room = room(&directory, &["--backlog", "64", "--json"]);
    let slow = TcpStream::connect(room.endpoints[0].trim_start_matches("tcp://")).unwrap();
    let mut slow_lines = BufReader::new(slow.try_clone().unwrap()).lines().map(Result::unwrap);
    assert!(slow_lines.next().unwrap().starts_with("* you are guest-1"));
    // One behind datagrams as well, of whom nobody knows whether he is there still.
    let silent = UnixDatagram::bind(directory.path("silent")).unwrap();
    silent.send_to(b"I only talk", room.endpoints[5].trim_start_matches("unix-dgram:")).unwrap();
    assert_eq!(slow_lines.next().unwrap(), "* guest-2 has come");
    let mut speaker = Guest::enter(&room.endpoints[4], "speaker");
    let reader = Guest::enter(&room.endpoints[1], "reader");
    speaker.hear("* guest-4 has come");
    speaker.hear("* guest-4 is reader now");
    let before = resident(&room);
    let filler = ".".repeat(4000);
    for number in 0..LINES {
        speaker.say(&format!("{number} {filler}"));
        // In turn, so that whoever reads misses nothing.
        reader.hear(&format!("speaker: {number} "));
    }
    let grown = resident(&room).saturating_sub(before);
    assert!(grown < MOST_KIB, "it has grown by {grown} KiB");

    // Now it reads: what the kernel had, what it missed, and the newest lines to the last.
    slow.set_read_timeout(Some(DEADLINE)).unwrap();
    let (mut heard, mut missed) = (0, 0);
    for line in slow_lines {
        if let Some(rest) = line.strip_prefix("* up to ").and_then(|line| line.split_once(" lines"))
        {
            missed += rest.0.parse::<u32>().unwrap();
        } else if line.starts_with("speaker: ") {
            heard += 1;
            if line.starts_with(&format!("speaker: {} ", LINES - 1)) {
                break;
            }
        }
    }
    assert!(missed > 0);
    // What was said of those who came, and to them alone, may be among the missed.
    assert!((LINES..=LINES + 10).contains(&(heard + missed)), "{heard} heard, {missed} missed");
    drop(slow);
    speaker.hear("* guest-1 has gone");
    speaker.leave();
    reader.hear("* guest-1 has gone");
    reader.hear("* speaker has gone");
    reader.leave();
    let report = report(room);
    assert!(report["messages"]["missed"].as_u64() > Some(missed.into()), "{report}");
    drop(silent);
}

#[test]
fn a_room_that_is_interrupted_ends_for_all() {
    let directory = Directory::new();
    let room = room(&directory, &["--grace", "60"]);
    let mut guest = TcpStream::connect(room.endpoints[0].trim_start_matches("tcp://")).unwrap();
    guest.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut greeted = [0; 18];
    guest.read_exact(&mut greeted).unwrap();
    assert_eq!(&greeted, b"* you are guest-1;");
    room.signal("TERM");
    guest.read_to_end(&mut Vec::new()).unwrap();
    drop(guest);
    assert_eq!(room.ended().0.code(), Some(0));
    directory.assert_empty();
}

/// Somebody by TCP, who knows nothing but lines.
fn by_tcp(endpoint: &str) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(endpoint.trim_start_matches("tcp://")).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    BufReader::new(stream)
}

fn say(guest: &mut BufReader<TcpStream>, line: &str) {
    writeln!(guest.get_mut(), "{line}").unwrap();
}

#[track_caller]
fn hear(guest: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    guest.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

#[test]
fn nobody_takes_the_name_of_another_or_speaks_in_it() {
    let room = start("chat", &["tcp://127.0.0.1:0"], 1);
    let mut listener = by_tcp(&room.endpoints[0]);
    hear(&mut listener);
    let mut liar = by_tcp(&room.endpoints[0]);
    hear(&mut liar);
    assert_eq!(hear(&mut listener), "* guest-2 has come");
    // Also that of somebody who is still to come.
    for name in
        ["guest-1", "guest-3", "*", "listener:", "a\u{202e}b", "a\u{200b}b", "\u{1b}[2J", "a b", ""]
    {
        say(&mut liar, &format!("/name {name}"));
        let said = hear(&mut liar);
        assert!(
            said.starts_with("* a name has") || said.starts_with("* that is the name"),
            "{name:?}: {said}"
        );
    }
    for forged in ["\u{1b}[1A", "\r", "\u{9b}2J", "\u{2028}listener: ", "\u{202e}", "\u{0}"] {
        say(&mut liar, &format!("one{forged}two"));
        let said = hear(&mut listener);
        assert!(said.starts_with("guest-2: one\u{fffd}"), "{said:?}");
        assert!(
            !said.contains(
                |char: char| char.is_control() || ('\u{2028}'..='\u{202e}').contains(&char)
            ),
            "{said:?}"
        );
    }
    say(&mut liar, &"x".repeat(5_000));
    // Too long a line costs its own connection, by a reset or an end.
    let ended = liar.read_line(&mut String::new());
    assert!(ended.is_err() || ended.is_ok_and(|read| read == 0));
    assert_eq!(hear(&mut listener), "* guest-2 has gone");
    assert!(room.stop("TERM").success());
}

#[test]
fn who_asks_much_has_nobody_else_miss_a_line() {
    let room = start("chat", &["tcp://127.0.0.1:0", "--backlog", "2", "--json"], 1);
    let mut listener = by_tcp(&room.endpoints[0]);
    hear(&mut listener);
    let mut asking = by_tcp(&room.endpoints[0]);
    assert_eq!(hear(&mut listener), "* guest-2 has come");
    // Of many at once some stay without an answer, which is his own loss.
    asking.get_mut().write_all("/who\n".repeat(20_000).as_bytes()).unwrap();
    say(&mut asking, "was that too much?");
    assert_eq!(hear(&mut listener), "guest-2: was that too much?");
    assert!(room.stop("TERM").success());
}

#[test]
fn hundreds_come_at_once_hear_one_line_each_and_leave_at_once() {
    const GUESTS: usize = 300;
    let room = start("chat", &["tcp://127.0.0.1:0", "--backlog", "1000", "--json"], 1);
    let mut first = by_tcp(&room.endpoints[0]);
    hear(&mut first);
    let at = &room.endpoints[0];
    let mut guests: Vec<_> = std::thread::scope(|scope| {
        let coming: Vec<_> = (0..GUESTS).map(|_| scope.spawn(|| by_tcp(at))).collect();
        coming.into_iter().map(|guest| guest.join().unwrap()).collect()
    });
    let mut come: Vec<_> = (0..GUESTS).map(|_| hear(&mut first)).collect();
    come.sort();
    come.dedup();
    assert_eq!(come.len(), GUESTS, "each has come once, under a name of his own");
    say(&mut first, "welcome");
    for guest in &mut guests {
        while hear(guest) != "guest-1: welcome" {}
    }
    drop(guests);
    let mut gone: Vec<_> = (0..GUESTS).map(|_| hear(&mut first)).collect();
    gone.sort();
    gone.dedup();
    assert_eq!(gone.len(), GUESTS, "each has gone once");
    say(&mut first, "/who");
    assert_eq!(hear(&mut first), "* 1 here: guest-1");
    let report = report(room);
    assert_eq!(
        (&report["accepted"], &report["aborted"]),
        (&(GUESTS + 1).into(), &0.into()),
        "{report}"
    );
}
