//! Numbers and texts one after another: a number in groups of seven bits, the lowest first (LEB128); a text as its
//! length and its bytes; a fingerprint as the count of its hexadecimal digits and the digits, two a byte.

/// Writes.
#[derive(Default)]
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn number(&mut self, mut number: u128) {
        while number > 0x7f {
            self.bytes.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.number(text.len() as u128);
        self.bytes.extend(text.as_bytes());
    }

    pub(super) fn fingerprint(&mut self, digits: &str) {
        let digits: Vec<u8> = digits.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
        self.number(digits.len() as u128);
        self.bytes.extend(digits.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)));
    }
}

/// Reads; `None` where there is not enough, or too much for the type.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    /// A number of at most 70 bits.
    pub(super) fn number(&mut self) -> Option<u128> {
        let mut number = 0;
        for shift in (0..70).step_by(7) {
            let byte = *self.take(1)?.first()?;
            number |= u128::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.number()?).ok()?;
        core::str::from_utf8(self.take(length)?).ok()
    }

    pub(super) fn fingerprint(&mut self) -> Option<String> {
        let count = usize::try_from(self.number()?).ok().filter(|count| *count <= 16)?;
        let mut text: String = self.take(count.div_ceil(2))?.iter().map(|byte| format!("{byte:02x}")).collect();
        text.truncate(count);
        Some(text)
    }
}
