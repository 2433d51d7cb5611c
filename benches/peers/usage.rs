//! What the kernel counts of this process: processor time, and how often it was preempted.

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

fn usage(who: libc::c_int) -> libc::rusage {
    let mut usage = MaybeUninit::uninit();
    // SAFETY: `usage` is valid for a write of its type, for as long as the call lasts.
    let result = unsafe { libc::getrusage(who, usage.as_mut_ptr()) };
    assert_eq!(result, 0, "getrusage of this process cannot fail");
    // SAFETY: on success the kernel has filled it.
    unsafe { usage.assume_init() }
}
