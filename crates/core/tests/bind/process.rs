//! What depends on the process: its umask, its working directory, its user.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anysock_core::{Cell, Options, Socket, UnixPath};

use crate::fixture::{Directory, UNIX, addr, assert_in_use, bind, is_socket, leave_stale, rerun};

const MODES_DIRECTORY: &str = "ANYSOCK_TEST_MODES_DIRECTORY";

#[test]
fn the_file_has_its_mode_from_the_start_whatever_the_umask() {
    for umask in ["000", "022", "077"] {
        rerun_with_umask(
            umask,
            "process::the_part_of_a_process_with_its_own_umask",
            &Directory::new(),
        );
    }
}

#[test]
fn the_part_of_a_process_with_its_own_umask() {
    let Some(directory) = std::env::var_os(MODES_DIRECTORY) else { return };
    let directory = PathBuf::from(directory);
    for (cell, wanted) in UNIX.into_iter().zip([0o600, 0o666, 0o000]) {
        let path = UnixPath::new(directory.join(wanted.to_string())).unwrap();
        let (_owned, _server) = bind(cell, &path, &Options::new().file_mode(wanted)).unwrap();
        assert_eq!(mode(path.as_path()), wanted);
    }

    // A mode that is set after binding would let an observer see the umask's for a moment.
    let path = UnixPath::new(directory.join("watched")).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut seen = 0;
            while !done.load(Ordering::Relaxed) {
                if let Ok(found) = fs::symlink_metadata(path.as_path()) {
                    assert_eq!(found.permissions().mode() & 0o777, 0o600);
                    seen += 1;
                }
            }
            seen
        });
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(300) {
            drop(bind(Cell::UNIX_STREAM, &path, &Options::new().file_mode(0o600)).unwrap());
        }
        done.store(true, Ordering::Relaxed);
        assert!(watcher.join().unwrap() > 0, "the watcher saw no file at all");
    });
}

const ELSEWHERE: &str = "ANYSOCK_TEST_ELSEWHERE";

#[test]
fn a_relative_path_is_unlinked_after_the_working_directory_has_changed() {
    let (here, elsewhere) = (Directory::new(), Directory::new());
    let output = rerun("process::the_part_of_a_process_that_changes_its_working_directory")
        .current_dir(&here.0)
        .env(ELSEWHERE, &elsewhere.0)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    assert!(here.files().is_empty());
    assert_eq!(elsewhere.files(), ["s"]);
}

#[test]
fn the_part_of_a_process_that_changes_its_working_directory() {
    let Some(elsewhere) = std::env::var_os(ELSEWHERE) else { return };
    let path = UnixPath::new("s").unwrap();
    let (owned, _server) = bind(Cell::UNIX_STREAM, &path, &Options::new()).unwrap();
    assert!(Path::new("s").exists());
    std::env::set_current_dir(elsewhere).unwrap();
    fs::write("s", "precious").unwrap();
    drop(owned);
}

const UNPROBABLE: &str = "ANYSOCK_TEST_UNPROBABLE";

#[test]
fn a_socket_file_that_may_not_be_probed_keeps_its_path() {
    let directory = Directory::new();
    let path = directory.path("s");
    leave_stale(Cell::UNIX_STREAM, &path);
    fs::set_permissions(path.as_path(), fs::Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(&directory.0, fs::Permissions::from_mode(0o777)).unwrap();

    let mut command = rerun("process::the_part_of_a_process_that_may_not_probe");
    let probed = Socket::open(Cell::UNIX_DATAGRAM).unwrap().connect(&addr(&path));
    if probed.unwrap_err().kind() != io::ErrorKind::PermissionDenied {
        // Root is never refused, so it becomes nobody.
        command.uid(65_534);
    }
    match command.env(UNPROBABLE, path.as_path()).output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success() && text.contains("1 passed"), "{text}");
            assert!(is_socket(path.as_path()));
        }
        Err(error) => {
            // Not by a macro that the test harness captures.
            let _ = writeln!(io::stderr(), "skipped: nobody cannot run this test: {error}");
        }
    }
}

#[test]
fn the_part_of_a_process_that_may_not_probe() {
    let Some(path) = std::env::var_os(UNPROBABLE) else { return };
    let path = UnixPath::new(path).unwrap();
    let error = bind(Cell::UNIX_STREAM, &path, &Options::new()).unwrap_err();
    assert!(error.to_string().contains("may be alive"), "{error}");
    assert_in_use::<()>(Err(error), &path);
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

/// Runs a test under a umask of its own, as changing ours would reach into other tests.
fn rerun_with_umask(umask: &str, test: &str, directory: &Directory) {
    let exe = rerun(test);
    let output = Command::new("sh")
        .args(["-c", &format!("umask {umask} && exec \"$@\""), "sh"])
        .arg(exe.get_program())
        .args(exe.get_args())
        .env(MODES_DIRECTORY, &directory.0)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
