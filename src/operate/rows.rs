//! Rows of a CSV file as transactions: the header names the fields, an empty cell is an absent one.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use csv::{ErrorKind, Reader, StringRecord};
use serde_json::{Map, Value};

use super::letter::{MOST_BYTES, sendable};
use super::lines::Line;

/// The column without which no row can be a transaction.
const ID: &str = "transaction_id";
/// Columns that hold JSON, for a cell is no list and no object.
const JSON_COLUMNS: [&str; 2] = ["items", "metadata"];

/// The rows of a CSV file, one at a time.
#[derive(Debug)]
pub struct Rows<R> {
    reader: Reader<Bounded<R>>,
    header: Option<StringRecord>,
    room: Arc<AtomicUsize>,
    /// The line that the row begins at which is read.
    begins: u64,
    is_over: bool,
}

impl<R: Read> Rows<R> {
    pub fn new(reader: R) -> Self {
        let room = Arc::new(AtomicUsize::new(ROOM));
        let bounded = Bounded { reader, room: Arc::clone(&room), quoting: Quoting::Start };
        let reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(bounded);
        Self { reader, header: None, room, begins: 1, is_over: false }
    }

    fn header(&mut self) -> Result<StringRecord, csv::Error> {
        if let Some(header) = &self.header {
            return Ok(header.clone());
        }
        let header = match self.reader.headers() {
            Ok(header) => header.clone(),
            Err(error) if matches!(error.kind(), ErrorKind::Utf8 { .. }) => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the header is not UTF-8").into());
            }
            Err(error) => return Err(error),
        };
        check_header(&header).map_err(|cause| io::Error::new(io::ErrorKind::InvalidData, cause))?;
        self.header = Some(header.clone());
        Ok(header)
    }

    fn row(&mut self) -> Result<Option<Line>, csv::Error> {
        self.begins = self.reader.position().line();
        let header = self.header()?;
        self.room.store(ROOM, Ordering::Relaxed);
        let mut record = StringRecord::new();
        if !self.reader.read_record(&mut record)? {
            return Ok(None);
        }
        let number = record.position().map_or(0, csv::Position::line);
        Ok(Some(Line { number, body: body(&header, &record) }))
    }
}

impl<R: Read> Iterator for Rows<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        match self.row() {
            Ok(row) => row.map(Ok),
            Err(error) => Some(self.malformed(error)),
        }
    }
}

impl<R: Read> Rows<R> {
    fn malformed(&mut self, error: csv::Error) -> io::Result<Line> {
        let number = error.position().map_or_else(|| self.reader.position().line(), csv::Position::line);
        let cause = match error.into_kind() {
            ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("it has {len} cells, and the header {expected_len}")
            }
            ErrorKind::Utf8 { .. } => "it is not UTF-8".into(),
            // Past it nothing can be read: where would the next row begin?
            ErrorKind::Io(error) => {
                self.is_over = true;
                let has_words = error.get_ref().is_some();
                let words = format!("line {}: {error}", self.begins);
                return Err(if has_words { io::Error::new(error.kind(), words) } else { error });
            }
            other => format!("it cannot be read: {other:?}"),
        };
        Ok(Line { number, body: Err(cause) })
    }
}

/// # Errors
/// It is no header, or names a column twice.
fn check_header(header: &StringRecord) -> Result<(), String> {
    if !header.is_empty() && !header.iter().any(|name| name == ID) {
        let names: Vec<_> = header.iter().take(3).collect();
        return Err(format!("the first line is no header: `{}` names no column `{ID}`", names.join(",")));
    }
    let twice =
        header.iter().enumerate().find(|(place, name)| header.iter().skip(place + 1).any(|other| other == *name));
    twice.map_or(Ok(()), |(_, name)| Err(format!("the header names `{name}` twice")))
}

fn body(header: &StringRecord, record: &StringRecord) -> Result<String, String> {
    let mut fields = Map::new();
    for (name, cell) in header.iter().zip(record) {
        if cell.is_empty() {
            continue;
        }
        let value = if JSON_COLUMNS.contains(&name) {
            serde_json::from_str(cell).map_err(|error| format!("its cell `{name}` is not JSON: {error}"))?
        } else {
            Value::from(cell)
        };
        fields.insert(name.to_owned(), value);
    }
    if fields.is_empty() {
        return Err("all its cells are empty".into());
    }
    let body = Value::Object(fields).to_string();
    sendable(&body).map(|()| body)
}

/// How far a row may reach, with what the reader takes in advance.
const ROOM: usize = 2 * MOST_BYTES;

