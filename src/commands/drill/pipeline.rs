//! `drill pipeline`: made-up transactions through the whole pipeline; every one must end where it belongs.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::stage::{self, Stage};
use super::{is_agreed, notified};
use crate::aws::sweep::Fate;
use crate::cli::{Global, Output, PipelineDrill};
use crate::commands::Exit;
use crate::commands::delivery::{Delivered, Delivery};
use crate::commands::interrupt::Interrupt;
use crate::commands::running::Running;
use crate::commands::send::{self, reading};
use crate::config::Pipeline;
use crate::operate::Generator;
use crate::operate::account::Statement;
use crate::operate::generate::begins;
use crate::operate::mix::{Mix, Shares};
use crate::operate::pace::Pace;
use crate::reconcile::CloudError;
use crate::render::Terminal;
use crate::render::account::statement;
use crate::render::gauge::Gauge;
use crate::render::number::grouped;

/// What the ids of a drill's transactions begin with.
const PREFIX: &str = "drill";
/// How long an announcement may take after its order was marked as announced.
const LONGEST_ECHO: Duration = Duration::from_secs(30);

pub async fn run(global: &Global, pipeline: Pipeline, arguments: &PipelineDrill, terminal: &Terminal) -> Result<Exit> {
    let mix = send::mix(arguments.count, &arguments.mix, Shares::DRILL)?;
    let (seed, at) = (send::seed(&arguments.mix), arguments.mix.at.unwrap_or_else(Timestamp::now));
    let running = Running::of(pipeline, global, terminal).await?;
    let generator = Generator::new(&running.pipeline, mix, PREFIX, seed, at).map_err(anyhow::Error::msg)?;
    send::check_followable(&running).await?;
    stage::clear(&running, terminal).await?;
    let begins = begins(PREFIX, seed, at);
    let effects = effects(&running, &mix, &begins, arguments.remove).await?;
    if !is_agreed(&running, &effects, &arguments.consent, terminal)? {
        return Ok(Exit::Failed);
    }
    let drill = Drill { running: &running, arguments, terminal, mix, begins, interrupt: Interrupt::listen(*terminal) };
    drill.carry_out(generator).await
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
    interrupt: Interrupt,
}

/// How it went.
struct Outcome {
    delivered: Delivered,
    /// Large orders whose announcement came through the topic.
    heard: BTreeSet<String>,
    /// Whether items and quarantined messages were removed.
    is_removed: bool,
}

impl Drill<'_> {
    /// What announces, where anything does.
    fn large_orders_topic(&self) -> Option<String> {
        let large = self.running.pipeline.processing.large_order.as_ref()?;
        Some(self.running.aws.scope.arn("sns", &self.running.pipeline.topic_name(&large.notify)))
    }

    async fn carry_out(&self, generator: Generator) -> Result<Exit> {
        let topics: Vec<_> = self.large_orders_topic().into_iter().collect();
        let remove = self.arguments.remove.then_some((self.begins.as_str(), self.mix.count()));
        let stage = Stage::set_up(self.running, &topics, remove).await?;
        let rehearsed = self.rehearse(generator, &stage).await;
        // Whatever came of it, nothing temporary stays.
        stage.take_down().await?;
        let outcome = rehearsed?;
        let faults = self.faults(&outcome);
        self.say(&outcome, &faults);
        match outcome.delivered {
            Delivered { failure: Some(failure), .. } => Err(failure.into()),
            Delivered { is_interrupted: true, .. } => {
                self.terminal.talk(&self.what_remains());
                Ok(Exit::Interrupted)
            }
            Delivered { .. } => Ok(if faults.is_empty() { Exit::Done } else { Exit::Failed }),
        }
    }

    async fn rehearse(&self, generator: Generator, stage: &Stage<'_>) -> Result<Outcome, CloudError> {
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
        let delivered = delivery.carry_out(&mut reading::make_up(generator)).await;
        let announced = delivered.account.as_ref().map_or(0, |account| account.announced);
        let heard = if delivered.is_interrupted || delivered.failure.is_some() {
            Ok(BTreeSet::new())
        } else {
            gauge.show("listening for the announcements");
            self.listen(stage, announced).await
        };
        drop(gauge);
        // Whatever came of it, what is to be removed is.
        if self.arguments.remove {
            stage::remove_items(self.running, &self.begins, count).await?;
        }
        Ok(Outcome { delivered, heard: heard?, is_removed: self.arguments.remove })
    }

    /// The orders that were announced at the topic: waits for as many as were marked so.
    async fn listen(&self, stage: &Stage<'_>, announced: u64) -> Result<BTreeSet<String>, CloudError> {
        let (mut heard, mut news_at) = (BTreeSet::new(), Instant::now());
        while (heard.len() as u64) < announced && news_at.elapsed() < LONGEST_ECHO && !self.interrupt.is_asked() {
            for message in self.running.aws.hear(&stage.listener).await? {
                let order: Value = serde_json::from_str(&message.message).unwrap_or_default();
                let ours = order["transaction_id"].as_str().filter(|id| id.starts_with(&self.begins));
                if ours.is_some_and(|id| heard.insert(id.to_owned())) {
                    news_at = Instant::now();
                }
            }
        }
        Ok(heard)
    }

    /// What is not as the mix says.
    fn faults(&self, outcome: &Outcome) -> Vec<String> {
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

    fn say(&self, outcome: &Outcome, faults: &[String]) {
        let delivered = &outcome.delivered;
        if self.arguments.consent.output == Output::Json {
            let rest = json!({
                "heard": outcome.heard.len(), "ids": self.begins, "removed": outcome.is_removed,
                "interrupted": delivered.is_interrupted, "faults": faults,
            });
            return self.terminal.answer(&format!("{:#}\n", send::merged(rest, delivered)));
        }
        let style = self.terminal.answer_style();
        let mut text = delivered.account.as_ref().map_or_else(String::new, |account| statement(account, style));
        text.push_str(&format!("  {} announcements heard at the topic\n", grouped(outcome.heard.len() as u64)));
        if !delivered.is_interrupted && delivered.failure.is_none() {
            match faults {
                [] => text.push_str(&format!("{} everything ended where it belongs\n", style.green("✓"))),
                faults => faults.iter().for_each(|fault| text.push_str(&format!("{} {fault}\n", style.red("✗")))),
            }
        }
        self.terminal.answer(&text);
    }

    fn what_remains(&self) -> String {
        format!(
            "interrupted: nothing temporary stays; what is still in the queue will be processed, as items whose ids begin with {}-",
            self.begins
        )
    }
}
