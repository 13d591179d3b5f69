//! Lines of a file of any size: none is held longer than a message may be.

use std::io::{self, BufRead};

use super::letter::{MOST_BYTES, sendable};

/// A line, or why it is none that can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// From 1 on.
    pub number: u64,
    pub body: Result<String, String>,
}

/// JSON Lines, one at a time. Empty lines are passed over.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    number: u64,
    /// Whether whatever SQS takes is good enough.
    as_is: bool,
}

impl<R: BufRead> Lines<R> {
    pub fn new(reader: R, as_is: bool) -> Self {
        Self { reader, number: 0, as_is }
    }

    /// The next line's bytes without its end, and whether it was cut off for its length. `None`: the end.
    fn read(&mut self) -> io::Result<Option<(Vec<u8>, bool)>> {
        let (mut line, mut is_cut, mut any) = (Vec::new(), false, false);
        loop {
            let available = match self.reader.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() {
                return Ok(any.then_some((line, is_cut)));
            }
            any = true;
            let end = available.iter().position(|byte| *byte == b'\n');
            let part = &available[..end.unwrap_or(available.len())];
            // One byte more than allowed is enough to know that it is too long; the rest is passed over.
            let room = (MOST_BYTES + 2).saturating_sub(line.len());
            is_cut |= part.len() > room;
            line.extend_from_slice(&part[..part.len().min(room)]);
            let used = end.map_or(available.len(), |end| end + 1);
            self.reader.consume(used);
            if end.is_some() {
                return Ok(Some((line, is_cut)));
            }
        }
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (bytes, is_cut) = match self.read() {
                Ok(line) => line?,
                Err(error) => return Some(Err(error)),
            };
            self.number += 1;
            let bytes = if self.number == 1 && !self.as_is { without_mark(bytes) } else { bytes };
            if !bytes.trim_ascii().is_empty() {
                return Some(Ok(Line { number: self.number, body: body(bytes, is_cut, self.as_is) }));
            }
        }
    }
}

/// Without the byte order mark that some programs begin a file with.
fn without_mark(bytes: Vec<u8>) -> Vec<u8> {
    bytes.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec).unwrap_or(bytes)
}

fn body(mut bytes: Vec<u8>, is_cut: bool, as_is: bool) -> Result<String, String> {
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    if is_cut {
        return Err(format!("it is longer than the {MOST_BYTES} bytes that a message may have"));
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| format!("it is not UTF-8, from byte {} on", error.utf8_error().valid_up_to() + 1))?;
    sendable(&text)?;
    if !as_is {
        is_object(&text)?;
    }
    Ok(text)
}

/// A line that is no JSON object can be no transaction. Whether an object is one, the processor says.
fn is_object(text: &str) -> Result<(), String> {
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
        // A line of its own: where it stands in the text is a column.
        let words = error.to_string();
        let cause = words.split(" at line ").next().unwrap_or(&words);
        return Err(format!("it is not JSON: {cause}, at column {}", error.column()));
    }
    if text.trim_start().starts_with('{') { Ok(()) } else { Err("it is JSON, but no object".into()) }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn read(text: &[u8], as_is: bool) -> Vec<(u64, Result<String, String>)> {
        // A small buffer, so that lines lie across its borders.
        let lines = Lines::new(BufReader::with_capacity(3, text), as_is);
        lines.map(|line| line.map(|line| (line.number, line.body)).unwrap()).collect()
    }

    #[test]
    fn objects_are_taken_as_they_are_and_lines_are_counted() {
        let lines = read(b"{\"a\": 1}\r\n\n  \n {\"b\":2}", false);
        assert_eq!(lines, [(1, Ok("{\"a\": 1}".into())), (4, Ok(" {\"b\":2}".into()))]);
    }

    #[test]
    fn a_byte_order_mark_belongs_to_no_transaction() {
        assert_eq!(read(b"\xef\xbb\xbf{}\n{}", false), [(1, Ok("{}".into())), (2, Ok("{}".into()))]);
        assert_eq!(read(b"\xef\xbb\xbf{}", true), [(1, Ok("\u{feff}{}".into()))]);
    }

    #[test]
    fn what_is_no_object_is_told_with_its_number_and_cause() {
        let lines = read(b"{}\n{\"a\":\n[1]\nnonsense\n\xff\n", false);
        let causes: Vec<_> = lines.iter().skip(1).map(|(number, body)| (*number, body.clone().unwrap_err())).collect();
        assert_eq!(causes[0], (2, "it is not JSON: EOF while parsing a value, at column 5".into()));
        assert_eq!(causes[1], (3, "it is JSON, but no object".into()));
        assert!(causes[2].1.starts_with("it is not JSON"), "{causes:?}");
        assert_eq!(causes[3], (5, "it is not UTF-8, from byte 1 on".into()));
    }

    #[test]
    fn as_they_are_only_what_sqs_refuses_is_left_out() {
        let lines = read(b"nonsense\n{\"a\":\n\x00\n", true);
        assert_eq!(lines[0].1, Ok("nonsense".into()));
        assert_eq!(lines[1].1, Ok("{\"a\":".into()));
        assert!(lines[2].1.is_err());
    }

    #[test]
    fn a_line_without_end_is_not_held_whole() {
        let endless = vec![b'x'; MOST_BYTES * 3];
        let mut lines = Lines::new(BufReader::new(&endless[..]), true);
        assert!(lines.next().unwrap().unwrap().body.unwrap_err().contains("longer"));
        assert!(lines.next().is_none());
        let mut text = vec![b'x'; MOST_BYTES];
        text.extend(b"\r\nnext\n");
        let lines = read(&text, true);
        assert_eq!(lines[0].1.as_ref().map(String::len), Ok(MOST_BYTES));
        assert_eq!(lines[1], (2, Ok("next".into())));
    }
}
