//! The system-call edge: everything that socket2 does not offer, and all `unsafe` of this crate.
#![expect(unsafe_code, reason = "system calls; each block says why it is sound")]

mod address;
mod batch;
mod control;
mod descriptor;
mod error_queue;
#[cfg(anysock_faults)]
pub mod faults;
mod file;
mod group;
mod message;
mod option;
mod seam;

pub(crate) use address::{from_os, to_os};
pub(crate) use batch::{Beside, Headers, MOST, send as send_batch};
pub(crate) use descriptor::{dissolve, duplicate, is_open, possess};
pub(crate) use error_queue::recv_error;
pub(crate) use file::{fchmod, try_flock};
pub(crate) use group::change_group;
pub(crate) use message::{
    accept, recv_buffer, recv_buffer_beside, recv_buffer_passed, recv_message, send_message,
};
pub(crate) use option::{
    IP_LOCAL_PORT_RANGE, IPV6_MULTICAST_ALL, MPTCP_INFO, SO_MEMINFO, SO_PASSRIGHTS, SOL_MPTCP,
    TCP_IS_MPTCP, TCP_RTO_MAX_MS, get, get_bytes, get_credentials, get_groups, get_int,
    interface_index, set, set_flag, waiting,
};
pub(crate) use seam::{Call, NONE, call, part};

/// A call that sets something up or asks for something: made again when a signal interrupts it.
///
/// What transfers bytes is not: the readiness loop above does that, and counts.
pub(crate) fn settled<T>(
    call: Call,
    descriptor: std::os::fd::RawFd,
    mut run: impl FnMut() -> std::io::Result<T>,
) -> std::io::Result<T> {
    loop {
        match seam::call(call, descriptor, &mut run) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// Turns the -1 of a system call into the error it stands for.
fn check(result: libc::ssize_t) -> std::io::Result<usize> {
    usize::try_from(result).map_err(|_| std::io::Error::last_os_error())
}
