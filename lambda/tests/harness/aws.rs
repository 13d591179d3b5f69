//! AWS as the processor sees it, answered from memory: a table, a topic and a quarantine queue.
//!
//! For benchmarks it remembers nothing and every answer is there already; an answer can be made to take its time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::http::{Answer, Request, Service, serve};

/// The three services on one port.
pub struct Aws {
    endpoint: String,
    service: Arc<Canned>,
}

/// A call that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// `PutItem`
    pub operation: String,
    pub trace_id: Option<String>,
}

struct Canned {
    latency: Duration,
    remembers: bool,
    connections: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    rows: BTreeMap<String, Value>,
    published: Vec<String>,
    quarantined: Vec<Value>,
    faults: Vec<Fault>,
}

/// What goes wrong with some calls.
struct Fault {
    operation: &'static str,
    /// A text that these calls mention.
    about: String,
    wrong: Wrong,
    times: usize,
}

#[derive(Clone)]
enum Wrong {
    /// This is answered, and nothing done.
    Answers(Answer),
    /// It is done, but nobody hears of it.
    LosesAnswer,
    /// It waits.
    Waits(Arc<Gate>),
}

/// Holds a call up.
#[derive(Default)]
struct Gate {
    arrived: Notify,
    opened: Notify,
}

/// A call that will be held up.
pub struct Held(Arc<Gate>);

impl Held {
    /// Until the call is there.
    pub async fn arrived(&self) {
        self.0.arrived.notified().await;
    }

    pub fn release(&self) {
        self.0.opened.notify_one();
    }
}

impl Aws {
    /// Remembers what it is told, as a table does.
    pub async fn start() -> Self {
        Self::with(Duration::ZERO, true).await
    }

    /// Remembers nothing; answers after so long.
    pub async fn forgetful(latency: Duration) -> Self {
        Self::with(latency, false).await
    }

    async fn with(latency: Duration, remembers: bool) -> Self {
        let service =
            Arc::new(Canned { latency, remembers, connections: AtomicUsize::new(0), state: Mutex::default() });
        Self { endpoint: format!("http://{}", serve(service.clone()).await), service }
    }

    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The next so many calls of this operation that mention this text are answered so.
    pub fn fail(&self, operation: &'static str, about: &str, times: usize, answer: Answer) {
        self.fault(operation, about, times, Wrong::Answers(answer));
    }

    /// The next call of this operation that mentions this text is done, but its connection breaks before the answer.
    pub fn lose_answer(&self, operation: &'static str, about: &str) {
        self.fault(operation, about, 1, Wrong::LosesAnswer);
    }

    /// The next call of this operation waits until it is released.
    pub fn hold(&self, operation: &'static str) -> Held {
        let gate = Arc::new(Gate::default());
        self.fault(operation, "", 1, Wrong::Waits(gate.clone()));
        Held(gate)
    }

    fn fault(&self, operation: &'static str, about: &str, times: usize, wrong: Wrong) {
        let fault = Fault { operation, about: about.to_owned(), wrong, times };
        self.service.state.lock().unwrap().faults.push(fault);
    }

    /// How many connections were opened so far.
    pub fn connections(&self) -> usize {
        self.service.connections.load(Ordering::Relaxed)
    }

    pub fn calls(&self) -> Vec<Call> {
        self.service.state.lock().unwrap().calls.clone()
    }

    /// How many calls of this operation came in.
    pub fn count(&self, operation: &str) -> usize {
        self.calls().iter().filter(|call| call.operation == operation).count()
    }

    pub fn rows(&self) -> BTreeMap<String, Value> {
        self.service.state.lock().unwrap().rows.clone()
    }

    /// The ids of the orders that were announced.
    pub fn published(&self) -> Vec<String> {
        self.service.state.lock().unwrap().published.clone()
    }

    /// The entries sent to the quarantine queue.
    pub fn quarantined(&self) -> Vec<Value> {
        self.service.state.lock().unwrap().quarantined.clone()
    }
}

/// An error as the JSON protocols tell it.
pub fn refusal(status: u16, code: &str) -> Answer {
    let mut answer = json_answer(status, &json!({ "__type": code, "message": "by a test" }));
    answer.headers.push(("x-amzn-errortype", code.to_owned()));
    answer
}

