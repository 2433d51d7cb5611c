//! Control messages: laid out for sendmsg(2), taken apart after recvmsg(2). Source: cmsg(3),
//! unix(7), ip(7), ipv6(7).

use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, SystemTime};

use crate::{Domain, LocalAddress, Outgoing, Received};

/// Room for everything that is asked for at once: 253 descriptors, credentials, and what comes
/// with a datagram or a queued error.
pub(super) const ROOM: usize = 1280;

/// A descriptor of the sender's process, which comes where somebody has set `SO_PASSPIDFD`: Linux
/// 6.5, not in libc yet.
const SCM_PIDFD: libc::c_int = 4;

/// A buffer with the alignment of `cmsghdr`, on the stack and not zeroed.
#[repr(C, align(8))]
pub(super) struct Control {
    bytes: [MaybeUninit<u8>; ROOM],
    used: usize,
}

impl Control {
    pub(super) const fn new() -> Self {
        Self { bytes: [MaybeUninit::uninit(); ROOM], used: 0 }
    }

    /// Puts the buffer into `header`, to be filled by the kernel.
    pub(super) fn attach_room(&mut self, header: &mut libc::msghdr) {
        header.msg_control = self.bytes.as_mut_ptr().cast();
        header.msg_controllen = ROOM as _;
    }

    /// Puts what was pushed into `header`, if anything was.
    pub(super) fn attach_content(&mut self, header: &mut libc::msghdr) {
        if self.used > 0 {
            header.msg_control = self.bytes.as_mut_ptr().cast();
            header.msg_controllen = self.used as _;
        }
    }

    /// Everything that goes with a message, from a socket of this domain.
    pub(super) fn push_all(&mut self, with: &Outgoing<'_>, domain: Domain) {
        if !with.descriptors.is_empty() {
            self.push_descriptors(with.descriptors);
        }
        if let Some(source) = with.source {
            self.push_source(source, domain);
        }
        if let Some(size) = with.segment {
            self.push_segment(size);
        }
        if let Some(class) = with.traffic_class {
            self.push_both(domain, libc::IP_TOS, libc::IPV6_TCLASS, class);
        }
        if let Some(hops) = with.hop_limit {
            self.push_both(domain, libc::IP_TTL, libc::IPV6_HOPLIMIT, hops);
        }
    }

    /// A value of the IP header. An IPv6 socket may send to an IPv4 peer, and the kernel passes
    /// over what is for the other.
    fn push_both(&mut self, domain: Domain, v4: libc::c_int, v6: libc::c_int, value: u8) {
        let value = libc::c_int::from(value);
        if domain == Domain::Ipv6 {
            self.push(libc::IPPROTO_IPV6, v6, &[value]);
        }
        self.push(libc::IPPROTO_IP, v4, &[value]);
    }

    /// Descriptors to pass; at most 253, which the room is made for.
    fn push_descriptors(&mut self, descriptors: &[OwnedFd]) {
        let numbers: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
        self.push(libc::SOL_SOCKET, libc::SCM_RIGHTS, &numbers);
    }

    /// The address to send from. An IPv6 socket takes IPv4 addresses in their mapped form, and
    /// refuses one that is not of the kind of the receiver's.
    fn push_source(&mut self, source: LocalAddress, domain: Domain) {
        let address = match (domain, source.address) {
            (Domain::Ipv6, IpAddr::V4(address)) => address.to_ipv6_mapped().into(),
            (Domain::Ipv6, address) => address,
            (_, address) => address.to_canonical(),
        };
        match address {
            IpAddr::V4(address) => {
                let info = libc::in_pktinfo {
                    ipi_ifindex: 0,
                    ipi_spec_dst: libc::in_addr { s_addr: u32::from(address).to_be() },
                    ipi_addr: libc::in_addr { s_addr: 0 },
                };
                self.push(libc::IPPROTO_IP, libc::IP_PKTINFO, &[info]);
            }
            IpAddr::V6(address) => {
                // Only a link-local address needs its interface named; naming one elsewhere
                // would forbid the kernel to route the answer another way.
                let scoped = address.is_unicast_link_local();
                let info = libc::in6_pktinfo {
                    ipi6_addr: libc::in6_addr { s6_addr: address.octets() },
                    ipi6_ifindex: if scoped { source.interface as _ } else { 0 },
                };
                self.push(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, &[info]);
            }
        }
    }

    /// The size at which the kernel is to cut the bytes into datagrams: udp(7), `UDP_SEGMENT`.
    fn push_segment(&mut self, size: u16) {
        self.push(libc::SOL_UDP, libc::UDP_SEGMENT, &[size]);
    }

