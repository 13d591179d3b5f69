//! `dead-letters` and `quarantine`: what nobody processes any more is looked at, put back, or deleted.

use std::cell::Cell;
use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow, bail};
use jiff::Timestamp;
use serde_json::json;

use super::file::{Whole, check_not_the_input};
use super::interrupt::Interrupt;
use super::running::Running;
use super::{Exit, agrees};
use crate::aws::log_lines::Wanted;
use crate::aws::peeking::Seen;
use crate::aws::redriving::Redrive;
use crate::cli::{self, Global, Output};
use crate::number::counted;
use crate::operate::news::{News, Said};
use crate::operate::redrive::{By, Redriven, Selection};
use crate::operate::{Groups, Parked};
use crate::reconcile::CloudError;
use crate::render::Terminal;
use crate::render::gauge::Gauge;
use crate::render::parked::{self as text, Looked, Sheet};

/// Which of the two queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    DeadLetters,
    Quarantine,
}

impl Which {
    /// As it is called on the command line.
    fn command(self) -> &'static str {
        match self {
            Self::DeadLetters => "dead-letters",
            Self::Quarantine => "quarantine",
        }
    }
}

pub async fn run(global: &Global, which: Which, verb: &cli::Parked, terminal: &Terminal) -> Result<Exit> {
    if let cli::Parked::Purge(cli::Purge { save: Some(file), .. }) = verb {
        check_not_the_input(file, &global.file)?;
    }
    let running = Running::open(global, terminal).await?;
    let queue = match which {
        Which::DeadLetters => running.pipeline.dead_letter_name(),
        Which::Quarantine => running.pipeline.quarantine_name(),
    };
    let blueprint = running.blueprint();
    let parked = if which == Which::Quarantine { blueprint.quarantine() } else { blueprint.dead_letter() };
    match verb {
        cli::Parked::List(_) | cli::Parked::Show(_) => {}
        cli::Parked::Redrive(_) => running.check_ours([parked, blueprint.queue()]).await?,
        cli::Parked::Purge(_) => running.check_ours([parked]).await?,
    }
    // Before Ctrl-C is listened to: at a question it simply ends the program.
    if let cli::Parked::Purge(arguments) = verb
        && !is_agreed(&running, &queue, arguments, terminal).await?
    {
        terminal.talk("nothing was deleted");
        return Ok(Exit::Failed);
    }
    let desk = Desk { running: &running, which, queue, terminal, interrupt: Interrupt::listen(*terminal) };
    match verb {
        cli::Parked::List(arguments) => desk.list(arguments).await,
        cli::Parked::Show(arguments) => desk.show(arguments).await,
        cli::Parked::Redrive(arguments) => desk.redrive(arguments).await,
        cli::Parked::Purge(arguments) => desk.purge(arguments).await,
    }
}

/// Whether messages may be deleted.
async fn is_agreed(running: &Running, queue: &str, arguments: &cli::Purge, terminal: &Terminal) -> Result<bool> {
    if arguments.yes {
        return Ok(true);
    }
    let count = counted(running.aws.depth(queue).await?.all(), "message");
    let what = match &arguments.reason {
        Some(reason) => format!("those of about {count} that have the reason `{reason}`"),
        None => format!("about {count}"),
    };
    let after = if arguments.save.is_some() { "after saving them" } else { "unread and unsaved" };
    let question = format!("Delete {what} from `{queue}` of {}, {after}?", running.place());
    agrees(terminal, &question, "`--yes` deletes without a question")
}

/// What a purge came to.
#[derive(Default)]
struct Purged {
    deleted: usize,
    /// Whether SQS emptied the queue as a whole, and the count is its estimate.
    is_whole: bool,
    saved: Option<usize>,
    /// Whether nothing more was found.
    is_all: bool,
    /// In the hands of others, and so neither saved nor deleted.
    hidden: usize,
}

/// One of the two queues, with whoever works at it.
struct Desk<'a> {
    running: &'a Running,
    which: Which,
    queue: String,
    terminal: &'a Terminal,
    interrupt: Interrupt,
}

