//! Everything that is to be sent, from several files one after the other.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::lines::{Line, Lines};
use super::rows::Rows;

/// How input is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON Lines.
    Lines { as_is: bool },
    /// CSV with a header.
    Rows,
}

/// Something to read.
pub struct Input {
    /// As messages call it.
    pub name: String,
    pub form: Form,
    reader: Box<dyn Read + Send>,
    /// How many bytes there are, where that is known.
    pub bytes: Option<u64>,
}

/// One thing that is to be sent, or why it is malformed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `orders.jsonl:17`
    pub place: String,
    pub body: Result<String, String>,
}

impl Input {
    /// # Errors
    /// The file cannot be opened.
    pub fn file(path: &Path, form: Form) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let bytes = metadata.is_file().then_some(metadata.len());
        Ok(Self { name: path.display().to_string(), form, reader: Box::new(file), bytes })
    }

    pub fn standard_input(form: Form) -> Self {
        Self::other("standard input", form, io::stdin())
    }

    /// Whatever else can be read.
    pub fn other(name: &str, form: Form, reader: impl Read + Send + 'static) -> Self {
        Self { name: name.to_owned(), form, reader: Box::new(reader), bytes: None }
    }

    /// Its entries, one at a time; `read` counts the bytes they were made from.
    pub fn entries(self, read: Arc<AtomicU64>) -> Box<dyn Iterator<Item = io::Result<Entry>>> {
        let reader = Counted { reader: self.reader, read };
        let entry = move |line: io::Result<Line>| {
            line.map(|Line { number, body }| Entry { place: format!("{}:{number}", self.name), body })
        };
        match self.form {
            Form::Lines { as_is } => Box::new(Lines::new(BufReader::new(reader), as_is).map(entry)),
            Form::Rows => Box::new(Rows::new(reader).map(entry)),
        }
    }
}

/// Counts what is read.
struct Counted {
    reader: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
