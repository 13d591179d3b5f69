//! `drill alarm`: sets alarms off; each message must arrive at its topic. Then they are set back.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::stage::{self, REASON, Stage};
use super::{STOPPED, is_agreed, notified};
use crate::aws::alarms::{ALARM, LiveAlarm};
use crate::cli::{AlarmDrill, Global, Output};
use crate::commands::Exit;
use crate::commands::interrupt::Interrupt;
use crate::commands::running::Running;
use crate::config::Pipeline;
use crate::config::alarm::Alarm;
use crate::config::names::TopicKey;
use crate::reconcile::CloudError;
use crate::render::Terminal;
use crate::render::gauge::Gauge;

/// The state of an alarm that is not off.
const OK: &str = "OK";
/// How long a message may take from the alarm through its topic.
const LONGEST: Duration = Duration::from_secs(60);

pub async fn run(global: &Global, pipeline: Pipeline, arguments: &AlarmDrill, terminal: &Terminal) -> Result<Exit> {
    let running = Running::of(pipeline, global, terminal).await?;
    let alarms = chosen(&running.pipeline, arguments.name.as_deref())?;
    notified::check(&running, &alarms).await?;
    if !is_agreed(&running, &effects(&running, &alarms).await?, &arguments.consent, terminal).await? {
        return Ok(Exit::Failed);
    }
    stage::clear(&running, terminal).await?;
    let drill = Drill { running: &running, alarms, terminal, interrupt: Interrupt::telling(*terminal, STOPPED) };
    drill.carry_out(arguments.consent.output).await
}

/// One alarm of the file, or all.
fn chosen<'a>(pipeline: &'a Pipeline, name: Option<&str>) -> Result<Vec<(&'a TopicKey, &'a Alarm)>> {
    let alarms: Vec<_> =
        pipeline.alarms.iter().filter(|(key, _)| name.is_none_or(|name| key.as_str() == name)).collect();
    if alarms.is_empty() {
        let names: Vec<_> = pipeline.alarms.keys().map(TopicKey::as_str).collect();
        let hint =
            if names.is_empty() { "the file has none".into() } else { format!("the file has {}", names.join(", ")) };
        bail!("there is no alarm {}\nhint: {hint}", name.map_or_else(String::new, |name| format!("`{name}`")));
    }
    Ok(alarms)
}

async fn effects(running: &Running, alarms: &[(&TopicKey, &Alarm)]) -> Result<Vec<String>, CloudError> {
    let names: Vec<_> = alarms.iter().map(|(key, _)| key.as_str()).collect();
    let mut effects = vec![
        format!("{} set to ALARM by hand and then back, one after the other", names.join(", ")),
        "nothing else is touched; whoever is notified reads that it is a rehearsal".into(),
    ];
    let topics = alarms.iter().flat_map(|(_, alarm)| notified::topics(alarm).cloned()).collect();
    effects.extend(notified::lines(running, &topics).await?);
    Ok(effects)
}

struct Drill<'a> {
    running: &'a Running,
    alarms: Vec<(&'a TopicKey, &'a Alarm)>,
    terminal: &'a Terminal,
    interrupt: Interrupt,
}

/// What became of one alarm's drill.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    /// Its message came at every topic.
    Arrived { topics: usize },
    /// It came not everywhere.
    Missing { topics: Vec<String> },
    /// There is nobody to be told.
    Silent(&'static str),
    /// It was not set off.
    LeftAlone(String),
}

