//! `drill writes`: writes to the table until the write-capacity alarm goes off by itself, and until it is over.

use std::time::Duration;

use anyhow::{Result, bail};
use futures_util::stream::{FuturesUnordered, Stream, StreamExt};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Instant, interval};

use super::remains::Remains;
use super::stage::{self, Stage};
use super::{STOPPED, is_agreed, notified};
use crate::aws::alarms::ALARM;
use crate::aws::writes::Marked;
use crate::cli::{Global, Output, WritesDrill};
use crate::commands::Exit;
use crate::commands::interrupt::Interrupt;
use crate::commands::running::Running;
use crate::config::Pipeline;
use crate::config::alarm::Alarm;
use crate::config::names::TopicKey;
use crate::number::{counted, elapsed, grouped};
use crate::operate::generate::id;
use crate::operate::writes::{TRICKLE, WriteDrill, choose};
use crate::reconcile::{CloudError, ErrorKind};
use crate::render::Terminal;
use crate::render::gauge::Gauge;

/// What the ids of the items begin with; there are so few of them that the next drill finds them without a search.
const BEGINS: &str = "drill-writes";
const ITEMS: u64 = 100;
const MOST_CALLS: usize = 16;
/// How often alarm and refusals are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// Items expire an hour later, where the table lets any expire, should nobody come to remove them.
const EXPIRY_SECONDS: i64 = 3_600;

pub async fn run(global: &Global, pipeline: Pipeline, arguments: &WritesDrill, terminal: &Terminal) -> Result<Exit> {
    let (key, alarm) = choose(&pipeline, arguments.name.as_deref()).map_err(anyhow::Error::msg)?;
    let (key, alarm) = (&key.clone(), &alarm.clone());
    let plan = WriteDrill::new(&pipeline, alarm).map_err(anyhow::Error::msg)?;
    if arguments.dry_run {
        show(key, &plan, arguments.consent.output, terminal);
        return Ok(Exit::Done);
    }
    if global.local {
        bail!(
            "the local AWS measures no table: however much is written, alarm `{key}` does not go off by it; nothing was written\nhint: `pipewright drill alarm {key}` tests its message; `--dry-run` shows what would be written to AWS"
        );
    }
    let running = Running::of(pipeline, global, terminal).await?;
    let blueprint = running.blueprint();
    running.check_ours([blueprint.table()]).await?;
    notified::check(&running, &[(key, alarm)]).await?;
    if !is_agreed(&running, &effects(&running, key, alarm, &plan).await?, &arguments.consent, terminal).await? {
        return Ok(Exit::Failed);
    }
    stage::clear(&running, terminal).await?;
    check(&running, key).await?;
    let drill = Drill { running: &running, key, plan, terminal, interrupt: Interrupt::telling(*terminal, STOPPED) };
    drill.carry_out(arguments.consent.output).await
}

fn show(key: &TopicKey, plan: &WriteDrill, output: Output, terminal: &Terminal) {
    if output == Output::Json {
        let answer = json!({
            "alarm": key.as_str(), "units_per_second": plan.units_per_second, "units_per_write": plan.units_per_write,
            "seconds": plan.duration.as_secs(), "seconds_back": plan.aftermath.as_secs(), "units": plan.units,
            "dollars": plan.dollars,
        });
        return terminal.answer(&format!("{answer:#}\n"));
    }
    terminal.answer(&format!("alarm {key}\n"));
    facts(plan).iter().for_each(|fact| terminal.answer(&format!("  {fact}\n")));
}

/// Rate, duration and cost, in words.
fn facts(plan: &WriteDrill) -> Vec<String> {
    let cost = match plan.dollars {
        Some(dollars) => format!("about {} US dollars at us-east-1's price on demand", dollars.round_dp(4)),
        None => "nothing beyond the capacity that is paid for by the hour".into(),
    };
    vec![
        format!("rate: {:.2} write units a second, in writes of {} each", plan.units_per_second, plan.units_per_write),
        format!(
            "duration: up to {} until the alarm goes off, then up to {} until it is over",
            elapsed(plan.duration),
            elapsed(plan.aftermath)
        ),
        format!("cost: up to {} units; {cost}", grouped(plan.units)),
    ]
}

/// Nobody rehearses while there is trouble.
async fn check(running: &Running, key: &TopicKey) -> Result<()> {
    match running.aws.alarm(&running.pipeline.alarm_name(key)).await? {
        None => bail!("alarm `{key}` is not there\nhint: `pipewright apply`"),
        Some(live) if live.state == ALARM => {
            bail!("alarm `{key}` is off already, which is no rehearsal: {}\nhint: see to it first", live.reason)
        }
        Some(_) => {}
    }
    let before = Timestamp::now() - Duration::from_secs(600);
    let refused = running.aws.refused_writes(&running.pipeline.table_name(), before).await?;
    if refused > 0.0 {
        bail!(
            "{refused} writes to the table were refused for lack of capacity in the last ten minutes; nothing was written\nhint: drill at a quieter time"
        );
    }
    Ok(())
}

