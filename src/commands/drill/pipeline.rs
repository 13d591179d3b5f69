//! `drill pipeline`: made-up transactions through the whole pipeline; every one must end where it belongs.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, bail};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::remains::Remains;
use super::stage::{self, Stage};
use super::{STOPPED, is_agreed, notified};
use crate::aws::sweep::Fate;
use crate::cli::{Global, Output, PipelineDrill};
use crate::commands::Exit;
use crate::commands::delivery::{Delivered, Delivery};
use crate::commands::interrupt::Interrupt;
use crate::commands::running::Running;
use crate::commands::send::{self, reading};
use crate::config::Pipeline;
use crate::number::{counted, grouped};
use crate::operate::Generator;
use crate::operate::account::Statement;
use crate::operate::generate::id;
use crate::operate::mix::{Mix, Shares};
use crate::operate::pace::Pace;
use crate::operate::recipe::Recipe;
use crate::reconcile::CloudError;
use crate::render::Terminal;
use crate::render::account::statement;
use crate::render::gauge::Gauge;

/// How long an announcement may take after its order was marked as announced.
const LONGEST_ECHO: Duration = Duration::from_secs(30);

pub async fn run(global: &Global, pipeline: Pipeline, arguments: &PipelineDrill, terminal: &Terminal) -> Result<Exit> {
    let mix = send::mix(arguments.count, &arguments.mix, Shares::DRILL)?;
    let at = arguments.mix.at.unwrap_or_else(Timestamp::now);
    let recipe = Recipe { seed: send::seed(&arguments.mix), at, mix };
    let running = Running::of(pipeline, global, terminal).await?;
    let generator = recipe.generator(&running.pipeline).map_err(anyhow::Error::msg)?;
    check(&running).await?;
    let begins = recipe.begins();
    let effects = effects(&running, &mix, &begins, arguments.remove).await?;
    if !is_agreed(&running, &effects, &arguments.consent, terminal).await? {
        return Ok(Exit::Failed);
    }
    stage::clear(&running, terminal).await?;
    check_new(&running, &recipe).await?;
    let interrupt = Interrupt::telling(*terminal, STOPPED);
    let remains = Remains::Transactions(recipe);
    let drill = Drill { running: &running, arguments, terminal, mix, begins, remains, interrupt };
    drill.carry_out(generator).await
}

/// What transactions pass must be there, ours, and at work.
async fn check(running: &Running) -> Result<()> {
    let blueprint = running.blueprint();
    let large = running.pipeline.processing.large_order.as_ref();
    let parts = [blueprint.queue(), blueprint.mapping(), blueprint.table(), blueprint.quarantine()];
    running.check_ours(parts.into_iter().chain(large.map(|large| blueprint.topic(&large.notify)))).await?;
    notified::check(running, &notified::alarms_at_stake(&running.pipeline)).await?;
    if let Some(why) = running.idle().await? {
        bail!(
            "nothing is processed now: {why}\nhint: `pipewright resume`, or `function: {{ enabled: true }}` and apply"
        );
    }
    send::check_followable(running).await
}

/// The ids of a seed and a moment that were given may be in use: then these transactions would be repeats.
async fn check_new(running: &Running, recipe: &Recipe) -> Result<()> {
    let begins = recipe.begins();
    let ids: BTreeSet<_> = (0..recipe.mix.count().min(100)).map(|number| id(&begins, number)).collect();
    if let Some(id) = running.aws.rows(running.keyed(), &ids).await?.into_keys().next() {
        bail!(
            "`{id}` is in the table already: another drill had the same `--seed` and `--at`\nhint: leave one of them out; `--remove` leaves no items"
        );
    }
    Ok(())
}

async fn effects(running: &Running, mix: &Mix, begins: &str, remove: bool) -> Result<Vec<String>, CloudError> {
    let pipeline = &running.pipeline;
    let stay = if remove { "removed afterwards" } else { "they stay: `--remove` takes them away" };
    let mut effects = vec![
        format!("{} transactions are sent, their ids begin with {}-", grouped(mix.count()), begins),
        format!("{} become items of table {}; {stay}", grouped(mix.fresh), pipeline.table_name()),
        format!(
            "{} invalid and {} conflicting ones go to queue {}; {stay}",
            grouped(mix.invalid),
            grouped(mix.conflicting),
            pipeline.quarantine_name()
        ),
    ];
    let mut topics = BTreeSet::new();
    if let Some(large) = &pipeline.processing.large_order {
        effects.push(format!("{} large orders are announced", grouped(mix.large)));
        topics.insert(large.notify.clone());
    }
    let alarms = notified::alarms_at_stake(pipeline);
    if !alarms.is_empty() {
        let names: Vec<_> = alarms.iter().map(|(key, _)| key.as_str()).collect();
        effects.push(format!("alarms that may go off: {}", names.join(", ")));
        topics.extend(alarms.iter().flat_map(|(_, alarm)| notified::topics(alarm).cloned()));
    }
    effects.extend(notified::lines(running, &topics).await?);
    Ok(effects)
}

