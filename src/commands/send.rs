//! `send`: transactions into the queue, from files or made up, and if asked to, every one followed to its end.

pub mod reading;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::json;
use tokio::sync::mpsc::Receiver;

use self::reading::Reading;
use super::Exit;
use super::delivery::{Delivered, Delivery, TICK};
use super::interrupt::Interrupt;
use super::reader::while_read;
use super::running::Running;
use crate::aws::sweep::Fate;
use crate::cli::{Global, Mix as MixArguments, Output, Send};
use crate::config::Pipeline;
use crate::config::pipeline::LogLevel;
use crate::number::{counted, grouped};
use crate::operate::account::Ids;
use crate::operate::mix::Shares;
use crate::operate::pace::Pace;
use crate::operate::{Generator, Input, Letter, Mix};
use crate::render::Terminal;
use crate::render::account::statement;
use crate::render::gauge::Gauge;

pub async fn run(global: &Global, arguments: &Send, terminal: &Terminal) -> Result<Exit> {
    let pipeline = super::session::load(global, terminal)?;
    let interrupt = Interrupt::telling(*terminal, "what was in flight may or may not be in the queue");
    let source = match source(arguments, &pipeline, terminal, &interrupt).await? {
        Checked::Ready(source) => source,
        Checked::Not(exit) => return Ok(exit),
    };
    if arguments.dry_run {
        return while_read(print(source, terminal, &interrupt)).await;
    }
    let running = Running::of(pipeline, global, terminal).await?;
    running.check_ours([running.blueprint().queue()]).await?;
    let patience = patience(arguments, &running).await?;
    say_idle(&running, terminal).await;
    let mut job = Job { running, arguments, terminal, interrupt, patience };
    job.carry_out(source).await
}

/// Where letters come from, and how many there will be.
struct Source {
    letters: Receiver<Letter>,
    /// Of made-up ones.
    count: Option<u64>,
    /// Of files, where all sizes are known.
    bytes: Option<u64>,
    reading: Arc<Reading>,
    seed: Option<u64>,
}

/// Whether the input may be sent.
enum Checked {
    Ready(Source),
    Not(Exit),
}

async fn source(arguments: &Send, pipeline: &Pipeline, terminal: &Terminal, interrupt: &Interrupt) -> Result<Checked> {
    let mix = &arguments.generate.mix;
    if let Some(count) = arguments.generate.generate {
        return made_up(count, mix, pipeline).map(Checked::Ready);
    }
    if let Some(option) = mix.stated() {
        bail!("`{option}` is about made-up transactions, and files are sent\nhint: `--generate N` makes N of them up");
    }
    if !arguments.strict {
        return Ok(Checked::Ready(files(reading::inputs(arguments)?)));
    }
    let (checked, reading) = reading::check(arguments)?;
    let gauge = Gauge::new(terminal);
    let show = async {
        loop {
            tokio::time::sleep(TICK).await;
            reading.take_words().iter().for_each(|words| gauge.line(words));
            gauge.show(&format!("checking: {} bytes read", grouped(reading.bytes())));
        }
    };
    let inputs = tokio::select! {
        inputs = checked => inputs??,
        () = interrupt.asked() => {
            terminal.talk("nothing was sent");
            return Ok(Checked::Not(Exit::Interrupted));
        }
        () = show => return Ok(Checked::Not(Exit::Failed)),
    };
    reading.take_words().iter().for_each(|words| gauge.line(words));
    drop(gauge);
    if let Some(failure) = reading.failure() {
        bail!("{failure}; nothing was sent");
    }
    match reading.malformed() {
        0 => Ok(Checked::Ready(files(inputs))),
        count => {
            let lines = counted(usize::try_from(count).unwrap_or(usize::MAX), "malformed line");
            bail!(
                "{lines}; nothing was sent\nhint: mend them; without `--strict` they are skipped, with `--as-is` sent untouched"
            )
        }
    }
}

fn files(inputs: Vec<Input>) -> Source {
    let bytes = inputs.iter().map(|input| input.bytes).sum();
    let (letters, reading) = reading::read(inputs);
    Source { letters, count: None, bytes, reading, seed: None }
}

fn made_up(count: u64, arguments: &MixArguments, pipeline: &Pipeline) -> Result<Source> {
    let (mix, seed) = (mix(count, arguments, Shares::USUAL)?, seed(arguments));
    let at = arguments.at.unwrap_or_else(jiff::Timestamp::now);
    let generator = Generator::new(pipeline, mix, "generated", seed, at).map_err(anyhow::Error::msg)?;
    let letters = reading::make_up(generator);
    Ok(Source { letters, count: Some(count), bytes: None, reading: Arc::default(), seed: Some(seed) })
}

/// The mix that the command line asks for.
pub fn mix(count: u64, arguments: &MixArguments, usual: Shares) -> Result<Mix> {
    let shares = Shares {
        large: arguments.large.unwrap_or(usual.large),
        invalid: arguments.invalid.unwrap_or(usual.invalid),
        duplicate: arguments.duplicate.unwrap_or(usual.duplicate),
        conflicting: arguments.conflicting.unwrap_or(usual.conflicting),
    };
    Mix::new(count, shares).map_err(anyhow::Error::msg)
}

/// The seed that was given, or one that is short enough to be typed again.
pub fn seed(arguments: &MixArguments) -> u64 {
    arguments.seed.unwrap_or_else(|| fastrand::u64(0..100_000))
}

/// Made-up ids are new, unless an earlier run may have had the same seed and moment.
pub fn ids(are_made_up: bool, arguments: &MixArguments) -> Ids {
    if are_made_up && arguments.at.is_none() { Ids::New } else { Ids::PerhapsUsed }
}

