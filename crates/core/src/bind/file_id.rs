//! Which file is meant, whatever its path.

use std::fmt;
use std::fs::Metadata;
use std::num::ParseIntError;
use std::os::unix::fs::MetadataExt;
use std::str::FromStr;

/// Which file it is, whatever its name: what a successor is told to whom a socket file is handed
/// over, as text if need be.
///
/// ```
/// use anysock_core::FileId;
/// let id: FileId = "64513:1312".parse()?;
/// assert_eq!(id.to_string(), "64513:1312");
/// # Ok::<_, std::num::ParseIntError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// Device and inode, see stat(2).
impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.device, self.inode)
    }
}

impl FromStr for FileId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let (device, inode) = text.split_once(':').unwrap_or((text, ""));
        Ok(Self { device: device.parse()?, inode: inode.parse()? })
    }
}
