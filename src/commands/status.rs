//! `status`: reads live AWS and CloudWatch, and says whether the pipeline is healthy.

use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;

use super::Exit;
use super::file::{check_not_the_input, write_whole};
use super::foreground;
use super::interrupt::Interrupt;
use super::reader::while_read;
use super::session::{Session, options};
use crate::cli::{Allow, Global, Output, Status as Arguments};
use crate::operate::drawing::Drawing;
use crate::operate::health::{Read, Status};
use crate::operate::series::{Metrics, PLOTTED, Window};
use crate::reconcile::{CloudError, ErrorKind};
use crate::render::parked::Sheet;
use crate::render::screen::Screen;
use crate::render::{Terminal, page, status as text};
use crate::resources::Blueprint;
use crate::resources::alarm::series;

/// What the local AWS is known not to emit.
const LOCAL_GAP: &str = "the local AWS emits no metrics of queues, tables and functions that a queue drives; AWS does";

pub async fn run(global: &Global, arguments: &Arguments, terminal: &Terminal) -> Result<Exit> {
    if let Some(file) = &arguments.html {
        check_not_the_input(file, &global.file)?;
    }
    let look = Look { session: Session::open(global, terminal).await?, global, arguments, terminal };
    if arguments.watch {
        return while_read(look.watch()).await;
    }
    let interrupt = Interrupt::quietly();
    tokio::select! {
        seen = look.read() => look.show(&seen?),
        () = interrupt.asked() => Ok(Exit::Interrupted),
    }
}

/// What was seen, and how it is drawn.
struct Seen {
    status: Status,
    drawing: Drawing,
}

/// A look at a pipeline.
struct Look<'a> {
    session: Session,
    global: &'a Global,
    arguments: &'a Arguments,
    terminal: &'a Terminal,
}

impl Look<'_> {
    async fn read(&self) -> Result<Seen, CloudError> {
        let session = &self.session;
        let now = Timestamp::now();
        let default = if self.arguments.html.is_some() { 3 } else { 1 };
        let window = Window::last(self.arguments.hours.unwrap_or(default), now);
        let options = options(self.global, &Allow::default());
        let (planned, metrics) = tokio::join!(session.plan(&session.graph, &options), self.metrics(window, now));
        let planned = planned?;
        let failure = metrics.as_ref().err().map(|error| error.message.clone());
        let (metrics, recent) = metrics.unwrap_or_default();
        let status = Status::of(Read {
            pipeline: &session.pipeline,
            plan: &planned.plan,
            snapshot: &planned.snapshot,
            metrics: failure.as_deref().map_or(Ok(&metrics), Err),
            recent: &recent,
            gap: self.global.local.then_some(LOCAL_GAP),
            window,
            at: now,
        });
        let drawing = Drawing::live(&session.aws.pipeline, &session.graph, &planned.snapshot);
        Ok(Seen { drawing: drawing.with(&status), status })
    }

    /// Those of the window, and those of its last minutes where its periods are too long to tell how it is now.
    async fn metrics(&self, window: Window, now: Timestamp) -> Result<(Metrics, Metrics), CloudError> {
        let Session { aws, pipeline, .. } = &self.session;
        // Of the code, only its name in the plan matters here.
        let blueprint = Blueprint { pipeline, scope: &aws.scope, code: "" };
        let queries = series::queries(&blueprint, PLOTTED.iter().map(|(key, _, _)| *key));
        let recent = async {
            match window.recent(now) {
                Some(recent) => aws.series(&queries, recent).await,
                None => Ok(Metrics::new()),
            }
        };
        tokio::try_join!(aws.series(&queries, window), recent)
    }

    /// Writes the page, if one is wanted: each time the whole of it.
    fn write_page(&self, seen: &Seen) -> Result<()> {
        match &self.arguments.html {
            Some(file) => {
                write_whole(file, page::page(&seen.status, &seen.drawing, self.terminal.answer_style()).as_bytes())
            }
            None => Ok(()),
        }
    }

    /// Shows it again and again. On a terminal in the same place, elsewhere one below the other (`json`: one a line).
    async fn watch(&self) -> Result<Exit> {
        let interrupt = Interrupt::quietly();
        let screen = Screen::new(self.terminal, self.arguments.output);
        tokio::select! {
            failed = self.look_again_and_again(&screen) => failed.map(|never| match never {}),
            never = foreground::hold(&screen, self.terminal) => match never {},
            never = foreground::resize(&screen) => match never {},
            () = interrupt.asked() => Ok(Exit::Interrupted),
        }
    }

    async fn look_again_and_again(&self, screen: &Screen<'_>) -> Result<Infallible> {
        let mut silence = Silence { look: self, screen, since: None, why: None, seen: None };
        loop {
            silence.since.get_or_insert_with(Timestamp::now);
            let read = tokio::select! {
                read = self.read() => read,
                never = silence.tell_a_delay() => match never {},
            };
            match read {
                Ok(seen) => {
                    self.write_page(&seen)?;
                    let status = Rc::new(seen.status);
                    if screen.moves() {
                        let status = Rc::clone(&status);
                        screen.show(move |sheet, rows| text::fitted(&status, sheet, rows));
                    } else {
                        self.terminal.answer(&self.words(&status)?);
                    }
                    silence = Silence { since: None, why: None, seen: Some(status), ..silence };
                }
                // A failure that may pass does not end a watch; one that concerns every call does.
                Err(error) if error.kind == ErrorKind::Credentials => return Err(error.into()),
                Err(error) => {
                    silence.why = Some(error.to_string());
                    silence.tell();
                }
            }
            tokio::time::sleep(self.arguments.interval).await;
        }
    }

    fn words(&self, status: &Status) -> Result<String> {
        Ok(match self.arguments.output {
            // One a line, for those who read on.
            Output::Json if self.arguments.watch => serde_json::to_string(status)? + "\n",
            Output::Json => serde_json::to_string_pretty(status)? + "\n",
            Output::Text => {
                let sheet = Sheet { style: self.terminal.answer_style(), width: self.terminal.answer_width() };
                text::status(status, sheet)
            }
        })
    }

    fn show(&self, seen: &Seen) -> Result<Exit> {
        let status = &seen.status;
        self.write_page(seen)?;
        self.terminal.answer(&self.words(status)?);
        Ok(if status.healthy { Exit::Done } else { Exit::Failed })
    }
}

/// How long AWS may take for an answer before a watch says that there is none, and how often it says so.
const PATIENCE: Duration = Duration::from_secs(5);

/// While nobody answers: what was seen last must not pass for what is.
struct Silence<'a> {
    look: &'a Look<'a>,
    screen: &'a Screen<'a>,
    /// Since when; `None`: the last look was answered.
    since: Option<Timestamp>,
    /// How the last look failed.
    why: Option<String>,
    seen: Option<Rc<Status>>,
}

impl Silence<'_> {
    /// Says so again and again where it replaces what was seen; elsewhere the look's own failure is enough.
    async fn tell_a_delay(&self) -> Infallible {
        loop {
            tokio::time::sleep(PATIENCE).await;
            if self.screen.moves() {
                self.tell();
            }
        }
    }

    fn tell(&self) {
        let now = Timestamp::now();
        if self.screen.moves() {
            let (since, why, seen) = (self.since.unwrap_or(now), self.why.clone(), self.seen.clone());
            let words = move |sheet, rows| text::unanswered(since, why.as_deref(), seen.as_deref(), sheet, rows);
            self.screen.show(words);
        } else {
            let why = self.why.as_deref().unwrap_or("no answer");
            self.look.terminal.talk(&format!("{now:.0} {why}"));
        }
    }
}
