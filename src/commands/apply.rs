//! `apply` and `destroy`: show the plan, ask, write, and read again until it is so.

use std::path::Path;
use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::interrupt::Interrupt;
use super::session::{Planned, Session, options};
use super::{Exit, Rendered, agrees};
use crate::cli::{Allow, Apply, Destroy, Global, Output};
use crate::package::Artifact;
use crate::reconcile::{Action, Address, CloudError, Event, Graph, Kind, Options, Plan, Report, Step, apply, settle};
use crate::render::plan::View;
use crate::render::progress::Progress;
use crate::render::{Terminal, plan as plan_text, report as report_text};
use crate::resources::unusual;

pub async fn run(global: &Global, arguments: &Apply, terminal: &Terminal) -> Result<Exit> {
    let saved = arguments.plan.as_deref().map(read_plan).transpose()?;
    let session = Session::open(global, terminal).await?;
    let options = options(global, &arguments.allow);
    let planned = session.plan(&session.graph, &options).await?;
    if let Some(why) = saved.as_ref().and_then(|saved| stale(saved, &planned.plan)) {
        let (why, hint) = why;
        terminal.talk(&format!("error: the saved plan is stale: {why}; nothing was done\nhint: {hint}"));
        return Ok(Exit::Stale);
    }
    // A saved plan was reviewed: that was the question.
    let asks = !arguments.yes && arguments.plan.is_none();
    let job = Job { session: &session, desired: &session.graph, options, terminal, verbose: global.verbose };
    job.carry_out(&planned, asks, arguments.output).await
}

pub async fn destroy(global: &Global, arguments: &Destroy, terminal: &Terminal) -> Result<Exit> {
    let session = Session::open(global, terminal).await?;
    let nothing = Graph::empty(unusual);
    let allow = Allow { allow_data_loss: arguments.allow_data_loss.clone(), ..Allow::default() };
    let options = options(global, &allow);
    let planned = session.plan(&nothing, &options).await?;
    let job = Job { session: &session, desired: &nothing, options, terminal, verbose: global.verbose };
    job.carry_out(&planned, !arguments.yes, arguments.output).await
}

/// A plan on its way into the world.
pub struct Job<'a> {
    pub session: &'a Session,
    pub desired: &'a Graph,
    pub options: Options,
    pub terminal: &'a Terminal,
    pub verbose: bool,
}

