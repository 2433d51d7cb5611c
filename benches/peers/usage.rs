//! What the kernel counts of this process: preemptions, processor time, resident memory, and how many descriptors it may have.

use std::fs;
use std::mem::MaybeUninit;
use std::time::Duration;

/// How often this thread has lost the processor to another although it wanted it.
pub(crate) fn preemptions() -> i64 {
    usage(libc::RUSAGE_THREAD).ru_nivcsw
}

/// Processor time of all threads of this process, in user code and in the kernel.
pub(crate) fn processor_time() -> Duration {
    let usage = usage(libc::RUSAGE_SELF);
    [usage.ru_utime, usage.ru_stime]
        .map(|time| {
            let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
            let micros = u64::try_from(time.tv_usec).unwrap_or(0);
            Duration::from_secs(seconds) + Duration::from_micros(micros)
        })
        .iter()
        .sum()
}

/// Bytes of this process that are in memory.
///
/// From `smaps_rollup`, which is exact; the counters in `statm` lag behind by processor.
pub(crate) fn resident() -> usize {
    let rollup = fs::read_to_string("/proc/self/smaps_rollup").expect("Linux tells");
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:")).expect("its size");
    let kib = line.trim().strip_suffix(" kB").expect("its unit");
    kib.parse::<usize>().expect("a number") * 1024
}

/// Raises the limit of open descriptors as far as this process may, and tells it.
pub(crate) fn descriptors() -> usize {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is valid for a write of its type, for as long as the call lasts.
    let result = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    assert_eq!(result, 0, "getrlimit of this process cannot fail");
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: `limit` is valid for a read of its type, for as long as the call lasts.
    let result = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    assert_eq!(result, 0, "what is allowed may be asked for");
    usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX)
}

fn usage(who: libc::c_int) -> libc::rusage {
    let mut usage = MaybeUninit::uninit();
    // SAFETY: `usage` is valid for a write of its type, for as long as the call lasts.
    let result = unsafe { libc::getrusage(who, usage.as_mut_ptr()) };
    assert_eq!(result, 0, "getrusage of this process cannot fail");
    // SAFETY: on success the kernel has filled it.
    unsafe { usage.assume_init() }
}
