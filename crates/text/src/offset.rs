//! Bytes to characters in constant time, whatever the length of the text.

/// One count is kept for every so many bytes: smaller costs memory, larger costs a longer recount per look-up.
const STEP: usize = 64;

/// Counts the characters before any byte of a text.
#[derive(Debug)]
pub(crate) struct CharIndex<'a> {
    text: &'a str,
    counts: Vec<u32>,
}

impl<'a> CharIndex<'a> {
    /// Counts once through the first `end` bytes of `text`.
    pub(crate) fn new(text: &'a str, end: usize) -> Self {
        let mut counts = Vec::with_capacity(end / STEP + 1);
        let mut count = 0;
        for block in text.as_bytes()[..end.min(text.len())].chunks(STEP) {
            counts.push(count);
            count += starts(block);
        }
        if counts.is_empty() || end.is_multiple_of(STEP) {
            counts.push(count);
        }
        Self { text, counts }
    }

    /// The number of characters that begin before `byte`.
    pub(crate) fn chars_before(&self, byte: usize) -> usize {
        let block = (byte / STEP).min(self.counts.len() - 1);
        let tail = &self.text.as_bytes()[block * STEP..byte.min(self.text.len())];
        (self.counts[block] + starts(tail)) as usize
    }
}

/// Characters that begin in these bytes: all that are not continuation bytes.
fn starts(bytes: &[u8]) -> u32 {
    bytes.iter().map(|b| u32::from((*b as i8) >= -0x40)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_agree_with_a_recount_at_every_boundary() {
        let text = "闻声而动a😀".repeat(30);
        let index = CharIndex::new(&text, text.len());
        for (count, (at, _)) in text.char_indices().enumerate() {
            assert_eq!(index.chars_before(at), count);
        }
        assert_eq!(index.chars_before(text.len()), text.chars().count());
        assert_eq!(CharIndex::new("", 0).chars_before(0), 0);
    }
}