/// How long without news it follows; `None`: it does not.
async fn patience(arguments: &Send, running: &Running) -> Result<Option<Duration>> {
    if !arguments.wait {
        return Ok(None);
    }
    check_followable(running).await?;
    Ok(Some(arguments.patience.unwrap_or_else(|| usual_patience(&running.pipeline))))
}

/// A message that failed comes back after the queue's visibility timeout: until then silence means nothing.
pub fn usual_patience(pipeline: &Pipeline) -> Duration {
    Duration::from_secs(pipeline.visibility_timeout() + 60)
}

/// # Errors
/// Messages of this pipeline leave too few traces, or they cannot be read.
pub async fn check_followable(running: &Running) -> Result<()> {
    match running.pipeline.function.log_level {
        LogLevel::Debug | LogLevel::Info => {}
        LogLevel::Warn | LogLevel::Error => bail!(
            "messages cannot be followed: an identical copy leaves its only trace in the processor's log, and this one writes warnings alone\nhint: `function: {{ log_level: info }}`, and apply"
        ),
    }
    running.aws.can_follow(running.places().places(running)).await?;
    Ok(())
}

/// Says why what is sent stays in the queue, where that is so. Whoever may send need not be allowed to know.
async fn say_idle(running: &Running, terminal: &Terminal) {
    if let Ok(Some(why)) = running.idle().await {
        terminal.talk(&format!("nothing is processed now: {why}"));
    }
}

/// Prints what would be sent, one message a line.
async fn print(mut source: Source, terminal: &Terminal, interrupt: &Interrupt) -> Result<Exit> {
    loop {
        let letter = tokio::select! {
            letter = source.letters.recv() => letter,
            () = interrupt.asked() => return Ok(Exit::Interrupted),
        };
        source.reading.take_words().iter().for_each(|words| terminal.talk(words));
        match letter {
            Some(letter) => terminal.answer(&(letter.body + "\n")),
            None => break,
        }
    }
    match source.reading.failure() {
        Some(failure) => bail!(failure),
        None => Ok(Exit::Done),
    }
}

struct Job<'a> {
    running: Running,
    arguments: &'a Send,
    terminal: &'a Terminal,
    interrupt: Interrupt,
    patience: Option<Duration>,
}

impl Job<'_> {
    async fn carry_out(&mut self, mut source: Source) -> Result<Exit> {
        let (count, bytes, reading) = (source.count, source.bytes, Arc::clone(&source.reading));
        let share = |sent: u64| {
            let (part, whole) = match (count, bytes) {
                (Some(count), _) => (sent, count),
                (None, Some(bytes)) => (reading.bytes(), bytes),
                (None, None) => return None,
            };
            (whole > 0).then(|| part as f64 / whole as f64)
        };
        let gauge = Gauge::new(self.terminal);
        let delivery = Delivery {
            running: &self.running,
            interrupt: &self.interrupt,
            gauge: &gauge,
            pace: Pace::new(self.arguments.rate),
            patience: self.patience,
            ids: ids(self.arguments.generate.generate.is_some(), &self.arguments.generate.mix),
            quarantined: Fate::Stays,
            share: &share,
            words: &|| reading.take_words(),
        };
        let delivered = delivery.carry_out(&mut source.letters).await;
        drop(gauge);
        self.say(&delivered, &source);
        if delivered.is_given_up() {
            say_idle(&self.running, self.terminal).await;
        }
        self.exit(delivered, &source)
    }

    fn say(&self, delivered: &Delivered, source: &Source) {
        let malformed = source.reading.malformed();
        if self.arguments.output == Output::Json {
            let answer = json!({
                "malformed": malformed, "refused": delivered.refused, "interrupted": delivered.is_interrupted,
                "seed": source.seed,
            });
            return self.terminal.answer(&format!("{:#}\n", merged(answer, delivered)));
        }
        let mut text = format!("sent {} to {}", grouped(delivered.sent), self.running.place());
        for (count, words) in [(malformed, "malformed, skipped"), (delivered.refused, "refused by SQS")] {
            if count > 0 {
                text.push_str(&format!("; {} {words}", grouped(count)));
            }
        }
        if let Some(seed) = source.seed {
            text.push_str(&format!("; seed {seed}"));
        }
        text.push('\n');
        if let Some(account) = &delivered.account {
            text.push_str(&statement(account, self.terminal.answer_style()));
        }
        self.terminal.answer(&text);
    }

    fn exit(&self, delivered: Delivered, source: &Source) -> Result<Exit> {
        if let Some(failure) = delivered.failure {
            return Err(failure.into());
        }
        if let Some(failure) = source.reading.failure() {
            bail!(failure);
        }
        if delivered.is_interrupted {
            self.terminal.talk("interrupted: what is counted as sent is in the queue; nothing else was sent");
            return Ok(Exit::Interrupted);
        }
        let is_clean = delivered.account.is_none_or(|account| account.is_clean());
        Ok(if delivered.refused == 0 && is_clean { Exit::Done } else { Exit::Failed })
    }
}

/// The account first, or the number sent alone; then the rest.
pub fn merged(rest: serde_json::Value, delivered: &Delivered) -> serde_json::Value {
    let mut answer = match &delivered.account {
        Some(account) => json!(account),
        None => json!({ "sent": delivered.sent }),
    };
    if let (Some(answer), serde_json::Value::Object(rest)) = (answer.as_object_mut(), rest) {
        answer.extend(rest);
    }
    answer
}
