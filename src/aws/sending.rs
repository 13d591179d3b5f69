//! Sends many messages: batches of ten, several under way at a time, what fails for a moment again.

use std::mem::take;
use std::pin::pin;
use std::time::Duration;

use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchOutput;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::error::malformed;
use super::{Aws, Called};
use crate::operate::Letter;
use crate::operate::letter::MOST_BYTES;
use crate::operate::pace::Pace;
use crate::reconcile::CloudError;

/// How many calls are under way at a time.
pub const MOST_CALLS: usize = 16;
/// How often a message is tried that SQS could not take for a moment.
const MOST_ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// How long a message waits at most for others to share its call.
const LINGER: Duration = Duration::from_millis(20);

/// What became of a message on its way into the queue.
#[derive(Debug)]
pub enum Delivery {
    Sent {
        letter: Letter,
        message_id: String,
        /// When it was given to SQS.
        at: Timestamp,
    },
    /// SQS will never take it, or did not in all attempts.
    Refused { letter: Letter, cause: String },
}

/// A batch that waits for its turn.
struct Waiting {
    letters: Vec<Letter>,
    turn: Instant,
}

/// Letters that come together for one call.
#[derive(Default)]
struct Gathering {
    /// Taken out of the channel many at a time: one by one, whoever reads them would be woken for each.
    ready: Vec<Letter>,
    letters: Vec<Letter>,
    bytes: usize,
    /// Until when it waits for more.
    until: Option<Instant>,
}

/// So many letters are taken out of the channel at a time.
const TOGETHER: usize = 32;

impl Aws {
    /// Sends what comes, until no more comes or `stop`. Calls under way then are finished, none is begun. Whether it
    /// was stopped with something left to send.
    ///
    /// # Errors
    /// A call failed as a whole, after the client's own retries: the others under way are finished.
    pub async fn send_all(
        &self,
        queue: &str,
        letters: &mut Receiver<Letter>,
        mut pace: Pace,
        stop: impl Future<Output = ()>,
        on: &mut dyn FnMut(Delivery),
    ) -> Result<bool, CloudError> {
        let begun = Instant::now();
        let mut stop = pin!(stop);
        let mut under_way = FuturesUnordered::new();
        let (mut waiting, mut gathering) = (None::<Waiting>, Gathering::default());
        let (mut is_over, mut outcome) = (false, Ok(false));
        loop {
            let may_begin = !is_over && under_way.len() < MOST_CALLS;
            let turn = waiting.as_ref().map(|waiting| waiting.turn);
            tokio::select! {
                biased;
                () = &mut stop, if !is_over => {
                    let holds_some = waiting.is_some() || !gathering.is_empty();
                    (is_over, outcome) = (true, Ok(holds_some || !letters.is_empty() || !letters.is_closed()));
                }
                Some(done) = under_way.next(), if !under_way.is_empty() => match done {
                    Ok(deliveries) => {
                        let deliveries: Vec<Delivery> = deliveries;
                        deliveries.into_iter().for_each(&mut *on);
                    }
                    Err(error) => (is_over, outcome) = (true, outcome.and(Err(error))),
                },
                () = sleep_until(turn.unwrap_or(begun)), if may_begin && turn.is_some() => {
                    if let Some(Waiting { letters, .. }) = waiting.take() {
                        under_way.push(self.deliver(queue, letters));
                    }
                }
                gathered = gathering.gather(letters, pace.together()), if may_begin && turn.is_none() => {
                    let now = begun.elapsed();
                    match gathered {
                        None => is_over = true,
                        // Even a sleep of nothing lasts until the timer's next millisecond.
                        Some(letters) => match pace.turn(letters.len(), now) {
                            Duration::ZERO => under_way.push(self.deliver(queue, letters)),
                            wait => waiting = Some(Waiting { letters, turn: begun + now + wait }),
                        },
                    }
                }
                else => return outcome,
            }
        }
    }

    /// Brings one batch into the queue, what fails for a moment again.
    async fn deliver(&self, queue: &str, letters: Vec<Letter>) -> Result<Vec<Delivery>, CloudError> {
        let mut deliveries = Vec::with_capacity(letters.len());
        let (mut left, mut pause) = (letters, FIRST_PAUSE);
        for attempt in 1..=MOST_ATTEMPTS {
            let at = Timestamp::now();
            let answer = self.send_batch(queue, &left).await?;
            left = sort(left, answer, at, attempt == MOST_ATTEMPTS, &mut deliveries);
            if left.is_empty() {
                break;
            }
            self.pause(pause).await;
            pause *= 2;
        }
        Ok(deliveries)
    }

