//! `dead-letters` and `quarantine`: what nobody processes any more is looked at, put back, or deleted.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use jiff::Timestamp;
use serde_json::json;

use super::Exit;
use super::file::{Whole, check_not_the_input};
use super::interrupt::Interrupt;
use super::running::Running;
use crate::aws::log_lines::Wanted;
use crate::aws::peeking::Seen;
use crate::aws::redriving::Redrive;
use crate::cli::{self, Global, Output};
use crate::operate::news::{News, Said};
use crate::operate::redrive::{By, Redriven, Selection};
use crate::operate::{Groups, Parked};
use crate::reconcile::CloudError;
use crate::render::Terminal;
use crate::render::gauge::Gauge;
use crate::render::number::counted;
use crate::render::parked::{self as text, Looked, Sheet};

/// Which of the two queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    DeadLetters,
    Quarantine,
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
    if !terminal.can_ask() {
        bail!("there is nobody to ask: this is no terminal\nhint: `--yes` deletes without a question");
    }
    let count = counted(running.aws.depth(queue).await?.all(), "message");
    let what = match &arguments.reason {
        Some(reason) => format!("those of about {count} that have the reason `{reason}`"),
        None => format!("about {count}"),
    };
    let after = if arguments.save.is_some() { "after saving them" } else { "unread and unsaved" };
    Ok(terminal.agrees(&format!("Delete {what} from `{queue}` of {}, {after}?", running.place())))
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
                    "is_all": looked.is_all,
                    "waiting": looked.waiting,
                    "in_flight": looked.in_flight,
                    "groups": groups.groups,
                })
            )),
            Output::Text => self.terminal.answer(&text::groups(&self.queue, &groups, looked, self.sheet())),
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
            let hint = if seen.is_all {
                "`list` shows what there is".to_owned()
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
            Output::Text => self.terminal.answer(&text::redriven(&self.queue, &to, &redriven)),
        }
        Ok(match &redriven {
            Redriven { interrupted: true, .. } => Exit::Interrupted,
            Redriven { not_removed, refused, .. } if *not_removed > 0 || !refused.is_empty() => Exit::Failed,
            Redriven { .. } => Exit::Done,
        })
    }

    async fn put_back(&self, arguments: &cli::Redrive, selection: Selection) -> Result<Redriven, CloudError> {
        let what = Redrive { from: self.queue.clone(), to: self.running.pipeline.queue_name(), selection };
        let wait = Duration::from_secs(arguments.wait.into());
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
        let wait = Duration::from_secs(arguments.wait.into());
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
            self.say_purged(arguments, depth.all(), true, None)?;
            return Ok(Exit::Done);
        }
        let selection = self.selection(&arguments.reason, None).await?;
        let is_stopped = || self.interrupt.is_asked();
        let gauge = Gauge::new(self.terminal);
        let aws = &self.running.aws;
        let mut file = arguments.save.as_deref().map(Whole::begin).transpose()?;
        let mut count = 0_usize;
        let mut save = |message: &Parked| {
            let Some(file) = &mut file else { return Ok(()) };
            count += 1;
            gauge.show(&format!("saved {count}"));
            file.write(format!("{}\n", message.as_json()).as_bytes()).map_err(std::io::Error::other)
        };
        let gathered = aws.gather(&self.queue, &selection, &is_stopped, &mut save).await?;
        if self.interrupt.is_asked() {
            aws.show_again(&self.queue, gathered.chosen.values().map(String::as_str)).await;
            self.terminal.talk("interrupted: nothing was deleted, nothing was saved");
            return Ok(Exit::Interrupted);
        }
        if let Err(error) = file.map_or(Ok(()), Whole::finish) {
            aws.show_again(&self.queue, gathered.chosen.values().map(String::as_str)).await;
            return Err(error.context("nothing was deleted"));
        }
        let on = |removed: usize| gauge.show(&format!("deleted {removed} of {}", gathered.chosen.len()));
        let removed = aws.remove_gathered(&self.queue, &gathered, &is_stopped, &on).await?;
        drop(gauge);
        self.say_purged(arguments, removed, gathered.is_all, Some(gathered.chosen.len()))?;
        Ok(match self.exit() {
            Exit::Done if removed < gathered.chosen.len() => Exit::Failed,
            exit => exit,
        })
    }

    fn say_purged(&self, arguments: &cli::Purge, removed: usize, is_all: bool, saved: Option<usize>) -> Result<()> {
        let saved_to = arguments.save.as_ref().map(|file| file.display().to_string());
        match arguments.output {
            Output::Json => self.terminal.answer(&format!(
                "{:#}\n",
                json!({
                    "queue": self.queue,
                    "deleted": removed,
                    "is_exact": saved.is_some(),
                    "saved": saved.filter(|_| saved_to.is_some()),
                    "saved_to": saved_to,
                    "is_all": is_all,
                    "interrupted": self.interrupt.is_asked(),
                })
            )),
            Output::Text => {
                let about = if saved.is_some() { "" } else { "about " };
                let mut words = format!("deleted {about}{} from {}", counted(removed, "message"), self.queue);
                if let (Some(count), Some(file)) = (saved, &saved_to) {
                    words.push_str(&format!("; saved {count} to {file}"));
                }
                if !is_all {
                    words.push_str("; there are more: run it again");
                }
                self.terminal.answer(&format!("{words}\n"));
            }
        }
        Ok(())
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
