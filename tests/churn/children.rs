//! Children that are forked from a process whose other threads rest, to be killed.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicU32;

/// A forked process, killed when this is dropped.
pub(crate) struct Child {
    id: libc::pid_t,
    is_waited_for: bool,
}

/// How a child has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Killed,
    /// Its role came to its end.
    Done,
    /// Its role has panicked, and said why.
    Failed,
}

impl Child {
    /// Forks a process that plays `role`, and ends with it or with this process.
    pub(crate) fn fork(role: impl FnOnce()) -> Self {
        let threads = std::fs::read_dir("/proc/self/task").unwrap().count();
        // This one, and that of the harness, which waits for it and holds nothing.
        assert!(threads <= 2, "a child of several threads could do hardly anything: fork(2)");
        // SAFETY: getpid takes nothing; of all that is at work, fork makes a whole copy.
        let (own, id) = unsafe { (libc::getpid(), libc::fork()) };
        match id {
            0 => become_child(own, role),
            id if id > 0 => Self { id, is_waited_for: false },
            _ => panic!("cannot fork: {}", io::Error::last_os_error()),
        }
    }

    /// SIGKILL.
    pub(crate) fn kill(&self) {
        assert!(!self.is_waited_for);
        // SAFETY: kill takes numbers only; the process is our child and was not waited for.
        unsafe { libc::kill(self.id, libc::SIGKILL) };
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> End {
        self.reap()
    }

    fn reap(&mut self) -> End {
        let mut status = 0;
        // SAFETY: the pointer describes an int, which outlives the call; it is our child.
        let waited = unsafe { libc::waitpid(self.id, &raw mut status, 0) };
        assert_eq!(waited, self.id, "{}", io::Error::last_os_error());
        self.is_waited_for = true;
        match (libc::WIFSIGNALED(status), libc::WIFEXITED(status)) {
            (true, _) if libc::WTERMSIG(status) == libc::SIGKILL => End::Killed,
            (_, true) if libc::WEXITSTATUS(status) == 0 => End::Done,
            _ => End::Failed,
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.is_waited_for {
            self.kill();
            self.reap();
        }
    }
}

fn become_child(parent: libc::pid_t, role: impl FnOnce()) -> ! {
    // SAFETY: these take numbers only.
    let is_orphan = unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        libc::getppid() != parent
    };
    let succeeded = !is_orphan && catch_unwind(AssertUnwindSafe(role)).is_ok();
    // SAFETY: _exit takes a number, and ends the process without what belongs to the parent.
    unsafe { libc::_exit(if succeeded { 0 } else { 101 }) }
}

/// Ends this process as SIGKILL does: it does not get to do anything more.
pub(crate) fn kill_self() -> ! {
    // SAFETY: these take numbers only, or nothing.
    unsafe {
        libc::kill(libc::getpid(), libc::SIGKILL);
        loop {
            libc::pause();
        }
    }
}

/// Numbers that this process and the children it is going to fork have in common. They stay until
/// the process ends.
pub(crate) fn shared(count: usize) -> &'static [AtomicU32] {
    // SAFETY: a new anonymous mapping is zeroed, which is valid for atomics, aligned to pages, and
    // never unmapped.
    unsafe {
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        let length = count * size_of::<AtomicU32>();
        let start =
            libc::mmap(std::ptr::null_mut(), length, access, kind | libc::MAP_ANONYMOUS, -1, 0);
        assert_ne!(start, libc::MAP_FAILED, "{}", io::Error::last_os_error());
        std::slice::from_raw_parts(start.cast(), count)
    }
}