async fn effects(
    running: &Running,
    key: &TopicKey,
    alarm: &Alarm,
    plan: &WriteDrill,
) -> Result<Vec<String>, CloudError> {
    let mut effects = vec![format!(
        "writes to table {}: {ITEMS} items whose ids begin with {BEGINS}-, again and again; removed afterwards",
        running.pipeline.table_name()
    )];
    effects.extend(facts(plan));
    let whom = if alarm.enabled { "" } else { "; its actions are switched off, so it tells nobody" };
    effects.push(format!("alarm {key} goes off, and comes back{whom}"));
    let topics = notified::topics(alarm).cloned().collect();
    effects.extend(notified::lines(running, &topics).await?);
    Ok(effects)
}

struct Drill<'a> {
    running: &'a Running,
    key: &'a TopicKey,
    plan: WriteDrill,
    terminal: &'a Terminal,
    interrupt: Interrupt,
}

/// How far it came.
#[derive(Debug, Default)]
struct Course {
    units: u64,
    /// How many items were begun to be written.
    items: u64,
    /// Since the beginning.
    went_off: Option<Duration>,
    /// Since it went off.
    was_over: Option<Duration>,
    /// Why it was stopped.
    stopped: Option<String>,
    is_interrupted: bool,
}

impl Course {
    /// Counts a write that has ended.
    ///
    /// # Errors
    /// It failed, and not for lack of capacity: that only stops the drill.
    fn count(&mut self, units: u32, written: Result<(), CloudError>) -> Result<(), CloudError> {
        match written {
            Ok(()) => self.units += u64::from(units),
            Err(error) if error.kind == ErrorKind::Throttled => {
                self.stopped = Some("a write was refused for lack of capacity: others' would be, too".into());
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Counts the writes that are under way still, all of them.
    ///
    /// # Errors
    /// The first that failed, and not for lack of capacity.
    async fn count_rest(
        &mut self,
        units: u32,
        mut writes: impl Stream<Item = Result<(), CloudError>> + Unpin,
    ) -> Result<(), CloudError> {
        let mut outcome = Ok(());
        while let Some(written) = writes.next().await {
            outcome = outcome.and(self.count(units, written));
        }
        outcome
    }
}

impl Drill<'_> {
    fn alarm_name(&self) -> String {
        self.running.pipeline.alarm_name(self.key)
    }

    async fn carry_out(&self, output: Output) -> Result<Exit> {
        let remains = Remains::Items(BEGINS.into(), ITEMS);
        let stage = Stage::set_up(self.running, &[], Some(&remains), self.terminal).await?;
        let mut course = Course::default();
        let gauge = Gauge::new(self.terminal);
        let rehearsed = self.rehearse(&mut course, &gauge).await;
        // Whatever came of it, the items go; the record of them last.
        let removed = remains.remove_items(self.running, course.items, &gauge).await;
        drop(gauge);
        if removed.is_ok() {
            stage.release();
        }
        self.say(&course, removed.is_ok(), output);
        let taken = stage.take_down(self.terminal).await;
        rehearsed.and(removed).and(taken)?;
        if course.is_interrupted {
            self.terminal.talk("interrupted: nothing is written any more, the items are removed");
            return Ok(Exit::Interrupted);
        }
        Ok(if course.was_over.is_some() { Exit::Done } else { Exit::Failed })
    }

    async fn rehearse(&self, course: &mut Course, gauge: &Gauge<'_>) -> Result<(), CloudError> {
        let begun = Instant::now();
        let is_off = |state: &str| state == ALARM;
        if !self
            .write_until(is_off, self.plan.pause(), self.plan.units_per_write, self.plan.duration, course, gauge)
            .await?
        {
            return Ok(());
        }
        let went_off = Instant::now();
        course.went_off = Some(went_off.duration_since(begun));
        gauge.line(&format!("  alarm {} went off after {}", self.key, elapsed(begun.elapsed())));
        let is_over = |state: &str| state != ALARM;
        if self.write_until(is_over, TRICKLE, 1, self.plan.aftermath, course, gauge).await? {
            course.was_over = Some(went_off.elapsed());
        }
        Ok(())
    }

    /// Writes at a pace until the alarm's state is as wanted. `false`: it was stopped before, and says why.
    async fn write_until(
        &self,
        is_reached: impl Fn(&str) -> bool,
        pause: Duration,
        units: u32,
        limit: Duration,
        course: &mut Course,
        gauge: &Gauge<'_>,
    ) -> Result<bool, CloudError> {
        let (begun, since) = (Instant::now(), Timestamp::now());
        let (mut turns, mut looks) = (interval(pause), interval(LOOK));
        turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut under_way = FuturesUnordered::new();
        let mut number = 0;
        let ended = loop {
            tokio::select! {
                biased;
                () = self.interrupt.asked() => {
                    course.is_interrupted = true;
                    break Ok(false);
                }
                Some(written) = under_way.next(), if !under_way.is_empty() => {
                    let counted = course.count(units, written);
                    if counted.is_err() || course.stopped.is_some() {
                        break counted.map(|()| false);
                    }
                }
                _ = looks.tick() => {
                    let (state, refused) = match self.look(since).await {
                        Ok(seen) => seen,
                        Err(error) => break Err(error),
                    };
                    gauge.show(&format!("{} units written; alarm {} is {state}", grouped(course.units), self.key));
                    if is_reached(&state) {
                        break Ok(true);
                    }
                    if refused > 0.0 {
                        course.stopped = Some(format!("{refused} writes of others were refused for lack of capacity"));
                        break Ok(false);
                    }
                    if begun.elapsed() >= limit {
                        course.stopped = Some(format!("after {} the alarm is still {state}", elapsed(limit)));
                        break Ok(false);
                    }
                }
                _ = turns.tick(), if under_way.len() < MOST_CALLS => {
                    course.items = course.items.max(number + 1);
                    under_way.push(self.write(number, units));
                    number = (number + 1) % ITEMS;
                }
            }
        };
        // What is under way ends before the items are removed.
        let rest = course.count_rest(units, under_way).await;
        ended.and_then(|is_reached| rest.map(|()| is_reached))
    }

    async fn write(&self, number: u64, units: u32) -> Result<(), CloudError> {
        let expiry = self.running.pipeline.table.time_to_live.as_ref();
        let at = Timestamp::now().as_second() + EXPIRY_SECONDS;
        let expiry = expiry.map(|expiry| (expiry.attribute.as_str(), at));
        let item = Marked { id: &id(BEGINS, number), units, expiry };
        self.running.aws.write_marked(self.running.keyed(), &item).await
    }

    /// The alarm's state, and how many writes were refused.
    async fn look(&self, since: Timestamp) -> Result<(String, f64), CloudError> {
        let (name, table) = (self.alarm_name(), self.running.pipeline.table_name());
        let (alarm, refused) =
            tokio::try_join!(self.running.aws.alarm(&name), self.running.aws.refused_writes(&table, since))?;
        Ok((alarm.map(|alarm| alarm.state).unwrap_or_default(), refused))
    }

    fn say(&self, course: &Course, is_removed: bool, output: Output) {
        if output == Output::Json {
            return self.terminal.answer(&format!("{:#}\n", self.as_json(course, is_removed)));
        }
        let style = self.terminal.answer_style();
        let items = counted(usize::try_from(course.items).unwrap_or(usize::MAX), "item");
        let removed = if is_removed { "removed" } else { "not removed" };
        let mut text = format!("  {} units written, {items} {removed}\n", grouped(course.units));
        let mut line = |done: Option<Duration>, words: &str, otherwise: &str| {
            text.push_str(&match done {
                Some(took) => format!("{} {words} after {}\n", style.green("✓"), elapsed(took)),
                None => format!("{} {otherwise}\n", style.red("✗")),
            });
        };
        let key = self.key;
        line(course.went_off, &format!("alarm {key} went off"), &format!("alarm {key} did not go off"));
        if course.went_off.is_some() {
            line(course.was_over, "it was over", "it was not over by then");
        }
        if let Some(why) = &course.stopped {
            text.push_str(&format!("{} stopped: {why}\n", style.red("✗")));
        }
        self.terminal.answer(&text);
    }

    fn as_json(&self, course: &Course, is_removed: bool) -> Value {
        json!({
            "alarm": self.key.as_str(), "units": course.units,
            "went_off_after_seconds": course.went_off.map(|took| took.as_secs_f64()),
            "over_after_seconds": course.was_over.map(|took| took.as_secs_f64()),
            "items": course.items, "removed": is_removed, "stopped": course.stopped, "interrupted": course.is_interrupted,
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    #[tokio::test]
    async fn every_write_under_way_counts_and_the_first_failure_is_told() {
        let failed = |kind| Err(CloudError::new(kind, format!("{kind:?}")));
        let mut course = Course::default();
        let writes = [Ok(()), failed(ErrorKind::Throttled), failed(ErrorKind::Local), Ok(()), failed(ErrorKind::Busy)];
        let outcome = course.count_rest(2, stream::iter(writes)).await;
        assert_eq!((course.units, course.stopped.is_some()), (4, true));
        assert_eq!(outcome.unwrap_err().kind, ErrorKind::Local);
    }
}