/// Where in a row the reading is, as far as quotes go (RFC 4180).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quoting {
    /// At the start of a cell.
    Start,
    /// In a cell without quotes, or after its closing one.
    Plain,
    Quoted,
    /// After a quote in a quoted cell: its end, or one half of a quote that is written twice.
    Perhaps,
}

impl Quoting {
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Start | Self::Perhaps, b'"') => Self::Quoted,
            (Self::Quoted, b'"') => Self::Perhaps,
            (Self::Quoted, _) => Self::Quoted,
            (_, b',' | b'\n' | b'\r') => Self::Start,
            _ => Self::Plain,
        }
    }
}

/// Ends with an error where a row goes on without end, instead of gathering the rest of the file.
#[derive(Debug)]
struct Bounded<R> {
    reader: R,
    room: Arc<AtomicUsize>,
    quoting: Quoting,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.quoting = buffer[..count].iter().fold(self.quoting, |quoting, byte| quoting.after(*byte));
        let room = self.room.load(Ordering::Relaxed);
        let is_cut = count == 0 && self.quoting == Quoting::Quoted;
        if count > room || is_cut {
            let words = "a row has no end: a quote is not closed; nothing from it on was read";
            return Err(io::Error::new(io::ErrorKind::InvalidData, words));
        }
        self.room.store(room - count, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u64, Result<String, String>)> {
        Rows::new(text.as_bytes()).map(|line| line.map(|line| (line.number, line.body)).unwrap()).collect()
    }

    #[test]
    fn a_row_becomes_an_object_whose_numbers_stay_as_written() {
        let rows = read(concat!(
            "transaction_id,amount,note,items\n",
            "t-1,10.50,,\"[{\"\"sku\"\":\"\"a\"\"}]\"\n",
            "t-2,007,\"two\nlines\",\n",
            "t-3,1,x,\n"
        ));
        assert_eq!(rows[0], (2, Ok(r#"{"amount":"10.50","items":[{"sku":"a"}],"transaction_id":"t-1"}"#.into())));
        assert_eq!(rows[1], (3, Ok(r#"{"amount":"007","note":"two\nlines","transaction_id":"t-2"}"#.into())));
        assert_eq!(rows[2].0, 5, "a cell's line breaks count");
    }

    #[test]
    fn a_malformed_row_is_told_and_the_next_one_read() {
        let rows = read("transaction_id,items\nt-1\nt-2,[1\n,\nt-3,[]\n");
        assert_eq!(rows[0], (2, Err("it has 1 cells, and the header 2".into())));
        assert!(rows[1].1.as_ref().unwrap_err().contains("`items` is not JSON"));
        assert_eq!(rows[2], (4, Err("all its cells are empty".into())));
        assert!(rows[3].1.is_ok());
    }

    /// What is read before it ends with an error, and the error.
    fn ends(text: &str) -> (usize, String) {
        let lines: Vec<_> = Rows::new(text.as_bytes()).collect();
        let (last, before) = lines.split_last().unwrap();
        assert!(before.iter().all(Result::is_ok));
        (before.len(), last.as_ref().unwrap_err().to_string())
    }

    #[test]
    fn a_quote_that_is_not_closed_does_not_swallow_the_file() {
        for rest in [ROOM, 10] {
            let (before, error) = ends(&format!("transaction_id\nt-1\n\"{}", "x\n".repeat(rest)));
            assert_eq!(before, 1);
            assert_eq!(error, "line 3: a row has no end: a quote is not closed; nothing from it on was read");
        }
        let closed = "transaction_id,note\nt-1,\"a \"\"b\"\"\"\nt-2,5\" x\nt-3,\"\"\nt-4,\"c\"";
        assert!(read(closed).iter().all(|(_, row)| row.is_ok()), "a quote inside of a cell opens none");
    }

    #[test]
    fn a_header_is_needed_and_each_of_its_names_once() {
        let (before, error) = ends("t-1,5.00,USD\nt-2,6.00,USD\n");
        assert_eq!(
            (before, error.as_str()),
            (0, "line 1: the first line is no header: `t-1,5.00,USD` names no column `transaction_id`")
        );
        assert!(ends("transaction_id,amount,amount\nt-1,1,2\n").1.contains("names `amount` twice"));
        assert_eq!(read(""), []);
        assert!(read("transaction_id , amount\nt-1,2\n")[0].1.as_ref().unwrap().contains("\"amount\":\"2\""));
        let lines: Vec<_> = Rows::new(&b"transaction_id,gr\xf6sse\nt-1,2\n"[..]).collect();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].as_ref().unwrap_err().to_string(), "line 1: the header is not UTF-8");
    }
}