impl Job<'_> {
    /// Shows, asks, writes, proves.
    pub async fn carry_out(&self, planned: &Planned, asks: bool, output: Output) -> Result<Exit> {
        let plan = &planned.plan;
        if output == Output::Text {
            let (style, width) = (self.terminal.answer_style(), self.terminal.answer_width());
            let view = View { style, verbose: self.verbose, width };
            self.terminal.answer(&format!("{}\n\n{}", self.session.place(), plan_text::plan(plan, view)));
        }
        let refusals = plan.refusals();
        if !refusals.is_empty() {
            let words = plan_text::findings(&refusals, self.terminal.style());
            return Err(Rendered(format!("{words}nothing was written: the plan cannot be applied as it is")).into());
        }
        if plan.is_empty() {
            self.say_done(&Report::default(), plan, 0.0, output)?;
            return Ok(Exit::Done);
        }
        if asks && !self.is_agreed()? {
            self.terminal.talk("nothing was written");
            return Ok(Exit::Failed);
        }
        self.write(planned, output).await
    }

    fn is_agreed(&self) -> Result<bool> {
        let without = "`--yes` applies without a question; in CI rather save a reviewed plan with `pipewright plan --out FILE` and `pipewright apply FILE`";
        agrees(self.terminal, &self.question(), without)
    }

    fn question(&self) -> String {
        let place = self.session.place();
        // Nothing is wanted: that is a destroy.
        if self.desired.addresses().is_empty() {
            format!("Delete all of this from {place}?")
        } else {
            format!("Apply this to {place}?")
        }
    }

    async fn write(&self, planned: &Planned, output: Output) -> Result<Exit> {
        let (progress, interrupt) = (Progress::new(self.terminal), Interrupt::listen(*self.terminal));
        let begun = Instant::now();
        if !self.build_first(&planned.plan, &progress, &interrupt).await? {
            self.terminal.talk("nothing was written");
            return Ok(Exit::Interrupted);
        }
        let on = |event: Event| progress.event(event);
        let report = self.write_steps(planned, &progress, &interrupt, &on).await;
        let took = begun.elapsed();
        if !report.succeeded() {
            self.say(&report, &planned.plan, took, output);
            return Ok(if report.interrupted { Exit::Interrupted } else { Exit::Failed });
        }
        let left = tokio::select! {
            left = settle(&self.session.aws, &planned.plan, self.desired, &self.options, &on) => left,
            () = interrupt.asked() => {
                self.say(&report, &planned.plan, took, output);
                self.terminal.talk("interrupted: everything was written, but not yet read again");
                return Ok(Exit::Interrupted);
            }
        };
        progress.end("AWS");
        let left = left.inspect_err(|_| self.say(&report, &planned.plan, took, output))?;
        if !left.is_empty() || !left.refusals().is_empty() {
            self.say(&report, &planned.plan, took, output);
            let view = View { style: self.terminal.style(), verbose: self.verbose, width: usize::MAX };
            let words = plan_text::plan(&left, view);
            bail!(
                "everything was written, but a minute later AWS still differs:\n\n{words}\nhint: plan again in some minutes; if it stays, somebody else changes it, or pipewright is wrong about it"
            );
        }
        self.say_done(&report, &left, took.as_secs_f64(), output)?;
        Ok(Exit::Done)
    }

    async fn write_steps(
        &self,
        planned: &Planned,
        progress: &Progress<'_>,
        interrupt: &Interrupt,
        on: &dyn Fn(Event),
    ) -> Report {
        let Planned { plan, snapshot } = planned;
        let applying = apply(&self.session.aws, plan, self.desired, snapshot, interrupt.asked(), on);
        let building = self.build_beside(plan, progress);
        let (mut applying, mut building) = (pin!(applying), pin!(building));
        let (mut built, mut stopped) = (false, false);
        // A build is no call in flight: it ends when the user asks to stop, and when nobody waits for it any more.
        loop {
            tokio::select! {
                report = &mut applying => return report,
                () = &mut building, if !built => built = true,
                () = interrupt.asked(), if !stopped => {
                    stopped = true;
                    if let Some(artifact) = &self.session.aws.artifact {
                        artifact.stop();
                    }
                }
            }
        }
    }

    /// Builds new code for a live function before anything is written: were it written first, what the old code needs
    /// might be gone while the compiler runs, or for good if it fails. `false`: the user interrupted.
    async fn build_first(&self, plan: &Plan, progress: &Progress<'_>, interrupt: &Interrupt) -> Result<bool> {
        let live = |step: &Step| !matches!(step.action, Action::Create | Action::Delete);
        let Some(artifact) = self.artifact_for(plan, live) else { return Ok(true) };
        tokio::select! {
            built = build(artifact, progress) => built.map(|()| true).context("nothing was written"),
            () = interrupt.asked() => Ok(false),
        }
    }

    /// Builds the code of a new function while the rest is written. What goes wrong is told by the step that needs it.
    async fn build_beside(&self, plan: &Plan, progress: &Progress<'_>) {
        if let Some(artifact) = self.artifact_for(plan, |step| step.action == Action::Create) {
            let _ = build(artifact, progress).await;
        }
    }

    /// The function's code, if a step of this sort needs it and it is not built yet.
    fn artifact_for(&self, plan: &Plan, sort: impl Fn(&Step) -> bool) -> Option<&Artifact> {
        let needs = |step: &Step| step.address.kind == Kind::Function && step.changes.touch("code") && sort(step);
        let artifact = self.session.aws.artifact.as_ref()?;
        (plan.steps.iter().any(needs) && !artifact.is_ready()).then_some(artifact)
    }

    /// Tells how the writes ended: people in words, machines in JSON.
    fn say(&self, report: &Report, plan: &Plan, took: Duration, output: Output) {
        if output == Output::Json {
            self.terminal.answer(&format!("{:#}\n", as_json(report, plan, took.as_secs_f64())));
        }
        self.terminal.talk(report_text::report(report, took, self.terminal.style()).trim_end());
    }

    fn say_done(&self, report: &Report, plan: &Plan, seconds: f64, output: Output) -> Result<()> {
        match output {
            Output::Json => self.terminal.answer(&format!("{:#}\n", as_json(report, plan, seconds))),
            Output::Text if report.done.is_empty() => {}
            Output::Text => {
                let took = Duration::from_secs_f64(seconds);
                let words = report_text::report(report, took, self.terminal.answer_style());
                let proved = if self.desired.nodes().next().is_some() {
                    "Read again: AWS is as the file says."
                } else {
                    "Read again: nothing of it is left."
                };
                self.terminal.answer(&format!("{words}{proved}\n"));
            }
        }
        Ok(())
    }
}

