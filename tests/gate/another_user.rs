//! This program again, as a process of another user.

use std::process::{Command, Output, Stdio};

use anysock::prelude::*;

use crate::lacking;

const TO: &str = "ANYSOCK_TEST_GATE_TO";
const GROUP: &str = "ANYSOCK_TEST_GATE_GROUP";
const LATE: &str = "ANYSOCK_TEST_GATE_LATE";

/// The user `nobody`, and his group.
pub(crate) const NOBODY: u32 = 65_534;

/// Whether this process may become another user. Where it may not there is nobody to be refused.
pub(crate) fn is_possible() -> bool {
    // SAFETY: geteuid takes nothing and always succeeds.
    let possible = unsafe { libc::geteuid() } == 0;
    if !possible {
        lacking::say("only root can become another user");
    }
    possible
}

/// How this program becomes `nobody`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Becoming {
    /// Before it connects.
    Early,
    /// As well, and is in this group beside his own.
    Member(u32),
    /// After it has connected, and before it sends.
    Late,
}

/// Connects to `endpoint` and sends, as `nobody`; whether an answer came, where one can.
pub(crate) async fn connects(endpoint: &anysock::Endpoint, becoming: Becoming) -> bool {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "another_user::the_part_of_another_user", "--nocapture"]);
    command.env(TO, endpoint.to_string()).stdin(Stdio::null());
    match becoming {
        Becoming::Early => {}
        Becoming::Member(group) => drop(command.env(GROUP, group.to_string())),
        Becoming::Late => drop(command.env(LATE, "yes")),
    }
    let run = tokio::task::spawn_blocking(move || command.output().unwrap());
    let Output { status, stdout, stderr } = run.await.unwrap();
    let said = String::from_utf8_lossy(&stdout).into_owned();
    assert!(status.success() && said.contains("1 passed"), "{said}{stderr:?}");
    said.contains("was answered")
}

#[test]
fn the_part_of_another_user() {
    let Ok(to) = std::env::var(TO) else { return };
    let group = std::env::var(GROUP).ok().map(|group| group.parse().unwrap());
    let late = std::env::var_os(LATE).is_some();
    if !late {
        become_nobody(group);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answered = runtime.block_on(async {
        let mut server = anysock::connect(&to).await.unwrap();
        if late {
            become_nobody(group);
        }
        // Who is refused may be told by either of them.
        let sent = server.send("nobody").await;
        match server.guarantees().contains(Guarantees::CONNECTION_ORIENTED) {
            true => sent.is_ok() && matches!(server.recv().await, Ok(Some(_))),
            false => {
                sent.unwrap();
                false
            }
        }
    });
    println!("{}", if answered { "was answered" } else { "was not" });
}

fn become_nobody(group: Option<u32>) {
    let groups: Vec<u32> = group.into_iter().collect();
    // SAFETY: the pointer and the count describe the groups; the others take numbers. glibc has
    // all threads of the process follow.
    unsafe {
        assert_eq!(libc::setgroups(groups.len(), groups.as_ptr()), 0);
        assert_eq!(libc::setgid(NOBODY), 0);
        assert_eq!(libc::setuid(NOBODY), 0);
    }
}