    fn push<T: Copy>(&mut self, level: libc::c_int, kind: libc::c_int, values: &[T]) {
        let length = size_of_val(values);
        // SAFETY: CMSG_SPACE and CMSG_LEN only compute.
        let (space, filled) = unsafe {
            (libc::CMSG_SPACE(length as u32) as usize, libc::CMSG_LEN(length as u32) as usize)
        };
        assert!(self.used + space <= ROOM, "control messages exceed the room made for them");
        let start = &raw mut self.bytes[self.used];
        // SAFETY: `space` bytes from `start` lie inside the buffer (asserted), `start` is aligned
        // as cmsghdr since the buffer is and CMSG_SPACE keeps the alignment; the bytes are
        // zeroed first, so that the padding which the kernel reads is initialised.
        unsafe {
            start.write_bytes(0, space);
            let header = start.cast::<libc::cmsghdr>();
            (*header).cmsg_level = level;
            (*header).cmsg_type = kind;
            (*header).cmsg_len = filled as _;
            let data = libc::CMSG_DATA(header);
            data.copy_from_nonoverlapping(values.as_ptr().cast(), length);
        }
        self.used += space;
    }
}

/// One control message that the kernel wrote.
pub(super) struct Item<'a> {
    pub(super) level: libc::c_int,
    pub(super) kind: libc::c_int,
    pub(super) data: &'a [u8],
}

/// The control messages behind `header`.
///
/// A length that reaches beyond the buffer is cut to it, one that does not cover its own header
/// ends all: the kernel writes neither, and libc's own steps would go astray by them.
///
/// # Safety
///
/// `header` must have been filled by recvmsg(2), and its control buffer must live for `'a`.
pub(super) unsafe fn items<'a>(header: &libc::msghdr) -> impl Iterator<Item = Item<'a>> {
    let mut rest = header.msg_control.cast::<u8>().cast_const();
    let mut left: usize = if rest.is_null() { 0 } else { header.msg_controllen as _ };
    std::iter::from_fn(move || {
        // SAFETY: CMSG_LEN only computes.
        let before = unsafe { libc::CMSG_LEN(0) } as usize;
        if left < before {
            return None;
        }
        // SAFETY: `left` bytes from `rest` on lie inside the buffer, which is enough for a header,
        // read without regard to alignment; where the kernel has begun one it has written all.
        let cmsg = unsafe { rest.cast::<libc::cmsghdr>().read_unaligned() };
        let written: usize = cmsg.cmsg_len as _;
        let length = written.min(left).checked_sub(before)?;
        // SAFETY: so many bytes are left behind the header, and the kernel has written them.
        // CMSG_SPACE only computes; what it counts is skipped as far as it is inside the buffer.
        let data = unsafe {
            let data = std::slice::from_raw_parts(rest.add(before), length);
            let space = (libc::CMSG_SPACE(length as u32) as usize).min(left);
            rest = rest.add(space);
            left -= space;
            data
        };
        Some(Item { level: cmsg.cmsg_level, kind: cmsg.cmsg_type, data })
    })
}

/// A `T` from the beginning of `data`, if it is long enough.
///
/// # Safety
///
/// Every pattern of bits must be a valid `T`.
pub(super) unsafe fn read<T: Copy>(data: &[u8]) -> Option<T> {
    if data.len() < size_of::<T>() {
        return None;
    }
    // SAFETY: long enough, read without regard to alignment, and any bits are a T.
    Some(unsafe { data.as_ptr().cast::<T>().read_unaligned() })
}

/// The size of the datagrams that the kernel put together, if it did: udp(7), `UDP_GRO`.
///
/// # Safety
///
/// As [`items`].
pub(super) unsafe fn segment(header: &libc::msghdr) -> Option<usize> {
    // SAFETY: the caller vouches for the header; any bits are an int.
    unsafe {
        items(header)
            .find(|item| (item.level, item.kind) == (libc::SOL_UDP, libc::UDP_GRO))
            .and_then(|item| read::<libc::c_int>(item.data))
            .and_then(|size| usize::try_from(size).ok())
    }
}

