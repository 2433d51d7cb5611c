//! What this process may have: getrlimit(2).

use std::io;

/// Lets this process have descriptors up to the number `most`, exclusive, or as many as it may.
pub(crate) fn limit_descriptors(most: u64) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointers describe one rlimit, which outlives the calls.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit), 0);
        limit.rlim_cur = most.min(limit.rlim_max);
        let set = libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
        assert_eq!(set, 0, "{}", io::Error::last_os_error());
    }
}