impl Desk<'_> {
    async fn list(&self, arguments: &cli::List) -> Result<Exit> {
        let mut seen = self.look(arguments.look as usize).await?;
        let looked = Looked {
            messages: seen.messages.len(),
            waiting: seen.depth.waiting,
            in_flight: seen.depth.in_flight,
            is_all: seen.is_all,
        };
        let selection = Selection { reason: arguments.reason.clone(), ..Selection::default() };
        seen.messages.retain(|message| selection.covers(message));
        let groups = Groups::of(&seen.messages);
        match arguments.output {
            Output::Json => self.terminal.answer(&format!(
                "{:#}\n",
                json!({
                    "queue": self.queue,
                    "looked_at": looked.messages,
                    "is_all": looked.is_all && looked.in_flight == 0,
                    "waiting": looked.waiting,
                    "in_flight": looked.in_flight,
                    "groups": groups.groups,
                })
            )),
            Output::Text => {
                self.terminal.answer(&text::groups(&self.queue, &groups, looked, self.sheet()));
                if let (Some(reason), true) = (&arguments.reason, groups.groups.is_empty()) {
                    self.terminal.answer(&text::no_such_reason(reason));
                }
            }
        }
        Ok(self.exit())
    }

    async fn show(&self, arguments: &cli::Show) -> Result<Exit> {
        let mut seen = self.look(arguments.look as usize).await?;
        let id = &arguments.id;
        seen.messages.retain(|message| message.message_id == *id || message.transaction_id().as_ref() == Some(id));
        if seen.messages.is_empty() {
            if self.interrupt.is_asked() {
                return Ok(Exit::Interrupted);
            }
            let hint = if seen.depth.in_flight > 0 {
                format!("{} messages were in the hands of others: try it again in a while", seen.depth.in_flight)
            } else if seen.is_all {
                format!("`pipewright {} list` shows what there is", self.which.command())
            } else {
                format!("the queue holds about {} messages, more than were looked at: `--look N`", seen.depth.waiting)
            };
            bail!("no message in `{}` has the id `{id}`, nor a transaction of that id\nhint: {hint}", self.queue);
        }
        match arguments.output {
            Output::Json => {
                let all: Vec<_> = seen.messages.iter().map(Parked::as_json).collect();
                self.terminal.answer(&(serde_json::to_string_pretty(&all)? + "\n"));
            }
            Output::Text => {
                let all: Vec<_> = seen.messages.iter().map(|message| text::message(message, self.sheet())).collect();
                self.terminal.answer(&all.join("\n"));
            }
        }
        Ok(Exit::Done)
    }

    async fn redrive(&self, arguments: &cli::Redrive) -> Result<Exit> {
        let selection = self.selection(&arguments.reason, arguments.limit).await?;
        let is_for_sqs = self.which == Which::DeadLetters && selection.is_everything();
        let moved = if is_for_sqs { self.move_all(arguments).await? } else { None };
        let redriven = match moved {
            Some(moved) => moved,
            None => self.put_back(arguments, selection).await?,
        };
        let to = self.running.pipeline.queue_name();
        match arguments.output {
            Output::Json => self.terminal.answer(&(serde_json::to_string_pretty(&redriven)? + "\n")),
            Output::Text => {
                self.terminal.answer(&text::redriven(&self.queue, &to, &redriven));
                if let (Some(reason), 0) = (&arguments.reason, redriven.sent) {
                    self.terminal.answer(&text::no_such_reason(reason));
                }
            }
        }
        Ok(match &redriven {
            Redriven { interrupted: true, .. } => Exit::Interrupted,
            Redriven { not_removed, refused, .. } if *not_removed > 0 || !refused.is_empty() => Exit::Failed,
            Redriven { .. } => Exit::Done,
        })
    }

    async fn put_back(&self, arguments: &cli::Redrive, selection: Selection) -> Result<Redriven, CloudError> {
        let pipeline = &self.running.pipeline;
        let elsewhere = match self.which {
            Which::DeadLetters => pipeline.quarantine_name(),
            Which::Quarantine => pipeline.dead_letter_name(),
        };
        let what = Redrive { from: self.queue.clone(), to: pipeline.queue_name(), elsewhere, selection };
        let wait = arguments.wait;
        let gauge = Gauge::new(self.terminal);
        let on = |sent: usize| gauge.show(&format!("put back {sent}"));
        self.running.aws.redrive(&what, wait, &|| self.interrupt.is_asked(), &on).await
    }

    /// Has SQS move everything. `None`: it cannot.
    async fn move_all(&self, arguments: &cli::Redrive) -> Result<Option<Redriven>> {
        let to = self.running.pipeline.queue_name();
        let gauge = Gauge::new(self.terminal);
        let on = |moved: usize| gauge.show(&format!("moved {moved}"));
        let moved = self.running.aws.move_all(&self.queue, &to, &|| self.interrupt.is_asked(), &on).await?;
        drop(gauge);
        let Some(moved) = moved else { return Ok(None) };
        if let Some(why) = moved.failure {
            bail!("SQS stopped moving after {} messages: {why}\nhint: what was not moved is still there", moved.moved);
        }
        let wait = arguments.wait;
        let on_the_way = self.running.aws.drained(&to, wait, &|| self.interrupt.is_asked()).await?;
        let parked = self.running.aws.depth(&self.queue).await?;
        Ok(Some(Redriven {
            sent: moved.moved,
            by: By::MoveTask,
            left: parked.all(),
            still_on_the_way: on_the_way.all(),
            interrupted: moved.interrupted,
            ..Redriven::default()
        }))
    }

    async fn purge(&self, arguments: &cli::Purge) -> Result<Exit> {
        if arguments.save.is_none() && arguments.reason.is_none() {
            let depth = self.running.aws.depth(&self.queue).await?;
            self.running.aws.purge(&self.queue).await?;
            let purged = Purged { deleted: depth.all(), is_whole: true, is_all: true, ..Purged::default() };
            self.say_purged(arguments, &purged);
            return Ok(Exit::Done);
        }
        let selection = self.selection(&arguments.reason, None).await?;
        let is_stopped = || self.interrupt.is_asked();
        let gauge = Gauge::new(self.terminal);
        let aws = &self.running.aws;
        let mut file = arguments.save.as_deref().map(Whole::begin_new).transpose()?;
        let mut count = 0_usize;
        let mut save = |message: &Parked| {
            let Some(file) = &mut file else { return Ok(()) };
            count += 1;
            gauge.show(&format!("saved {count}"));
            file.write(format!("{}\n", message.as_json()).as_bytes()).map_err(std::io::Error::other)
        };
        let gathered = aws.gather(&self.queue, &selection, &is_stopped, &mut save).await;
        let gathered = gathered.context("nothing was deleted, nothing was saved")?;
        let chosen = gathered.chosen.len();
        let mut purged = Purged { is_all: gathered.is_all, hidden: gathered.hidden, ..Purged::default() };
        if self.interrupt.is_asked() {
            aws.show_again(&self.queue, gathered.chosen.values().map(String::as_str)).await;
            drop(gauge);
            self.say_purged(arguments, &purged);
            return Ok(Exit::Interrupted);
        }
        if chosen > 0
            && let Some(file) = file
        {
            if let Err(error) = file.finish() {
                aws.show_again(&self.queue, gathered.chosen.values().map(String::as_str)).await;
                return Err(error.context("nothing was deleted"));
            }
            purged.saved = Some(chosen);
        }
        let deleted = Cell::new(0);
        let on = |removed: usize| {
            deleted.set(removed);
            gauge.show(&format!("deleted {removed} of {chosen}"));
        };
        let removed = aws.remove_gathered(&self.queue, &gathered, &is_stopped, &on).await;
        purged.deleted = deleted.get();
        drop(gauge);
        // Whatever came of it, what was saved and deleted is said.
        self.say_purged(arguments, &purged);
        removed.context("it was stopped; what is left may be hidden for up to five minutes")?;
        Ok(match self.exit() {
            Exit::Done if purged.deleted < chosen => Exit::Failed,
            exit => exit,
        })
    }

    fn say_purged(&self, arguments: &cli::Purge, purged: &Purged) {
        let saved_to =
            arguments.save.as_ref().filter(|_| purged.saved.is_some()).map(|file| file.display().to_string());
        if arguments.output == Output::Json {
            let answer = json!({
                "queue": self.queue,
                "deleted": purged.deleted,
                "is_exact": !purged.is_whole,
                "saved": purged.saved,
                "saved_to": saved_to,
                "is_all": purged.is_all && purged.hidden == 0,
                "hidden": purged.hidden,
                "interrupted": self.interrupt.is_asked(),
            });
            return self.terminal.answer(&format!("{answer:#}\n"));
        }
        let about = if purged.is_whole { "about " } else { "" };
        let mut words = format!("deleted {about}{} from {}", counted(purged.deleted, "message"), self.queue);
        if let (Some(count), Some(file)) = (purged.saved, &saved_to) {
            words.push_str(&format!("; saved {count} to {file}"));
            if purged.deleted < count {
                words.push_str(&format!(", {} of them are still in the queue", count - purged.deleted));
            }
        }
        if self.interrupt.is_asked() {
            words.push_str("; interrupted");
        } else if !purged.is_all {
            words.push_str("; there are more: run it again");
        }
        words.push('\n');
        words.push_str(&text::hidden(purged.hidden));
        if let (Some(reason), 0) = (&arguments.reason, purged.deleted) {
            words.push_str(&text::no_such_reason(reason));
        }
        self.terminal.answer(&words);
    }

    async fn look(&self, limit: usize) -> Result<Seen, CloudError> {
        let mut seen = self.running.aws.peek(&self.queue, limit, &|| self.interrupt.is_asked()).await?;
        if self.which == Which::DeadLetters && !seen.messages.is_empty() {
            let oldest = seen.messages.iter().filter_map(|message| message.sent_at).min();
            let causes = self.causes(oldest.unwrap_or(Timestamp::UNIX_EPOCH)).await?;
            seen.messages.iter_mut().for_each(|message| message.cause = causes.get(&message.message_id).cloned());
        }
        Ok(seen)
    }

    /// Why messages failed the last time, as the processor's log tells it, by their ids.
    async fn causes(&self, since: Timestamp) -> Result<BTreeMap<String, String>, CloudError> {
        let group = self.running.pipeline.log_group_name();
        let wanted = Wanted { group: &group, phrase: "failed", from: since.as_millisecond() };
        let mut causes = BTreeMap::new();
        let mut keep = |line: crate::aws::log_lines::LogLine| {
            if let Some(News { message_id, said: Said::Failed { cause }, .. }) = News::read(&line.text) {
                causes.insert(message_id, cause);
            }
        };
        self.running.aws.log_lines(wanted, &mut keep).await?;
        Ok(causes)
    }

    async fn selection(&self, reason: &Option<String>, limit: Option<u32>) -> Result<Selection> {
        let mut selection =
            Selection { reason: reason.clone(), limit: limit.map(|limit| limit as usize), causes: BTreeMap::new() };
        if self.which == Which::DeadLetters && reason.is_some() {
            let kept = i64::try_from(self.running.pipeline.queue.dead_letter.retention.get()).unwrap_or(i64::MAX);
            let since = Timestamp::now().checked_sub(jiff::SignedDuration::from_secs(kept));
            selection.causes = self.causes(since.map_err(|error| anyhow!("{error}"))?).await?;
        }
        Ok(selection)
    }

    fn sheet(&self) -> Sheet {
        Sheet { style: self.terminal.answer_style(), width: self.terminal.answer_width() }
    }

    fn exit(&self) -> Exit {
        if self.interrupt.is_asked() { Exit::Interrupted } else { Exit::Done }
    }
}