async fn build(artifact: &Artifact, progress: &Progress<'_>) -> Result<()> {
    let name = "processor";
    progress.start(name, "building");
    let built = artifact.zip_with(&|line| progress.wait(name, &format!("for the compiler: {line}"))).await;
    progress.end(name);
    built?;
    Ok(())
}

fn read_plan(file: &Path) -> Result<Plan> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("the plan `{}` cannot be read", file.display()))?;
    let plan: Plan = serde_json::from_str(&text).with_context(|| {
        format!("`{}` is not a plan\nhint: write one with `pipewright plan --out {0}`", file.display())
    })?;
    if plan.compute_digest() != plan.digest {
        bail!("the plan `{}` was changed after it was made: its digest does not fit its steps", file.display());
    }
    Ok(plan)
}

/// Why a saved plan is not what would be done now, and the way out.
fn stale(saved: &Plan, now: &Plan) -> Option<(String, &'static str)> {
    if saved.digest == now.digest {
        return None;
    }
    if (&saved.pipeline, &saved.scope) != (&now.pipeline, &now.scope) {
        let place = |plan: &Plan| format!("`{}` in {} / {}", plan.pipeline, plan.scope.account, plan.scope.region);
        let why = format!("it is for {}, and this is {}", place(saved), place(now));
        return Some((why, "give the same `--file`, `--env`, `--profile` and `--region` as to `plan`"));
    }
    if now.is_empty() {
        return Some(("there is nothing left to do".into(), "it may have been applied already"));
    }
    let consents =
        |plan: &Plan| plan.steps.iter().filter(|step| step.loss.as_ref().is_some_and(|loss| loss.allowed)).count();
    if consents(saved) != consents(now) {
        let why = "it allows another loss of data than this command".into();
        return Some((why, "give the same `--allow-data-loss` as to `plan`"));
    }
    let why = "live AWS, the file, the code or the flags are not as they were".into();
    Some((why, "plan again, and look at what changed"))
}

fn as_json(report: &Report, plan: &Plan, seconds: f64) -> serde_json::Value {
    let address = |address: &Address| address.to_string();
    let error = |error: &CloudError| json!({ "message": error.message, "hint": error.hint, "code": error.code });
    json!({
        "pipeline": plan.pipeline,
        "scope": plan.scope,
        "succeeded": report.succeeded(),
        "interrupted": report.interrupted,
        "seconds": seconds,
        "done": report.done.iter().map(|task| json!({ "address": address(&task.address), "verb": report_text::done(task.verb) })).collect::<Vec<_>>(),
        "failed": report.failed.iter().map(|(task, why)| json!({ "address": address(&task.address), "error": error(why) })).collect::<Vec<_>>(),
        "blocked": report.blocked.iter().map(|(task, by)| json!({ "address": address(&task.address), "by": address(by) })).collect::<Vec<_>>(),
        "remaining": report.remaining.iter().map(|task| address(&task.address)).collect::<Vec<_>>(),
        "findings": plan.findings,
    })
}
