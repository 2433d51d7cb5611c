//! Control messages: any buffer, in which the numbers of descriptors are replaced by such that are
//! open, for what stands there is owned and closed.
//!
//! All of them are of one end of a pair. If the other end sees the end when everything was dropped, none has
//! leaked; one that is closed twice ends the process (std checks, as debug builds do).

use std::alloc::{Layout, alloc, dealloc};
use std::io::Read;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, SystemTime};

use anysock_core::{Credentials, LocalAddress, Received};

use super::Tried;
use super::library::{self, Item};

/// As much as there is ever room for.
const ROOM: usize = 1280;

/// The kind of a process's descriptor: `SCM_PIDFD`.
const PROCESS: i32 = 4;

/// The buffer.
pub(super) fn run(input: &[u8]) -> Tried {
    let mut buffer = input[..input.len().min(ROOM)].to_vec();
    let (reader, writer) = UnixStream::pair().unwrap();
    let writer = OwnedFd::from(writer);
    let kept = replace_descriptors(&mut buffer, &writer);
    let items = messages(&buffer);

    let exact = Exact::new(&buffer);
    let header = exact.header();
    let mut received = Received::default();
    // SAFETY: the header names a buffer that lives and is initialised; every number in it is that
    // of a descriptor which was made for it and is owned by nobody else, if both read it alike. If
    // they do not, that is seen before anything that was taken is dropped.
    unsafe {
        assert_eq!(library::items(&header), items);
        assert_eq!(library::segment(&header), segment(&items));
        library::take(&header, &mut received);
    }
    let owned = std::mem::take(&mut received.descriptors);
    let numbers: Vec<_> = owned.iter().map(AsRawFd::as_raw_fd).collect();
    if numbers != kept {
        // They are not ours, and dropping them would close somebody else's.
        owned.into_iter().for_each(std::mem::forget);
        panic!("{numbers:?} were taken, and {kept:?} came along");
    }
    check_rest(&received, &items);
    drop((owned, writer));
    check_closed(reader);
    Tried::ways(1)
}

/// The control messages in the buffer, by cmsg(3).
fn messages(buffer: &[u8]) -> Vec<Item> {
    let mut items = Vec::new();
    for (start, end) in places(buffer) {
        let number = |at: usize| i32::from_ne_bytes(buffer[at..at + 4].try_into().unwrap());
        items.push((number(start + 8), number(start + 12), buffer[start + 16..end].to_vec()));
    }
    items
}

/// Where they begin and end: a length of eight bytes, level and kind of four each, data, and what
/// fills it up to eight.
fn places(buffer: &[u8]) -> Vec<(usize, usize)> {
    let (mut places, mut start) = (Vec::new(), 0);
    while start + 16 <= buffer.len() {
        let length = u64::from_ne_bytes(buffer[start..start + 8].try_into().unwrap());
        if length < 16 {
            break;
        }
        let end = start + length.min((buffer.len() - start) as u64) as usize;
        places.push((start, end));
        start = end.next_multiple_of(8);
    }
    places
}

/// Puts an own descriptor where a number of one stands, but for negative ones; those that are to
/// be kept.
fn replace_descriptors(buffer: &mut [u8], writer: &OwnedFd) -> Vec<RawFd> {
    let mut kept = Vec::new();
    for ((start, end), (level, kind, _)) in places(buffer).into_iter().zip(messages(buffer)) {
        let numbers = buffer[start + 16..end].chunks_exact_mut(4);
        let count = match (level, kind) {
            (libc::SOL_SOCKET, libc::SCM_RIGHTS) => numbers.len(),
            (libc::SOL_SOCKET, PROCESS) => 1,
            _ => 0,
        };
        for number in numbers.take(count) {
            if number[3] & 0x80 == 0 {
                let descriptor = writer.try_clone().unwrap().into_raw_fd();
                number.copy_from_slice(&descriptor.to_ne_bytes());
                if kind == libc::SCM_RIGHTS {
                    kept.push(descriptor);
                }
            }
        }
    }
    kept
}

fn segment(items: &[Item]) -> Option<usize> {
    let item = items.iter().find(|item| (item.0, item.1) == (libc::SOL_UDP, libc::UDP_GRO))?;
    usize::try_from(int(&item.2)?).ok()
}

