//! What a service manager is told, see sd_notify(3).

use std::collections::BTreeSet;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::directory::Directory;
use crate::{run, text};

#[test]
fn each_server_says_once_that_it_is_ready_and_by_its_own_number() {
    let directory = Directory::new();
    let manager = UnixDatagram::bind(directory.path("notify")).unwrap();
    let told = manager.try_clone().unwrap();
    // The queue of a datagram socket is short: who does not read holds the servers up.
    let reading = std::thread::spawn(move || {
        let (mut all, mut buffer) = (Vec::new(), [0; 256]);
        while let Ok(length) = told.recv(&mut buffer) {
            if length == 0 {
                break;
            }
            all.push(text(&buffer[..length]).to_owned());
        }
        all
    });
    let arguments = ["--replace", "4", "--connections", "500"];
    let output = run(&arguments, |command| {
        command.env("NOTIFY_SOCKET", directory.path("notify"));
    });
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let end = UnixDatagram::unbound().unwrap();
    end.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    end.send_to(b"", directory.path("notify")).unwrap();
    let told = reading.join().unwrap();
    assert_eq!(told.len(), 5, "{told:?}");
    let mut servers = BTreeSet::new();
    for one in &told {
        let lines: Vec<&str> = one.lines().collect();
        let [pid, "READY=1"] = lines[..] else { panic!("{one}") };
        servers.insert(pid.strip_prefix("MAINPID=").unwrap().parse::<u32>().unwrap());
    }
    assert_eq!(servers.len(), 5, "{told:?}");
}