struct Drill<'a> {
    running: &'a Running,
    arguments: &'a PipelineDrill,
    terminal: &'a Terminal,
    mix: Mix,
    begins: String,
    remains: Remains,
    interrupt: Interrupt,
}

/// How it went.
struct Outcome {
    delivered: Delivered,
    /// Large orders whose announcement came through the topic.
    heard: BTreeSet<String>,
    is_interrupted: bool,
    /// Whether items, quarantined messages and dead letters were removed, and none can come any more.
    is_removed: bool,
    /// What ended it before its time; the first counts.
    failure: Option<CloudError>,
}

impl Drill<'_> {
    /// What announces, where anything does.
    fn large_orders_topic(&self) -> Option<String> {
        let large = self.running.pipeline.processing.large_order.as_ref()?;
        Some(self.running.blueprint().topic_arn(&large.notify))
    }

    async fn carry_out(&self, generator: Generator) -> Result<Exit> {
        let topics: Vec<_> = self.large_orders_topic().into_iter().collect();
        let remains = self.arguments.remove.then_some(&self.remains);
        let stage = Stage::set_up(self.running, &topics, remains, self.terminal).await?;
        let outcome = self.rehearse(generator, &stage).await;
        let mut faults = self.faults(&outcome);
        if outcome.delivered.is_given_up()
            && outcome.failure.is_none()
            && let Ok(Some(why)) = self.running.idle().await
        {
            faults.push(format!("nothing is processed now: {why}"));
        }
        // Whatever came of it, it is said, and nothing temporary stays.
        self.say(&outcome, &faults);
        let taken = stage.take_down(self.terminal).await;
        if let Some(words) = self.what_remains(&outcome) {
            self.terminal.talk(&words);
        }
        if let Some(failure) = outcome.failure.or(taken.err()) {
            return Err(failure.into());
        }
        Ok(match (outcome.is_interrupted, &faults[..]) {
            (true, _) => Exit::Interrupted,
            (false, []) => Exit::Done,
            (false, _) => Exit::Failed,
        })
    }

    async fn rehearse(&self, generator: Generator, stage: &Stage<'_>) -> Outcome {
        let gauge = Gauge::new(self.terminal);
        let count = self.mix.count();
        let delivery = Delivery {
            running: self.running,
            interrupt: &self.interrupt,
            gauge: &gauge,
            pace: Pace::new(self.arguments.rate),
            patience: Some(self.arguments.patience.unwrap_or_else(|| send::usual_patience(&self.running.pipeline))),
            ids: send::ids(true, &self.arguments.mix),
            quarantined: if self.arguments.remove { Fate::Deleted } else { Fate::Stays },
            share: &|sent| Some(sent as f64 / count as f64),
            words: &Vec::new,
        };
        let mut delivered = delivery.carry_out(&mut reading::make_up(generator)).await;
        let mut failure = delivered.failure.take();
        let announced = delivered.account.as_ref().map_or(0, |account| account.announced);
        let mut heard = BTreeSet::new();
        if !delivered.is_interrupted && failure.is_none() {
            gauge.show("listening for the announcements");
            failure = self.listen(stage, announced, &mut heard).await.err();
        }
        let is_interrupted = delivered.is_interrupted || self.interrupt.is_asked() && (heard.len() as u64) < announced;
        // Whatever came of it, what is to be removed is.
        let removed =
            if self.arguments.remove { self.remove(&delivered, failure.is_none(), &gauge).await } else { Ok(false) };
        let is_removed = matches!(removed, Ok(true));
        if is_removed {
            stage.release();
        }
        Outcome { delivered, heard, is_interrupted, is_removed, failure: failure.or(removed.err()) }
    }

    /// Removes what was sent; whether all of it is. `is_known`: whether it is known how many that are.
    async fn remove(&self, delivered: &Delivered, is_known: bool, gauge: &Gauge<'_>) -> Result<bool, CloudError> {
        let sent = if is_known { delivered.sent + delivered.refused } else { self.mix.count() };
        self.remains.remove_items(self.running, sent, gauge).await?;
        let is_settled = is_known && delivered.open() == 0;
        if is_settled && delivered.account.as_ref().is_none_or(|account| account.dead_letter == 0) {
            // Each was taken out of quarantine when it was found.
            return Ok(true);
        }
        Ok(self.remains.remove_messages(self.running, gauge).await? && is_settled)
    }

    /// The orders that were announced at the topic: waits for as many as were marked so.
    async fn listen(&self, stage: &Stage<'_>, announced: u64, heard: &mut BTreeSet<String>) -> Result<(), CloudError> {
        let mut news_at = Instant::now();
        while (heard.len() as u64) < announced && news_at.elapsed() < LONGEST_ECHO && !self.interrupt.is_asked() {
            for message in self.running.aws.hear(&stage.listener).await? {
                let order: Value = serde_json::from_str(&message.message).unwrap_or_default();
                let ours = order["transaction_id"].as_str().filter(|id| id.starts_with(&self.begins));
                if ours.is_some_and(|id| heard.insert(id.to_owned())) {
                    news_at = Instant::now();
                }
            }
        }
        Ok(())
    }

    /// What is not as the mix says; of a drill that was stopped nothing can be said.
    fn faults(&self, outcome: &Outcome) -> Vec<String> {
        if outcome.is_interrupted {
            return Vec::new();
        }
        let Some(account) = &outcome.delivered.account else { return Vec::new() };
        let announced = if self.running.pipeline.processing.large_order.is_some() { self.mix.large } else { 0 };
        let Statement { sent, stored, rejected, duplicate, conflict, .. } = *account;
        let rows = [
            ("sent", sent, self.mix.count()),
            ("stored", stored, self.mix.fresh),
            ("rejected", rejected, self.mix.invalid),
            ("duplicate", duplicate, self.mix.duplicate),
            ("conflict", conflict, self.mix.conflicting),
            ("announced", account.announced, announced),
            ("heard at the topic", outcome.heard.len() as u64, announced),
            ("unaccounted", account.unaccounted, 0),
            ("dead letters", account.dead_letter, 0),
        ];
        let differs = rows.into_iter().filter(|(_, actual, expected)| actual != expected);
        differs
            .map(|(name, actual, expected)| format!("{name}: {} instead of {}", grouped(actual), grouped(expected)))
            .collect()
    }

    /// Special kinds of which there are too few for a single one.
    fn not_tried(&self) -> Vec<&'static str> {
        let Mix { fresh: _, large, invalid, duplicate, conflicting } = self.mix;
        let kinds = [("large", large), ("invalid", invalid), ("duplicate", duplicate), ("conflicting", conflicting)];
        kinds.into_iter().filter(|(_, count)| *count == 0).map(|(name, _)| name).collect()
    }

    fn say(&self, outcome: &Outcome, faults: &[String]) {
        let delivered = &outcome.delivered;
        let not_tried = self.not_tried();
        if self.arguments.consent.output == Output::Json {
            let rest = json!({
                "heard": outcome.heard.len(), "ids": self.begins, "removed": outcome.is_removed,
                "interrupted": outcome.is_interrupted, "faults": faults, "not_tried": not_tried,
            });
            return self.terminal.answer(&format!("{:#}\n", send::merged(rest, delivered)));
        }
        let style = self.terminal.answer_style();
        let mut text = delivered.account.as_ref().map_or_else(String::new, |account| statement(account, style));
        text.push_str(&format!("  {} announcements heard at the topic\n", grouped(outcome.heard.len() as u64)));
        if !outcome.is_interrupted && outcome.failure.is_none() {
            match faults {
                [] => text.push_str(&format!("{} everything ended where it belongs\n", style.green("✓"))),
                faults => faults.iter().for_each(|fault| text.push_str(&format!("{} {fault}\n", style.red("✗")))),
            }
            if !not_tried.is_empty() {
                text.push_str(&format!("  not tried, for there were none: {}\n", not_tried.join(", ")));
            }
        }
        self.terminal.answer(&text);
    }

    /// What is still to come, where it did not come to its end.
    fn what_remains(&self, outcome: &Outcome) -> Option<String> {
        let open = outcome.delivered.open();
        let interrupted = if outcome.is_interrupted { "interrupted: " } else { "" };
        let remains = match (open, outcome.is_removed) {
            (0, true) => "what was sent is removed".to_owned(),
            (0, false) => "everything that was sent is processed".to_owned(),
            (open, _) => format!(
                "what became of {} is not known: they may still become items whose ids begin with {}-, or messages of queue {}",
                counted(usize::try_from(open).unwrap_or(usize::MAX), "transaction"),
                self.begins,
                self.running.pipeline.quarantine_name()
            ),
        };
        (open > 0 || outcome.is_interrupted).then(|| format!("{interrupted}{remains}"))
    }
}