    async fn send_batch(&self, queue: &str, letters: &[Letter]) -> Result<SendMessageBatchOutput, CloudError> {
        let mut call = self.sqs.send_message_batch().queue_url(self.queue_url(queue));
        for (index, letter) in letters.iter().enumerate() {
            let entry = SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(&letter.body);
            call = call.entries(entry.build().map_err(|error| malformed("a message", error))?);
        }
        call.send().await.called("sqs:SendMessageBatch", queue)
    }
}

/// Sorts a batch by what SQS answered; what is left is to be tried again. What has no answer was not taken.
fn sort(
    letters: Vec<Letter>,
    answer: SendMessageBatchOutput,
    at: Timestamp,
    is_last: bool,
    deliveries: &mut Vec<Delivery>,
) -> Vec<Letter> {
    let mut letters: Vec<_> = letters.into_iter().map(Some).collect();
    let mut take = |id: &str| id.parse().ok().and_then(|index: usize| letters.get_mut(index)?.take());
    for sent in answer.successful {
        if let Some(letter) = take(sent.id()) {
            deliveries.push(Delivery::Sent { letter, message_id: sent.message_id, at });
        }
    }
    for failed in answer.failed {
        let is_final = failed.sender_fault || is_last;
        if is_final && let Some(letter) = take(failed.id()) {
            let message = failed.message.map(|message| format!(": {message}")).unwrap_or_default();
            deliveries.push(Delivery::Refused { letter, cause: format!("{}{message}", failed.code) });
        }
    }
    let left: Vec<_> = letters.into_iter().flatten().collect();
    if !is_last {
        return left;
    }
    let unanswered = |letter| Delivery::Refused { letter, cause: "SQS gave no answer about it".into() };
    deliveries.extend(left.into_iter().map(unanswered));
    Vec::new()
}