fn json_answer(status: u16, body: &Value) -> Answer {
    Answer::new(status, "application/x-amz-json-1.0", body.to_string())
}

impl Service for Canned {
    async fn answer(&self, request: Request) -> Answer {
        let operation = operation(&request);
        let mut answer = match self.wrong(&operation, &request) {
            None => self.right(&operation, &request),
            Some(Wrong::Answers(answer)) => answer,
            Some(Wrong::LosesAnswer) => Answer { hangs_up: true, ..self.right(&operation, &request) },
            Some(Wrong::Waits(gate)) => {
                gate.arrived.notify_one();
                gate.opened.notified().await;
                self.right(&operation, &request)
            }
        };
        answer.after += self.latency;
        answer
    }

    fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }
}

/// `PutItem`; of what is no call of a service, method and path.
fn operation(request: &Request) -> String {
    if let Some(target) = request.header("x-amz-target") {
        return target.rsplit('.').next().unwrap().to_owned();
    }
    let action = request.text().split('&').find_map(|pair| pair.strip_prefix("Action="));
    action.map_or_else(|| format!("{} {}", request.method, request.path), str::to_owned)
}

impl Canned {
    fn wrong(&self, operation: &str, request: &Request) -> Option<Wrong> {
        if !self.remembers {
            return None;
        }
        let trace_id = request.header("x-amzn-trace-id").map(str::to_owned);
        let mut state = self.state.lock().unwrap();
        state.calls.push(Call { operation: operation.to_owned(), trace_id });
        state.fault(operation, request.text())
    }

    fn right(&self, operation: &str, request: &Request) -> Answer {
        match operation {
            "PutItem" if self.remembers => self.state.lock().unwrap().put(request),
            "PutItem" | "UpdateItem" => Answer::new(200, "application/x-amz-json-1.0", "{}"),
            "PublishBatch" => self.publish(request),
            "SendMessageBatch" => self.send(request),
            _ => Answer::new(404, "text/plain", "not here"),
        }
    }

    fn publish(&self, request: &Request) -> Answer {
        let text = request.text();
        let count = text.matches(".Subject=").count();
        if self.remembers {
            let mut state = self.state.lock().unwrap();
            state.published.extend(ids(text));
        }
        let members: String =
            (0..count).map(|id| format!("<member><Id>{id}</Id><MessageId>m</MessageId></member>")).collect();
        let body = format!(
            "<PublishBatchResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishBatchResult><Failed/>\
                <Successful>{members}</Successful></PublishBatchResult></PublishBatchResponse>"
        );
        Answer::new(200, "text/xml", body)
    }

    fn send(&self, request: &Request) -> Answer {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let entries = body["Entries"].as_array().unwrap();
        let done = |entry: &Value| json!({ "Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "x" });
        let answer = json!({ "Successful": entries.iter().map(done).collect::<Vec<_>>(), "Failed": [] });
        if self.remembers {
            self.state.lock().unwrap().quarantined.extend(entries.iter().cloned());
        }
        json_answer(200, &answer)
    }
}

/// The transaction ids in a publish: `"transaction_id": "…"` in a form's encoding.
fn ids(form: &str) -> impl Iterator<Item = String> {
    let before = "transaction_id%22%3A%20%22";
    form.split(before).skip(1).map(|rest| rest.split("%22").next().unwrap().to_owned())
}

impl State {
    fn fault(&mut self, operation: &str, text: &str) -> Option<Wrong> {
        let applies =
            |fault: &&mut Fault| fault.times > 0 && fault.operation == operation && text.contains(&fault.about);
        let fault = self.faults.iter_mut().find(applies)?;
        fault.times -= 1;
        Some(fault.wrong.clone())
    }

    /// Puts an item if its key is free; else shows what is there.
    fn put(&mut self, request: &Request) -> Answer {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let item = &body["Item"];
        let id = item["transaction_id"]["S"].as_str().unwrap().to_owned();
        if let Some(taken) = self.rows.get(&id) {
            let code = "ConditionalCheckFailedException";
            let told = json!({ "__type": code, "message": "The conditional request failed", "Item": taken });
            let mut answer = json_answer(400, &told);
            answer.headers.push(("x-amzn-errortype", code.to_owned()));
            return answer;
        }
        self.rows.insert(id, item.clone());
        json_answer(200, &json!({}))
    }
}
