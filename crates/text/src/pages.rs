//! Bytes in large pages of memory: look-ups all over a table of megabytes then do not wait for the processor to find their pages as well.

use std::ops::Deref;

use memmap2::MmapMut;

/// Bytes that do not change, in pages of 2 MB where the system gives them.
pub(crate) enum Pages {
    Mapped(MmapMut),
    /// Where the system maps none.
    Plain(Vec<u8>),
}

impl Pages {
    /// A copy of `bytes`.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        match MmapMut::map_anon(bytes.len()) {
            Ok(mut pages) => {
                // Asked for before the memory is first touched; in small pages the table is as right.
                #[cfg(target_os = "linux")]
                pages.advise(memmap2::Advice::HugePage).ok();
                pages.copy_from_slice(bytes);
                Self::Mapped(pages)
            }
            Err(_) => Self::Plain(bytes.to_vec()),
        }
    }
}

impl Deref for Pages {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(pages) => pages,
            Self::Plain(bytes) => bytes,
        }
    }
}

impl Clone for Pages {
    fn clone(&self) -> Self {
        Self::of(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_kept_however_many() {
        for count in [0, 1, 5_000_000] {
            let bytes: Vec<u8> = (0..count).map(|n: u32| n as u8).collect();
            assert_eq!(Pages::of(&bytes).clone()[..], bytes);
        }
    }
}