impl Gathering {
    fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.letters.is_empty()
    }

    /// The next letters that fit one call: at most `most` of them, and after [`LINGER`] what is there. `None`: no more
    /// will come. Nothing is lost if it is dropped before it is ready: what has come is kept here.
    async fn gather(&mut self, letters: &mut Receiver<Letter>, most: usize) -> Option<Vec<Letter>> {
        while self.letters.len() < most {
            let next = match self.until {
                None => Some(self.next(letters).await?),
                Some(until) => timeout_at(until, self.next(letters)).await.ok().flatten(),
            };
            let Some(letter) = next else { break };
            if self.bytes + letter.body.len() > MOST_BYTES && !self.letters.is_empty() {
                self.ready.push(letter);
                break;
            }
            self.bytes += letter.body.len();
            self.until.get_or_insert_with(|| Instant::now() + LINGER);
            self.letters.push(letter);
        }
        (self.bytes, self.until) = (0, None);
        Some(take(&mut self.letters))
    }

    async fn next(&mut self, letters: &mut Receiver<Letter>) -> Option<Letter> {
        if self.ready.is_empty() {
            letters.recv_many(&mut self.ready, TOGETHER).await;
            // The last comes first: it is the cheap end.
            self.ready.reverse();
        }
        self.ready.pop()
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchResultEntry};
    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
    };
    use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
    use aws_smithy_types::body::SdkBody;
    use futures_util::FutureExt;
    use serde_json::{Value, json};
    use tokio::task::unconstrained;

    use super::*;
    use crate::local;
    use crate::reconcile::Scope;

    fn letters(bodies: &[&str]) -> Vec<Letter> {
        bodies.iter().map(|body| Letter { body: (*body).to_owned(), place: "x:1".into() }).collect()
    }

    fn sent(id: &str) -> SendMessageBatchResultEntry {
        SendMessageBatchResultEntry::builder()
            .id(id)
            .message_id(format!("message-{id}"))
            .md5_of_message_body("")
            .build()
            .unwrap()
    }

    fn failed(id: &str, is_ours: bool) -> BatchResultErrorEntry {
        BatchResultErrorEntry::builder().id(id).sender_fault(is_ours).code("Code").message("why").build().unwrap()
    }

    /// Of letters `a`, `b`, `c`: what is left, and the deliveries in short.
    fn sorted(is_last: bool) -> (Vec<Letter>, Vec<String>) {
        let answer = SendMessageBatchOutput::builder().successful(sent("1")).failed(failed("0", true));
        let answer = answer.failed(failed("2", false)).build().unwrap();
        let mut deliveries = Vec::new();
        let left = sort(letters(&["a", "b", "c"]), answer, Timestamp::UNIX_EPOCH, is_last, &mut deliveries);
        let short = |delivery: &Delivery| match delivery {
            Delivery::Sent { letter, message_id, .. } => format!("{} {message_id}", letter.body),
            Delivery::Refused { letter, cause } => format!("{} {cause}", letter.body),
        };
        (left, deliveries.iter().map(short).collect())
    }

    /// An SQS that takes everything, and needs no time for it.
    #[derive(Debug)]
    struct AtOnce;

    impl HttpConnector for AtOnce {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let asked: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
            let entries = asked["Entries"].as_array().unwrap().iter();
            let sent = |entry: &Value| json!({ "Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "" });
            let answer = json!({ "Successful": entries.map(sent).collect::<Vec<_>>(), "Failed": [] });
            let body = SdkBody::from(answer.to_string());
            HttpConnectorFuture::ready(Ok(HttpResponse::new(200.try_into().unwrap(), body)))
        }
    }

    impl AtOnce {
        fn aws() -> Aws {
            let client = http_client_fn(|_, _| SharedHttpConnector::new(Self));
            let config = local::sdk_config("http://127.0.0.1", None, "us-east-1").into_builder();
            let scope = Scope { partition: "aws".into(), account: local::ACCOUNT.into(), region: "us-east-1".into() };
            Aws::new(&config.http_client(client).build(), scope, "shop")
        }
    }

    #[test]
    fn what_fails_for_a_moment_is_left_and_what_is_wrong_is_refused() {
        assert_eq!(sorted(false), (letters(&["c"]), vec!["b message-1".to_owned(), "a Code: why".into()]));
        let (left, deliveries) = sorted(true);
        assert_eq!(left, []);
        assert_eq!(deliveries, ["b message-1", "a Code: why", "c Code: why"]);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_call_holds_ten_messages_and_no_more_bytes_than_allowed() {
        let half = "x".repeat(MOST_BYTES / 2);
        let (sender, mut receiver) = tokio::sync::mpsc::channel(32);
        let bodies = [&half, &half, "y"].into_iter().chain(std::iter::repeat_n("z", 12));
        for letter in letters(&bodies.collect::<Vec<_>>()) {
            sender.send(letter).await.unwrap();
        }
        drop(sender);
        let mut gathering = Gathering::default();
        let mut sizes = Vec::new();
        while let Some(gathered) = gathering.gather(&mut receiver, 10).await {
            sizes.push(gathered.len());
        }
        assert_eq!(sizes, [2, 10, 3]);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_message_that_stays_alone_goes_alone() {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(32);
        sender.send(letters(&["a"]).remove(0)).await.unwrap();
        assert_eq!(Gathering::default().gather(&mut receiver, 10).await, Some(letters(&["a"])));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_was_gathered_outlives_a_wait_that_was_given_up() {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(32);
        let mut gathering = Gathering::default();
        sender.send(letters(&["a"]).remove(0)).await.unwrap();
        assert!(gathering.gather(&mut receiver, 10).now_or_never().is_none());
        sender.send(letters(&["b"]).remove(0)).await.unwrap();
        drop(sender);
        assert_eq!(gathering.gather(&mut receiver, 10).await, Some(letters(&["a", "b"])));
        assert_eq!(gathering.gather(&mut receiver, 10).await, None);
    }

    /// The timer counts whole milliseconds: whoever waits for it between two calls makes a thousand a second at most.
    #[tokio::test(flavor = "current_thread")]
    async fn without_a_rate_nothing_waits_for_the_timer() {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(500);
        for letter in letters(&["{}"; 500]) {
            sender.send(letter).await.unwrap();
        }
        drop(sender);
        let (aws, mut sent) = (AtOnce::aws(), 0);
        let mut on = |_| sent += 1;
        let sending = aws.send_all("queue", &mut receiver, Pace::new(None), std::future::pending(), &mut on);
        // Polled once: no timer can have fired.
        assert!(matches!(unconstrained(sending).now_or_never(), Some(Ok(false))));
        assert_eq!(sent, 500);
    }
}