/// Takes what came along out of the control messages, descriptors above all: from here on they
/// are owned, and close when dropped.
///
/// # Safety
///
/// As [`items`], and to be called once: the descriptors are taken over.
pub(super) unsafe fn take(header: &libc::msghdr, received: &mut Received) {
    received.control_truncated = header.msg_flags & libc::MSG_CTRUNC != 0;
    // SAFETY: the caller vouches for the header; the structures read are plain numbers.
    unsafe {
        for item in items(header) {
            match (item.level, item.kind) {
                (libc::SOL_SOCKET, libc::SCM_RIGHTS) => {
                    for number in item.data.chunks_exact(size_of::<RawFd>()) {
                        received.descriptors.extend(owned(number));
                    }
                }
                (libc::SOL_SOCKET, libc::SCM_CREDENTIALS) => {
                    received.credentials = read(item.data).map(super::option::credentials);
                }
                (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                    received.destination = read::<libc::in_pktinfo>(item.data).map(|info| {
                        // Of the two addresses this is the one of this host, also for a broadcast.
                        let address = Ipv4Addr::from(u32::from_be(info.ipi_spec_dst.s_addr));
                        LocalAddress { address: address.into(), interface: info.ipi_ifindex as u32 }
                    });
                }
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                    received.destination = read::<libc::in6_pktinfo>(item.data).map(|info| {
                        let address = Ipv6Addr::from(info.ipi6_addr.s6_addr);
                        LocalAddress { address: address.into(), interface: info.ipi6_ifindex as _ }
                    });
                }
                // Linux gives a byte of the one and an int of the other.
                (libc::IPPROTO_IP, libc::IP_TOS) => {
                    received.traffic_class = read::<u8>(item.data);
                }
                (libc::IPPROTO_IPV6, libc::IPV6_TCLASS) => {
                    received.traffic_class = small(item.data);
                }
                (libc::IPPROTO_IP, libc::IP_TTL) | (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) => {
                    received.hop_limit = small(item.data);
                }
                // A descriptor that nobody here asks for.
                (libc::SOL_SOCKET, SCM_PIDFD) => {
                    drop(owned(item.data));
                }
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => {
                    received.timestamp = read::<libc::timespec>(item.data).and_then(time);
                }
                (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) => received.dropped = read(item.data),
                (libc::SOL_UDP, libc::UDP_GRO) => {
                    let size = read::<libc::c_int>(item.data);
                    received.segment = size.and_then(|size| u16::try_from(size).ok());
                }
                _ => {}
            }
        }
    }
}

/// The descriptor of this number, where there is one: an error stands in the place of a process
/// that has none.
///
/// # Safety
///
/// It must be a number that the kernel has just given, and that nobody else has taken.
unsafe fn owned(number: &[u8]) -> Option<OwnedFd> {
    // SAFETY: any bits are a number; the caller vouches for its descriptor.
    unsafe {
        let number = read::<RawFd>(number).filter(|number| *number >= 0)?;
        Some(OwnedFd::from_raw_fd(number))
    }
}

/// An int that holds a byte.
fn small(data: &[u8]) -> Option<u8> {
    // SAFETY: any bits are an int.
    unsafe { read::<libc::c_int>(data) }.and_then(|value| u8::try_from(value).ok())
}

/// A time of the system's clock.
fn time(since: libc::timespec) -> Option<SystemTime> {
    let seconds = u64::try_from(since.tv_sec).ok()?;
    let nanoseconds = u32::try_from(since.tv_nsec).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header of one descriptor's number, whose length says `length`.
    fn lengths_of_items(length: usize) -> Vec<usize> {
        let mut control = Control::new();
        control.push(libc::SOL_SOCKET, libc::SCM_RIGHTS, &[0, 0, 0]);
        // SAFETY: a length is what the buffer begins with, and it is aligned for one.
        unsafe { control.bytes.as_mut_ptr().cast::<usize>().write(length) };
        // SAFETY: msghdr is plain numbers and pointers; null and zero are valid.
        let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
        control.attach_content(&mut header);
        // SAFETY: the header names what was pushed, all of which was written, and which lives.
        unsafe { items(&header).map(|item| item.data.len()).collect() }
    }

    #[test]
    fn a_length_beyond_the_buffer_is_cut_and_one_short_of_its_header_ends_all() {
        assert_eq!(lengths_of_items(16 + 12), [12]);
        assert_eq!(lengths_of_items(usize::MAX), [16]);
        assert_eq!(lengths_of_items(usize::MAX - 7), [16]);
        assert_eq!(lengths_of_items(16), [0]);
        assert_eq!(lengths_of_items(15), [0; 0]);
        assert_eq!(lengths_of_items(0), [0; 0]);
    }

    #[test]
    fn an_error_in_the_place_of_a_descriptor_is_none() {
        let mut control = Control::new();
        control.push(libc::SOL_SOCKET, libc::SCM_RIGHTS, &[-1, -24]);
        control.push(libc::SOL_SOCKET, SCM_PIDFD, &[-libc::ESRCH]);
        // SAFETY: msghdr is plain numbers and pointers; null and zero are valid.
        let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
        control.attach_content(&mut header);
        let mut received = Received::default();
        // SAFETY: the header names what was pushed, which lives and holds no descriptor.
        unsafe { take(&header, &mut received) };
        assert!(received.descriptors.is_empty());
    }
}
