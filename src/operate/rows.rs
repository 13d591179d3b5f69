//! Rows of a CSV file as transactions: the header names the fields, an empty cell is an absent one.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use csv::{ErrorKind, Reader, StringRecord};
use serde_json::{Map, Value};

use super::letter::{MOST_BYTES, sendable};
use super::lines::Line;

/// Columns that hold JSON, for a cell is no list and no object.
const JSON_COLUMNS: [&str; 2] = ["items", "metadata"];

/// The rows of a CSV file, one at a time.
#[derive(Debug)]
pub struct Rows<R> {
    reader: Reader<Bounded<R>>,
    header: Option<StringRecord>,
    room: Arc<AtomicUsize>,
    is_over: bool,
}

impl<R: Read> Rows<R> {
    pub fn new(reader: R) -> Self {
        let room = Arc::new(AtomicUsize::new(ROOM));
        let bounded = Bounded { reader, room: Arc::clone(&room) };
        Self { reader: csv::ReaderBuilder::new().from_reader(bounded), header: None, room, is_over: false }
    }

    fn header(&mut self) -> Result<StringRecord, csv::Error> {
        if self.header.is_none() {
            self.header = Some(self.reader.headers()?.clone());
        }
        Ok(self.header.clone().unwrap_or_default())
    }

    fn row(&mut self) -> Result<Option<Line>, csv::Error> {
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
            // Past a row without end nothing can be read: where would the next one begin?
            ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                self.is_over = true;
                "it has no end: a quote is not closed; nothing after it was read".into()
            }
            ErrorKind::Io(error) => {
                self.is_over = true;
                return Err(error);
            }
            other => format!("it cannot be read: {other:?}"),
        };
        Ok(Line { number, body: Err(cause) })
    }
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
    let body = Value::Object(fields).to_string();
    sendable(&body).map(|()| body)
}

/// How far a row may reach, with what the reader takes in advance.
const ROOM: usize = 2 * MOST_BYTES;

/// Ends with an error where a row goes on without end, instead of gathering the rest of the file.
#[derive(Debug)]
struct Bounded<R> {
    reader: R,
    room: Arc<AtomicUsize>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        let room = self.room.load(Ordering::Relaxed);
        if count > room {
            return Err(io::ErrorKind::FileTooLarge.into());
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
        let rows = read("transaction_id,items\nt-1\nt-2,[1\nt-3,[]\n");
        assert_eq!(rows[0], (2, Err("it has 1 cells, and the header 2".into())));
        assert!(rows[1].1.as_ref().unwrap_err().contains("`items` is not JSON"));
        assert!(rows[2].1.is_ok());
    }

    #[test]
    fn a_quote_that_is_not_closed_does_not_swallow_the_file() {
        let text = format!("transaction_id\n\"{}", "x\n".repeat(ROOM));
        let rows = read(&text);
        assert_eq!(rows.len(), 1);
        assert!(rows[0].1.as_ref().unwrap_err().contains("quote"));
    }
}
