//! What this process has used, and may use.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

/// The processor time of all threads of this process: clock_gettime(2).
pub(crate) fn processor() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer describes a timespec, which outlives the call.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    assert_eq!(result, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The figures of proc_pid_status(5), which can be read without a descriptor left.
pub(crate) struct Memory(File);

impl Memory {
    pub(crate) fn open() -> Self {
        Self(File::open("/proc/self/status").unwrap())
    }

    /// The address space, in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.figure("VmSize:")
    }

    /// The most that it ever was, in bytes.
    pub(crate) fn peak(&self) -> u64 {
        self.figure("VmPeak:")
    }

    fn figure(&self, name: &str) -> u64 {
        let mut status = [0; 4096];
        let length = self.0.read_at(&mut status, 0).unwrap();
        let status = std::str::from_utf8(&status[..length]).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")).unwrap();
        kilobytes.parse::<u64>().unwrap() * 1024
    }
}

/// Lets this process have no more than `bytes` of address space.
pub(crate) fn limit_address_space(bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // SAFETY: the pointer describes an rlimit, which outlives the call.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
}