impl Drill<'_> {
    async fn carry_out(&self, output: Output) -> Result<Exit> {
        let arn = |key: &TopicKey| self.running.blueprint().topic_arn(key);
        let topics: BTreeSet<_> = self.alarms.iter().flat_map(|(_, alarm)| notified::topics(alarm).map(arn)).collect();
        let topics: Vec<_> = topics.into_iter().collect();
        let stage = Stage::set_up(self.running, &topics, None, self.terminal).await?;
        let gauge = Gauge::new(self.terminal);
        let mut verdicts = Vec::new();
        let mut outcome = Ok(());
        for (key, alarm) in &self.alarms {
            if self.interrupt.is_asked() {
                break;
            }
            gauge.show(&format!("alarm {key}: set off, listening at its topics"));
            match self.rehearse(key, alarm, &stage).await {
                Ok(Some(verdict)) => verdicts.push((key.as_str(), verdict)),
                // Interrupted in its midst.
                Ok(None) => break,
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        drop(gauge);
        // Whatever came of it, nothing temporary stays; what did come of it is said first.
        let is_interrupted = self.interrupt.is_asked() && verdicts.len() < self.alarms.len();
        self.say(&verdicts, is_interrupted, output);
        let taken = stage.take_down(self.terminal).await;
        outcome.and(taken)?;
        if is_interrupted {
            self.terminal.talk("interrupted: the alarms are set back, nothing temporary stays");
            return Ok(Exit::Interrupted);
        }
        let is_fine = |verdict: &Verdict| matches!(verdict, Verdict::Arrived { .. });
        Ok(if verdicts.iter().all(|(_, verdict)| is_fine(verdict)) { Exit::Done } else { Exit::Failed })
    }

    /// Sets one alarm off, listens, sets it back. `None`: the user stopped it in between.
    async fn rehearse(&self, key: &TopicKey, alarm: &Alarm, stage: &Stage<'_>) -> Result<Option<Verdict>, CloudError> {
        let aws = &self.running.aws;
        let name = &self.running.pipeline.alarm_name(key);
        let Some(live) = aws.alarm(name).await? else {
            return Ok(Some(Verdict::LeftAlone("it is not there any more".into())));
        };
        // Just before it is set off it is looked at again.
        if let Some(differs) = notified::differs(self.running, alarm, &live) {
            return Ok(Some(Verdict::LeftAlone(format!("it {differs}"))));
        }
        if let Some(verdict) = out_of_question(&live) {
            return Ok(Some(verdict));
        }
        stage.note_alarm(name, &live.state).await?;
        let heard = self.set_and_listen(stage, name, ALARM, &live.alarm_actions).await;
        // Whoever is told of its end is told in any case: also where it was not OK before, but without data.
        let (tells_its_end, goes_on) = (!live.ok_actions.is_empty(), matches!(heard, Ok(Some(_))));
        let ended = if tells_its_end && goes_on {
            self.set_and_listen(stage, name, OK, &live.ok_actions).await
        } else {
            Ok(Some(Vec::new()))
        };
        // Set back in any case.
        let is_back = tells_its_end && goes_on && ended.is_ok() && live.state == OK;
        let back = if is_back { Ok(()) } else { aws.set_alarm(name, &live.state, REASON).await };
        if back.is_ok() {
            stage.release();
        }
        let (heard, ended) = (heard?, ended?);
        back?;
        let (Some(mut missing), Some(missing_end)) = (heard, ended) else { return Ok(None) };
        missing.extend(missing_end);
        let topics = live.alarm_actions.len() + if tells_its_end { live.ok_actions.len() } else { 0 };
        Ok(Some(if missing.is_empty() { Verdict::Arrived { topics } } else { Verdict::Missing { topics: missing } }))
    }

    /// The topics where the message did not come. `None`: the user stopped it.
    async fn set_and_listen(
        &self,
        stage: &Stage<'_>,
        name: &str,
        state: &str,
        topics: &BTreeSet<String>,
    ) -> Result<Option<Vec<String>>, CloudError> {
        self.running.aws.set_alarm(name, state, REASON).await?;
        tokio::select! {
            biased;
            missing = self.listen(stage, name, state, topics) => missing.map(Some),
            () = self.interrupt.asked() => Ok(None),
        }
    }

    /// Listens until the message of this state came at every topic; the topics where it did not.
    async fn listen(
        &self,
        stage: &Stage<'_>,
        name: &str,
        state: &str,
        topics: &BTreeSet<String>,
    ) -> Result<Vec<String>, CloudError> {
        let mut missing: BTreeSet<&String> = topics.iter().collect();
        let begun = Instant::now();
        while !missing.is_empty() && begun.elapsed() < LONGEST {
            for heard in self.running.aws.hear(&stage.listener).await? {
                let told: Value = serde_json::from_str(&heard.message).unwrap_or_default();
                if told["AlarmName"] == name && told["NewStateValue"] == state {
                    missing.remove(&heard.topic_arn);
                }
            }
        }
        let short = |arn: &String| arn.rsplit(':').next().unwrap_or_default().to_owned();
        Ok(missing.into_iter().map(|arn| format!("{} ({state})", short(arn))).collect())
    }

    fn say(&self, verdicts: &[(&str, Verdict)], is_interrupted: bool, output: Output) {
        if output == Output::Json {
            let alarms: Vec<_> = verdicts.iter().map(|(key, verdict)| as_json(key, verdict)).collect();
            let answer = json!({ "alarms": alarms, "interrupted": is_interrupted });
            return self.terminal.answer(&format!("{answer:#}\n"));
        }
        let style = self.terminal.answer_style();
        for (key, verdict) in verdicts {
            let sign = if matches!(verdict, Verdict::Arrived { .. }) { style.green("✓") } else { style.red("✗") };
            self.terminal.answer(&format!("{sign} {key}: {}\n", words(verdict)));
        }
    }
}

/// Why an alarm cannot be rehearsed now.
fn out_of_question(live: &LiveAlarm) -> Option<Verdict> {
    if live.state == ALARM {
        let words = format!("it is off already, which is no rehearsal: {}", live.reason);
        return Some(Verdict::LeftAlone(words));
    }
    if !live.has_actions {
        return Some(Verdict::Silent("its actions are switched off: it tells nobody"));
    }
    if live.alarm_actions.is_empty() {
        return Some(Verdict::Silent("it has no action: it tells nobody when it goes off"));
    }
    None
}

fn words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Arrived { topics } => {
            format!("{topics} of {topics} messages arrived at their topics")
        }
        Verdict::Missing { topics } => format!("no message at {}, a minute later", topics.join(", ")),
        Verdict::Silent(why) => (*why).to_owned(),
        Verdict::LeftAlone(why) => why.clone(),
    }
}

fn as_json(key: &str, verdict: &Verdict) -> Value {
    let name = match verdict {
        Verdict::Arrived { .. } => "arrived",
        Verdict::Missing { .. } => "missing",
        Verdict::Silent(_) => "silent",
        Verdict::LeftAlone(_) => "left_alone",
    };
    json!({ "alarm": key, "verdict": name, "words": words(verdict) })
}
