//! `demo`: applies to the local AWS, sends three transactions, and shows what becomes of them.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use serde_json::{Value, json};

use super::Exit;
use super::apply::Job;
use super::session::{Session, options};
use crate::aws::listening::Listener;
use crate::cli::{Allow, Global, Output};
use crate::operate::Parked;
use crate::reconcile::CloudError;
use crate::render::{Style, Terminal};

pub async fn run(global: &Global) -> Result<Exit> {
    let global = Global { local: true, profile: None, endpoint_url: None, ..global.clone() };
    // Commands in its texts are for the local AWS, too.
    let terminal = &Terminal::new(&global);
    let session = Session::open(&global, terminal).await?;
    let options = options(&global, &Allow::default());
    let planned = session.plan(&session.graph, &options).await?;
    let job = Job { session: &session, desired: &session.graph, options, terminal, verbose: global.verbose };
    let applied = job.carry_out(&planned, false, Output::Text).await?;
    if applied != Exit::Done {
        return Ok(applied);
    }
    let shown = Demo::new(&session, terminal).show().await?;
    terminal.answer(&go_on(&global, terminal.answer_style()));
    Ok(if shown { Exit::Done } else { Exit::Failed })
}

struct Demo<'a> {
    session: &'a Session,
    terminal: &'a Terminal,
    /// Sets this run's transactions apart from those of earlier ones.
    run: u64,
    timestamp: String,
}

impl<'a> Demo<'a> {
    fn new(session: &'a Session, terminal: &'a Terminal) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let timestamp = aws_smithy_types::DateTime::from_secs(i64::try_from(now).unwrap_or_default());
        // RFC 3339 is what `Display` writes; see its documentation.
        Self { session, terminal, run: now, timestamp: timestamp.to_string() }
    }

    /// Whether everything came where it belongs.
    async fn show(&self) -> Result<bool> {
        let aws = &self.session.aws;
        let topic = self.large_orders_topic();
        let listener = match &topic {
            Some(arn) => Some(aws.listen(arn).await?),
            None => None,
        };
        let shown = self.send_and_watch(listener.as_ref()).await;
        if let Some(listener) = &listener {
            aws.stop_listening(listener).await?;
        }
        shown
    }

    async fn send_and_watch(&self, listener: Option<&Listener>) -> Result<bool> {
        let (aws, pipeline) = (&self.session.aws, &self.session.pipeline);
        let (small, large, invalid) = (self.id("valid"), self.id("large"), self.id("invalid"));
        let (currency, amount) = self.large_amount();
        let queue = pipeline.queue_name();
        self.terminal.answer(&format!("\nSending three transactions to {queue}:\n"));
        for body in [
            self.transaction(&small, "1.50", &currency),
            self.transaction(&large, &amount, &currency),
            self.transaction(&invalid, "-5.00", "dollars"),
        ] {
            self.terminal.answer(&format!("  {body}\n"));
            aws.send(&queue, &body.to_string()).await?;
        }
        self.terminal.answer("\n");
        let (table, key) = (pipeline.table_name(), pipeline.table.key.as_str());
        let (small, large) = tokio::join!(aws.stored(&table, key, &small), aws.stored(&table, key, &large));
        let mut all = self.say("stored      ", small.map(|item| line(&item)));
        all &= self.say("stored      ", large.map(|item| line(&item)));
        if let Some(listener) = listener {
            let heard = aws.heard(listener, &self.id("large")).await;
            all &= self.say("announced   ", heard.map(|message| on_one_line(&message.body)));
        }
        let quarantined = aws.received(&pipeline.quarantine_name(), &invalid).await;
        let reasons =
            |message: Parked| message.reasons().iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        all &= self.say("quarantined ", quarantined.map(reasons));
        Ok(all)
    }

    fn say(&self, what: &str, outcome: Result<String, CloudError>) -> bool {
        let style = self.terminal.answer_style();
        let (word, text) = match &outcome {
            Ok(text) => (style.green("✓"), text.clone()),
            Err(error) => (style.red("✗"), format!("missing: {}", error.message)),
        };
        self.terminal.answer(&format!("{word} {what} {text}\n"));
        outcome.is_ok()
    }

    fn id(&self, kind: &str) -> String {
        format!("demo-{kind}-{}", self.run)
    }

    fn transaction(&self, id: &str, amount: &str, currency: &str) -> Value {
        json!({
            "transaction_id": id, "customer_id": "customer-1", "amount": amount, "currency": currency,
            "timestamp": self.timestamp,
            "items": [{ "sku": "book", "quantity": 1, "unit_price": amount }],
        })
    }

    fn large_orders_topic(&self) -> Option<String> {
        let large = self.session.pipeline.processing.large_order.as_ref()?;
        Some(self.session.aws.scope.arn("sns", &self.session.pipeline.topic_name(&large.notify)))
    }

    /// A currency with a threshold and an amount that reaches it; without thresholds, just an amount.
    fn large_amount(&self) -> (String, String) {
        let large = self.session.pipeline.processing.large_order.as_ref();
        match large.and_then(|large| large.threshold.first_key_value()) {
            Some((currency, threshold)) => (currency.to_string(), threshold.0.to_string()),
            None => ("USD".into(), "5000.00".into()),
        }
    }
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn line(item: &std::collections::BTreeMap<String, String>) -> String {
    let parts: Vec<_> = item.iter().map(|(name, value)| format!("{name}={value}")).collect();
    parts.join("  ")
}

fn go_on(global: &Global, style: Style) -> String {
    let file = global.file.display();
    let [plan, apply] = ["plan", "apply"].map(|words| style.command(words));
    let width = plan.len().max(apply.len()) + 4;
    format!(
        "\nThe pipeline runs on the local AWS. Go on:\n  \
         edit {file} (a threshold, an alarm's limit), then\n  \
         {plan:width$}  what differs\n  \
         {apply:width$}  make it so\n\
         Stop it (its state is kept) or clear it:\n  \
         {}\n  {}\n\
         In a checkout `cargo run -- ` stands for `pipewright`.\n",
        style.command("local stop"),
        style.command("local reset"),
    )
}
