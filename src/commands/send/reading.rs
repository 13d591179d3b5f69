//! Reads input on a thread of its own: standard input may keep silent for hours, and the program must hear Ctrl-C.

use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use tokio::sync::{mpsc, oneshot};

use crate::cli::{Format, Send};
use crate::operate::{Entry, Form, Generator, Input, Letter};

/// So many letters are read ahead.
const AHEAD: usize = 32;
/// So many malformed lines are told one by one; the rest is counted.
const MOST_TOLD: u64 = 100;

/// What reading has come to so far.
#[derive(Debug, Default)]
pub struct Reading {
    bytes: Arc<AtomicU64>,
    malformed: AtomicU64,
    /// Words that nobody has taken yet.
    words: Mutex<Vec<String>>,
    /// Why it ended before the end.
    failure: Mutex<Option<String>>,
}

impl Reading {
    /// Bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Malformed lines so far.
    pub fn malformed(&self) -> u64 {
        self.malformed.load(Ordering::Relaxed)
    }

    /// News about malformed lines, each once.
    pub fn take_words(&self) -> Vec<String> {
        std::mem::take(&mut self.words.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn tell(&self, place: &str, cause: &str, consequence: &str) {
        let count = self.malformed.fetch_add(1, Ordering::Relaxed) + 1;
        let mut words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        if count <= MOST_TOLD {
            words.push(format!("{place}: {cause}{consequence}"));
        } else if count == MOST_TOLD + 1 {
            words.push("more malformed lines are only counted".into());
        }
    }

    /// Hands the good entries on, tells of the others. Ends early when nobody takes them.
    fn read(&self, inputs: Vec<Input>, consequence: &str, mut take: impl FnMut(Letter) -> Result<(), io::Error>) {
        for input in inputs {
            let name = input.name.clone();
            for entry in input.entries(Arc::clone(&self.bytes)) {
                let outcome = entry.and_then(|Entry { place, body }| match body {
                    Ok(body) => take(Letter { body, place }),
                    Err(cause) => {
                        self.tell(&place, &cause, consequence);
                        Ok(())
                    }
                });
                match outcome {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return,
                    Err(error) => {
                        let words = format!("{name} cannot be read to its end: {error}");
                        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(words);
                        return;
                    }
                }
            }
        }
    }
}

/// The inputs that the command line names.
///
/// # Errors
/// A file that cannot be opened, or is read in two ways at once.
pub fn inputs(arguments: &Send) -> Result<Vec<Input>> {
    let standard = Path::new("-");
    if arguments.files.iter().filter(|file| *file == standard).count() > 1 {
        bail!("standard input can be read once only\nhint: name `-` once");
    }
    let open = |file: &PathBuf| -> Result<Input> {
        let form = form(file, arguments)?;
        if file == standard {
            return Ok(Input::standard_input(form));
        }
        Input::file(file, form).with_context(|| format!("`{}` cannot be read", file.display()))
    };
    arguments.files.iter().map(open).collect()
}

fn form(file: &Path, arguments: &Send) -> Result<Form> {
    let is_csv = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let format = arguments.format.unwrap_or(if is_csv { Format::Csv } else { Format::Jsonl });
    match format {
        Format::Jsonl => Ok(Form::Lines { as_is: arguments.as_is }),
        Format::Csv if arguments.as_is => bail!(
            "`--as-is` sends lines as they are, and the rows of `{}` are made into JSON\nhint: `--format jsonl` takes its lines for messages",
            file.display()
        ),
        Format::Csv => Ok(Form::Rows),
    }
}

/// Reads on a thread of its own; the letters come out of the channel.
pub fn read(inputs: Vec<Input>) -> (mpsc::Receiver<Letter>, Arc<Reading>) {
    let (sender, letters) = mpsc::channel(AHEAD);
    let reading = Arc::new(Reading::default());
    let shared = Arc::clone(&reading);
    std::thread::spawn(move || {
        let take = |letter| sender.blocking_send(letter).map_err(|_| io::ErrorKind::BrokenPipe.into());
        shared.read(inputs, "; skipped", take);
    });
    (letters, reading)
}

/// Makes letters up on a thread of its own.
pub fn make_up(generator: Generator) -> mpsc::Receiver<Letter> {
    let (sender, letters) = mpsc::channel(AHEAD);
    std::thread::spawn(move || {
        for (number, made) in generator.enumerate() {
            let letter = Letter { body: made.body, place: format!("transaction {}", number + 1) };
            if sender.blocking_send(letter).is_err() {
                return;
            }
        }
    });
    letters
}

/// The inputs to read again, once they were read to their end.
pub type Checking = oneshot::Receiver<Result<Vec<Input>>>;

/// Reads everything without sending; what cannot be read twice is kept in a temporary file meanwhile. Resolves to the
/// inputs to read again.
pub fn check(arguments: &Send) -> Result<(Checking, Arc<Reading>)> {
    let inputs = inputs(arguments)?;
    let again = reopen(arguments, &inputs)?;
    let (done, checked) = oneshot::channel();
    let reading = Arc::new(Reading::default());
    let shared = Arc::clone(&reading);
    std::thread::spawn(move || {
        let outcome = spool(inputs, again, &shared);
        let _ = done.send(outcome);
    });
    Ok((checked, reading))
}

/// For each input that can be opened twice, the second one.
fn reopen(arguments: &Send, inputs: &[Input]) -> Result<Vec<Option<Input>>> {
    let second = |(file, input): (&PathBuf, &Input)| match input.bytes {
        Some(_) => {
            Input::file(file, input.form).map(Some).with_context(|| format!("`{}` cannot be read", file.display()))
        }
        None => Ok(None),
    };
    arguments.files.iter().zip(inputs).map(second).collect()
}

fn spool(inputs: Vec<Input>, again: Vec<Option<Input>>, reading: &Reading) -> Result<Vec<Input>> {
    let mut ready = Vec::new();
    for (input, second) in inputs.into_iter().zip(again) {
        let name = input.name.clone();
        let input = match second {
            Some(second) => {
                reading.read(vec![input], "", |_| Ok(()));
                second
            }
            None => {
                let mut file = tempfile::tempfile().context("no temporary file can be made for what is read")?;
                let mut writer = io::BufWriter::new(&mut file);
                reading.read(vec![input], "", |letter| {
                    writer.write_all(letter.body.as_bytes()).and_then(|()| writer.write_all(b"\n"))
                });
                writer.flush().context("the temporary file cannot be written")?;
                drop(writer);
                file.rewind().context("the temporary file cannot be read")?;
                Input::other(&name, Form::Lines { as_is: false }, file)
            }
        };
        ready.push(input);
    }
    Ok(ready)
}
