//! The system calls that the library does not make, or not in this way.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use anysock_core::Socket;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

pub(crate) use libc::{POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP};

const DEADLINE: Duration = Duration::from_secs(20);

/// Waits for one of `events`, an error or a hang-up; what there is.
#[track_caller]
pub(crate) fn poll(socket: &impl AsFd, events: libc::c_short) -> libc::c_short {
    let found = poll_for(socket, events, DEADLINE);
    assert_ne!(found, 0, "nothing happened within {DEADLINE:?}");
    found
}

/// What there is of `events` now.
pub(crate) fn poll_now(socket: &impl AsFd, events: libc::c_short) -> libc::c_short {
    poll_for(socket, events, Duration::ZERO)
}

fn poll_for(socket: &impl AsFd, events: libc::c_short, time: Duration) -> libc::c_short {
    let mut asked = libc::pollfd { fd: socket.as_fd().as_raw_fd(), events, revents: 0 };
    // SAFETY: the pointer describes one pollfd, which outlives the call.
    let result = unsafe { libc::poll(&raw mut asked, 1, time.as_millis() as libc::c_int) };
    assert!(result >= 0, "{}", io::Error::last_os_error());
    asked.revents
}

pub(crate) fn set_option(
    socket: &impl AsFd,
    level: libc::c_int,
    name: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    // SAFETY: the pointer and the length describe `value`, which outlives the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            name,
            (&raw const value).cast(),
            size_of_val(&value) as libc::socklen_t,
        )
    };
    check(result as libc::ssize_t).map(drop)
}

/// connect(2) to no address at all, which takes a connection back.
pub(crate) fn dissolve(socket: &impl AsFd) -> io::Result<()> {
    let nobody =
        libc::sockaddr { sa_family: libc::AF_UNSPEC as libc::sa_family_t, sa_data: [0; 14] };
    // SAFETY: the pointer and the length describe `nobody`, which outlives the call.
    let result = unsafe {
        libc::connect(
            socket.as_fd().as_raw_fd(),
            &raw const nobody,
            size_of_val(&nobody) as libc::socklen_t,
        )
    };
    check(result as libc::ssize_t).map(drop)
}

pub(crate) fn send_flags(
    socket: &impl AsFd,
    bytes: &[u8],
    flags: libc::c_int,
) -> io::Result<usize> {
    // SAFETY: the pointer and the length describe `bytes`, which outlive the call.
    check(unsafe {
        libc::send(socket.as_fd().as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), flags)
    })
}

/// A message as recvmsg(2) gives it.
pub(crate) struct Raw {
    pub(crate) length: usize,
    pub(crate) flags: libc::c_int,
    /// Level, kind and data of each control message.
    pub(crate) control: Vec<(libc::c_int, libc::c_int, Vec<u8>)>,
}

impl Raw {
    /// The numbers of the descriptors that came along; nobody owns them yet.
    pub(crate) fn descriptors(&self) -> Vec<libc::c_int> {
        self.data(libc::SOL_SOCKET, libc::SCM_RIGHTS)
            .flat_map(|data| data.chunks_exact(4))
            .map(|number| libc::c_int::from_ne_bytes(number.try_into().unwrap()))
            .collect()
    }

    pub(crate) fn data(
        &self,
        level: libc::c_int,
        kind: libc::c_int,
    ) -> impl Iterator<Item = &[u8]> {
        self.control.iter().filter(move |item| (item.0, item.1) == (level, kind)).map(|i| &i.2[..])
    }
}

/// recvmsg(2) of up to `room` bytes, and of up to `control` bytes that come along.
pub(crate) fn receive_raw(
    socket: &impl AsFd,
    room: usize,
    control: usize,
    flags: libc::c_int,
) -> io::Result<Raw> {
    let mut bytes = vec![0_u8; room];
    // Of words, for the alignment of cmsghdr.
    let mut words = vec![0_u64; control.div_ceil(8)];
    let mut slice = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: room };
    // SAFETY: msghdr is plain numbers and pointers; null and zero are valid.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = &raw mut slice;
    header.msg_iovlen = 1;
    header.msg_control = words.as_mut_ptr().cast();
    header.msg_controllen = control as _;
    // SAFETY: slice and control point to memory that outlives the call, with their lengths.
    let length =
        check(unsafe { libc::recvmsg(socket.as_fd().as_raw_fd(), &raw mut header, flags) })?;
    let mut raw = Raw { length, flags: header.msg_flags, control: Vec::new() };
    // SAFETY: recvmsg has just filled the header, and `words` live; CMSG_FIRSTHDR and
    // CMSG_NXTHDR give null or a header inside, whose length the kernel wrote.
    unsafe {
        let mut next = libc::CMSG_FIRSTHDR(&raw const header);
        while !next.is_null() {
            let start = libc::CMSG_DATA(next);
            let length = (*next).cmsg_len as usize - (start as usize - next as usize);
            let data = std::slice::from_raw_parts(start, length).to_vec();
            raw.control.push(((*next).cmsg_level, (*next).cmsg_type, data));
            next = libc::CMSG_NXTHDR(&raw const header, next);
        }
    }
    Ok(raw)
}

/// The room that `count` descriptors take beside a message.
pub(crate) fn room_for(count: usize) -> usize {
    // SAFETY: CMSG_SPACE only computes.
    unsafe { libc::CMSG_SPACE((count * 4) as u32) as usize }
}

/// Closes a descriptor that the kernel has made and nobody owns.
pub(crate) fn close(number: libc::c_int) -> io::Result<()> {
    // SAFETY: close takes a number; the caller says that nobody owns the descriptor.
    check(unsafe { libc::close(number) } as libc::ssize_t).map(drop)
}

pub(crate) fn is_close_on_exec(number: libc::c_int) -> bool {
    // SAFETY: F_GETFD takes a number only.
    unsafe { libc::fcntl(number, libc::F_GETFD) & libc::FD_CLOEXEC != 0 }
}

pub(crate) fn is_non_blocking(socket: &impl AsFd) -> bool {
    // SAFETY: F_GETFL takes a number only.
    unsafe { libc::fcntl(socket.as_fd().as_raw_fd(), libc::F_GETFL) & libc::O_NONBLOCK != 0 }
}

/// Registers a socket with the reactor, as the library does it.
pub(crate) fn register(socket: Socket, interest: Interest) -> AsyncFd<Socket> {
    // SAFETY: a Socket owns its descriptor, always gives the same one, and keeps it open.
    unsafe { AsyncFd::register_with_interest(socket, interest) }.unwrap()
}

/// Gives SIGPIPE back what it does in a program that is not Rust's: it kills.
pub(crate) fn restore_sigpipe() {
    // SAFETY: SIG_DFL is a valid disposition, and no handler is installed.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

/// The processor time that this thread has used.
pub(crate) fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer describes a timespec, which outlives the call.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(result, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn check(result: libc::ssize_t) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}
