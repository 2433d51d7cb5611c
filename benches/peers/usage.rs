//! What the kernel counts of this process: how often it was preempted.

use std::mem::MaybeUninit;

/// How often this thread has lost the processor to another although it wanted it.
pub(crate) fn preemptions() -> i64 {
    usage(libc::RUSAGE_THREAD).ru_nivcsw
}

fn usage(who: libc::c_int) -> libc::rusage {
    let mut usage = MaybeUninit::uninit();
    // SAFETY: `usage` is valid for a write of its type, for as long as the call lasts.
    let result = unsafe { libc::getrusage(who, usage.as_mut_ptr()) };
    assert_eq!(result, 0, "getrusage of this process cannot fail");
    // SAFETY: on success the kernel has filled it.
    unsafe { usage.assume_init() }
}
