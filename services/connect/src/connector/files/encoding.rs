//! A line is decoded exactly, or told to be undecodable; no character is replaced silently.

use std::borrow::Cow;

use encoding_rs::GB18030;

use super::config::EncodingChoice;

/// How a file's characters are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Gb18030,
}

/// UTF-8's byte order mark.
pub(super) const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

impl Encoding {
    /// The encoding of a file that begins with `head` and, if `goes_on`, has more than that; an error says why it cannot
    /// be read.
    pub(super) fn of(choice: EncodingChoice, head: &[u8], goes_on: bool) -> Result<Self, String> {
        if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
            return Err("is UTF-16; save it as UTF-8 or GB18030".to_owned());
        }
        match choice {
            EncodingChoice::Utf8 => Ok(Self::Utf8),
            _ if head.starts_with(UTF8_MARK) => Ok(Self::Utf8),
            EncodingChoice::Gb18030 => Ok(Self::Gb18030),
            EncodingChoice::Auto => Ok(Self::guess(head, goes_on)),
        }
    }

    /// UTF-8 unless no fewer of its multi-byte characters are broken than whole: text in GB18030 has hardly ever a valid
    /// one, and a UTF-8 file with a few damaged rows stays UTF-8.
    fn guess(head: &[u8], goes_on: bool) -> Self {
        let head = match std::str::from_utf8(head) {
            Ok(_) => return Self::Utf8,
            // The end of the head cuts through a character.
            Err(error) if goes_on && error.error_len().is_none() => &head[..error.valid_up_to()],
            Err(_) => head,
        };
        let mut whole = 0_usize;
        let mut broken = 0_usize;
        for chunk in head.utf8_chunks() {
            whole += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
            broken += usize::from(!chunk.invalid().is_empty());
        }
        if broken == 0 || whole > broken {
            Self::Utf8
        } else {
            Self::Gb18030
        }
    }

    /// The name for reasons.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Gb18030 => "GB18030",
        }
    }

    /// The text of a line, and whether it is exact.
    pub(super) fn decode(self, line: &[u8]) -> (Cow<'_, str>, bool) {
        match self {
            Self::Utf8 => match std::str::from_utf8(line) {
                Ok(text) => (Cow::Borrowed(text), true),
                Err(_) => (String::from_utf8_lossy(line), false),
            },
            Self::Gb18030 => {
                let (text, broken) = GB18030.decode_without_bom_handling(line);
                (text, !broken)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(head: &[u8]) -> Encoding {
        Encoding::of(EncodingChoice::Auto, head, false).unwrap()
    }

    #[test]
    fn the_beginning_tells_the_encoding() {
        let text = "编号,内容\n1,奶茶里有异物,客服不理人\n";
        assert_eq!(guess(text.as_bytes()), Encoding::Utf8);
        for cut in 1..4 {
            let head = &text.as_bytes()[..text.len() - cut];
            assert_eq!(
                Encoding::of(EncodingChoice::Auto, head, true),
                Ok(Encoding::Utf8)
            );
        }
        let (gb, _, _) = GB18030.encode(text);
        assert_eq!(guess(&gb), Encoding::Gb18030);
        assert_eq!(guess(&gb[..gb.len() - 2]), Encoding::Gb18030);
        let (short, _, _) = GB18030.encode("id,text\n1,好");
        assert_eq!(guess(&short), Encoding::Gb18030);
        assert_eq!(guess(b"id,text\n1,ok\n"), Encoding::Utf8);
        assert_eq!(guess(b""), Encoding::Utf8);
        assert_eq!(guess(b"\xef\xbb\xbfid"), Encoding::Utf8);
    }

    #[test]
    fn a_few_damaged_rows_do_not_change_the_encoding() {
        let mut bytes = "1,很好喝\n".repeat(20).into_bytes();
        bytes.extend_from_slice(b"2,\xff\xfe\n3,\x80\n");
        assert_eq!(guess(&bytes), Encoding::Utf8);
    }

    #[test]
    fn utf_16_is_refused_with_what_to_do() {
        let refused = Encoding::of(EncodingChoice::Auto, b"\xff\xfei\0d\0", false).unwrap_err();
        assert!(refused.contains("save it as UTF-8"), "{refused}");
    }

    #[test]
    fn rare_characters_of_gb18030_are_read() {
        let text = "𠮷野家€";
        let (bytes, _, _) = GB18030.encode(text);
        let (decoded, exact) = Encoding::Gb18030.decode(&bytes);
        assert!(exact);
        assert_eq!(decoded, text);
        assert!(!Encoding::Gb18030.decode(b"\xff\xff").1);
    }
}
