//! The Lambda Runtime API: hands out what it is asked to, and takes the answers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{Notify, mpsc, oneshot};

use super::http::{Answer, Request, Service, serve};

/// An invocation of the function.
#[derive(Debug, Clone)]
pub struct Invocation {
    pub request_id: String,
    /// The event.
    pub body: String,
    /// From now until Lambda would cut the function off.
    pub timeout: Duration,
    pub trace_id: Option<String>,
}

impl Invocation {
    pub fn new(request_id: &str, body: String) -> Self {
        Self { request_id: request_id.to_owned(), body, timeout: Duration::from_secs(30), trace_id: None }
    }
}

/// What the function made of an invocation: its answer, or its error.
pub type Answered = Result<String, String>;

/// A Lambda environment's Runtime API.
pub struct Lambda {
    address: String,
    queue: mpsc::UnboundedSender<Invocation>,
    shared: Arc<Shared>,
}

struct Shared {
    next: tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>,
    waiting: Mutex<HashMap<String, oneshot::Sender<Answered>>>,
    asked: AtomicUsize,
    asked_again: Notify,
}

impl Lambda {
    pub async fn start() -> Self {
        let (queue, next) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            next: tokio::sync::Mutex::new(next),
            waiting: Mutex::default(),
            asked: AtomicUsize::new(0),
            asked_again: Notify::new(),
        });
        Self { address: serve(shared.clone()).await, queue, shared }
    }

    /// `127.0.0.1:<port>`, as `AWS_LAMBDA_RUNTIME_API` has it.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Hands it to the function; ready when the function has answered.
    pub fn invoke(&self, invocation: Invocation) -> impl Future<Output = Answered> + use<> {
        let (sender, receiver) = oneshot::channel();
        self.shared.waiting.lock().unwrap().insert(invocation.request_id.clone(), sender);
        self.queue.send(invocation).unwrap();
        async { receiver.await.unwrap() }
    }

    /// Until the function has asked so often for something to do.
    pub async fn asked(&self, times: usize) {
        loop {
            let again = self.shared.asked_again.notified();
            if self.shared.asked.load(Ordering::Relaxed) >= times {
                return;
            }
            again.await;
        }
    }
}

impl Service for Shared {
    async fn answer(&self, request: Request) -> Answer {
        let path: Vec<&str> = request.path.trim_start_matches("/2018-06-01/runtime/").split('/').collect();
        match path[..] {
            ["invocation", "next"] => {
                self.asked.fetch_add(1, Ordering::Relaxed);
                self.asked_again.notify_waiters();
                let next = self.next.lock().await.recv().await;
                next.map_or(Answer { hangs_up: true, ..Answer::default() }, |invocation| handed_out(&invocation))
            }
            ["invocation", id, "response"] => self.done(id, Ok(request.text().to_owned())),
            ["invocation", id, "error"] => self.done(id, Err(request.text().to_owned())),
            _ => Answer::new(404, "application/json", "{}"),
        }
    }
}

impl Shared {
    fn done(&self, request_id: &str, answered: Answered) -> Answer {
        if let Some(waiting) = self.waiting.lock().unwrap().remove(request_id) {
            // Whoever asked may have given up.
            let _ = waiting.send(answered);
        }
        Answer::new(202, "application/json", "{}")
    }
}

fn handed_out(invocation: &Invocation) -> Answer {
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + invocation.timeout;
    let mut answer = Answer::new(200, "application/json", invocation.body.clone());
    answer.headers.extend([
        ("Lambda-Runtime-Aws-Request-Id", invocation.request_id.clone()),
        ("Lambda-Runtime-Deadline-Ms", deadline.as_millis().to_string()),
        ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:shop".to_owned()),
    ]);
    answer.headers.extend(invocation.trace_id.clone().map(|id| ("Lambda-Runtime-Trace-Id", id)));
    answer
}