/// What else was told: of each kind the last.
fn check_rest(received: &Received, items: &[Item]) {
    let last = |level: i32, kind: i32| {
        items.iter().rev().find(|item| (item.0, item.1) == (level, kind)).map(|item| &*item.2)
    };
    let either =
        |kinds: [(i32, i32); 2]| items.iter().rev().find(|item| kinds.contains(&(item.0, item.1)));
    let credentials = last(libc::SOL_SOCKET, libc::SCM_CREDENTIALS).and_then(|data| {
        let (pid, uid, gid) = (int(data)?, int(data.get(4..)?)?, int(data.get(8..)?)?);
        let pid = u32::try_from(pid).ok().filter(|pid| *pid > 0);
        Some(Credentials { pid, uid: uid as u32, gid: gid as u32 })
    });
    assert_eq!(received.credentials, credentials);
    let byte = |data: &[u8]| u8::try_from(int(data)?).ok();
    let hops = [(libc::IPPROTO_IP, libc::IP_TTL), (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT)];
    assert_eq!(received.hop_limit, either(hops).and_then(|item| byte(&item.2)));
    let class = [(libc::IPPROTO_IP, libc::IP_TOS), (libc::IPPROTO_IPV6, libc::IPV6_TCLASS)];
    let class = either(class).and_then(|item| match item.0 {
        libc::IPPROTO_IP => item.2.first().copied(),
        _ => byte(&item.2),
    });
    assert_eq!(received.traffic_class, class);
    let drops = last(libc::SOL_SOCKET, libc::SO_RXQ_OVFL).and_then(int);
    assert_eq!(received.dropped, drops.map(|count| count as u32));
    let size = last(libc::SOL_UDP, libc::UDP_GRO).and_then(int);
    assert_eq!(received.segment, size.and_then(|size| u16::try_from(size).ok()));
    let places = [(libc::IPPROTO_IP, libc::IP_PKTINFO), (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO)];
    let destination = either(places).and_then(|item| destination(item.0, &item.2));
    assert_eq!(received.destination, destination);
    let time = last(libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS).and_then(time);
    assert_eq!(received.timestamp, time);
    assert!(!received.control_truncated && received.source.is_none());
}

fn int(data: &[u8]) -> Option<i32> {
    Some(i32::from_ne_bytes(*data.first_chunk()?))
}

/// `in_pktinfo` is an index and two addresses, `in6_pktinfo` an address and an index.
fn destination(level: i32, data: &[u8]) -> Option<LocalAddress> {
    let (address, interface): (IpAddr, i32) = match level {
        libc::IPPROTO_IP => {
            let _broadcast: &[u8; 4] = data.get(8..)?.first_chunk()?;
            (data.get(4..)?.first_chunk::<4>().copied()?.into(), int(data)?)
        }
        _ => (data.first_chunk::<16>().copied()?.into(), int(data.get(16..)?)?),
    };
    Some(LocalAddress { address, interface: interface as u32 })
}

fn time(data: &[u8]) -> Option<SystemTime> {
    let seconds = i64::from_ne_bytes(*data.first_chunk()?);
    let nanoseconds = i64::from_ne_bytes(*data.get(8..)?.first_chunk()?);
    let since = Duration::from_secs(u64::try_from(seconds).ok()?)
        + Duration::from_nanos(u32::try_from(nanoseconds).ok()?.into());
    SystemTime::UNIX_EPOCH.checked_add(since)
}

/// Nobody has the other end any more.
fn check_closed(mut reader: UnixStream) {
    reader.set_nonblocking(true).unwrap();
    let read = reader.read(&mut [0]);
    assert_eq!(read.expect("a descriptor has leaked"), 0);
}

/// A copy of the buffer that ends where its memory does, so that a sanitizer sees who goes further.
struct Exact {
    memory: *mut u8,
    layout: Layout,
    length: usize,
}

impl Exact {
    fn new(buffer: &[u8]) -> Self {
        let layout = Layout::from_size_align(buffer.len().max(1), 8).unwrap();
        // SAFETY: the layout is not of no bytes, and `buffer` fits it.
        let memory = unsafe {
            let memory = alloc(layout);
            assert!(!memory.is_null());
            memory.copy_from_nonoverlapping(buffer.as_ptr(), buffer.len());
            memory
        };
        Self { memory, layout, length: buffer.len() }
    }

    fn header(&self) -> libc::msghdr {
        // SAFETY: msghdr is plain numbers and pointers; null and zero are valid.
        let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
        header.msg_control = self.memory.cast();
        header.msg_controllen = self.length as _;
        header
    }
}

impl Drop for Exact {
    fn drop(&mut self) {
        // SAFETY: it was allocated by this layout, and nobody has it any more.
        unsafe { dealloc(self.memory, self.layout) };
    }
}
