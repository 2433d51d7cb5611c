//! The bytes of one message, wherever they lie.

use std::ptr::NonNull;

use bytes::Bytes;

use super::{Allocation, Header};

/// Bytes that do not change, and whatever keeps them: three words.
pub(crate) struct Slice {
    start: *const u8,
    length: usize,
    owner: Owner,
}

/// What keeps the bytes of a slice: nothing, if they live for ever or there are none; else the
/// address of a block's header, or of a boxed [`Bytes`] with the lowest bit set.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Owner(*const ());

/// What the owner's address stands for.
enum Kept {
    Not,
    InBlock(Allocation),
    InBytes(NonNull<Bytes>),
}

// SAFETY: the bytes do not change; a block's count of references is atomic; `Bytes` is `Send`.
unsafe impl Send for Slice {}
// SAFETY: a shared slice is only read.
unsafe impl Sync for Slice {}

impl Slice {
    /// So many bytes of the allocation from `start` on.
    ///
    /// # Safety
    ///
    /// They must have been written, and must not be again while the caller's reference to the
    /// allocation is held, of which there must be one, and which is the slice's from here on.
    #[inline]
    pub(super) unsafe fn of(allocation: Allocation, start: usize, length: usize) -> Self {
        // SAFETY: within the allocation.
        let start = unsafe { allocation.bytes().add(start) };
        Self { start, length, owner: Owner(allocation.0.as_ptr().cast_const().cast()) }
    }

    /// Bytes that live for ever.
    #[inline]
    pub(crate) const fn of_static(bytes: &'static [u8]) -> Self {
        Self { start: bytes.as_ptr(), length: bytes.len(), owner: Owner(std::ptr::null()) }
    }

    /// A copy, in one allocation of just its size.
    pub(crate) fn copied(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::of_static(&[]);
        }
        let allocation = Allocation::infallible(bytes.len());
        // SAFETY: the allocation is as long, is fresh, and its one reference is the slice's.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), allocation.bytes(), bytes.len());
            Self::of(allocation, 0, bytes.len())
        }
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[u8] {
        // SAFETY: the owner keeps these bytes, and nobody changes them.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }

    /// The same bytes, without a copy.
    pub(crate) fn into_bytes(self) -> Bytes {
        match self.owner.kept() {
            Kept::Not => {
                // SAFETY: bytes that nobody keeps live for ever.
                Bytes::from_static(unsafe { std::slice::from_raw_parts(self.start, self.length) })
            }
            Kept::InBlock(_) => Bytes::from_owner(self),
            Kept::InBytes(bytes) => {
                std::mem::forget(self);
                // SAFETY: it was leaked by `from`, and the slice that would drop it is gone.
                *unsafe { Box::from_raw(bytes.as_ptr()) }
            }
        }
    }
}

impl Owner {
    #[inline]
    fn kept(self) -> Kept {
        let is_bytes = self.0.addr() & 1 == 1;
        let Some(address) = NonNull::new(self.0.map_addr(|tagged| tagged & !1).cast_mut()) else {
            return Kept::Not;
        };
        match is_bytes {
            true => Kept::InBytes(address.cast()),
            false => Kept::InBlock(Allocation(address.cast::<Header>())),
        }
    }
}

/// Drops what keeps the bytes.
impl Drop for Slice {
    #[inline(always)]
    fn drop(&mut self) {
        match self.owner.kept() {
            Kept::Not => {}
            // SAFETY: the reference is this slice's, which is gone.
            Kept::InBlock(allocation) => unsafe { allocation.release(1) },
            // SAFETY: it was leaked by `from`, and nobody else drops it.
            Kept::InBytes(bytes) => unsafe { drop_bytes(bytes) },
        }
    }
}

/// # Safety
///
/// The box must have been leaked, and be the caller's.
#[cold]
unsafe fn drop_bytes(bytes: NonNull<Bytes>) {
    // SAFETY: that is the contract.
    drop(unsafe { Box::from_raw(bytes.as_ptr()) });
}

impl Default for Slice {
    #[inline]
    fn default() -> Self {
        Self::of_static(&[])
    }
}

impl AsRef<[u8]> for Slice {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

/// Keeps them in a box, unless there are none.
impl From<Bytes> for Slice {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() {
            return Self::default();
        }
        let (start, length) = (bytes.as_ptr(), bytes.len());
        let owner = Box::into_raw(Box::new(bytes)).map_addr(|address| address | 1);
        Self { start, length, owner: Owner(owner.cast_const().cast()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_go_in_and_come_out_as_they_are() {
        let vector = vec![7; 100];
        let address = vector.as_ptr();
        let slice = Slice::from(Bytes::from(vector).slice(10..20));
        assert_eq!((slice.as_slice(), slice.start), (&[7; 10][..], address.wrapping_add(10)));
        let bytes = slice.into_bytes();
        assert_eq!((&bytes[..], bytes.as_ptr()), (&[7; 10][..], address.wrapping_add(10)));
        drop(Slice::from(bytes));
    }

    #[test]
    fn a_copy_becomes_bytes_where_it_is() {
        let slice = Slice::copied(b"hello");
        let address = slice.start;
        let bytes = slice.into_bytes();
        assert_eq!((&bytes[..], bytes.as_ptr()), (&b"hello"[..], address));
        drop(bytes.slice(1..3));
    }

    #[test]
    fn what_lives_for_ever_and_what_is_empty_needs_no_memory() {
        for slice in [Slice::of_static(b"hi"), Slice::copied(b""), Slice::from(Bytes::new())] {
            assert!(slice.owner == Owner(std::ptr::null()));
            assert_eq!(slice.as_slice().len(), slice.length);
            assert_eq!(slice.into_bytes().len() % 2, 0);
        }
    }
}
