//! What a drill left behind that was killed: undone completely, or kept in mind until it is.

use std::time::Duration;

use pipewright::aws::listening::Wrapping;
use pipewright::aws::rows::Keyed;
use pipewright::aws::writes::Marked;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::backend::run;
use crate::cli::{refused, stderr, stdout};
use crate::drill::{ended, left, paused, still, until};
use crate::running::Running;

/// What the ids of the drill begin with that left it.
const OURS: &str = r#"{"transaction_id":["drill-7-0-000001"]}"#;
/// As a drill notes it of whose transactions hardly any becomes an item.
const RECIPE: [(&str, &str); 2] = [
    ("pipewright:drill", "ecommerce-transactions"),
    ("pipewright:drill-transactions", "7 1970-01-01T00:00:00Z 2 0 2998 0 0"),
];

/// The record of a drill whose process nobody knows.
async fn record(running: &Running, tags: &[(&str, &str)]) {
    let digest = Sha256::digest(running.aws.pipeline.as_bytes());
    let short: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    running.aws.listen_as(&format!("pipewright-drill-{short}-1"), &[], Wrapping::Envelope, &tags).await.unwrap();
}

async fn put(running: &Running, queue: &str, body: &str) {
    let url = running.aws.queue_url(queue);
    running.aws.sqs.send_message().queue_url(url).message_body(body).send().await.unwrap();
}

async fn waiting(running: &Running, queue: &str) -> usize {
    running.aws.depth(queue).await.unwrap().waiting
}

/// What the next drill says.
fn next(running: &Running) -> String {
    let next = running.run(&["drill", "alarm", "function-errors", "--yes"]);
    assert_eq!(next.status.code(), Some(0), "{}{}", stdout(&next), stderr(&next));
    stderr(&next)
}

const NOT_ALL: &str = "not all of it is undone";

#[test]
fn what_a_killed_drill_left_is_undone_once_nothing_is_hidden_or_on_its_way() {
    run(async {
        let running = Running::new(|yaml| yaml).await;
        nothing_is_touched_before_anybody_agrees(&running).await;
        what_is_hidden_is_tried_again(&running).await;
        what_is_on_its_way_is_tried_again(&running).await;
        no_tags_mean_that_nothing_was_left(&running).await;
    });
}

async fn nothing_is_touched_before_anybody_agrees(running: &Running) {
    let (quarantine, dead) = (running.pipeline.quarantine_name(), running.pipeline.dead_letter_name());
    record(running, &RECIPE).await;
    let keyed = Keyed { table: &running.pipeline.table_name(), key: running.pipeline.table.key.as_str() };
    for id in ["drill-7-0-002500", "drill-8-0-000001"] {
        running.aws.write_marked(keyed, &Marked { id, units: 1, expiry: None }).await.unwrap();
    }
    for queue in [&quarantine, &dead] {
        put(running, queue, OURS).await;
        put(running, queue, r#"{"transaction_id":"drill-8-0-000001"}"#).await;
    }
    let output = running.run(&["drill", "alarm", "function-errors"]);
    refused(&output, &["was killed or cut off", "nobody to ask"]);
    assert_eq!([waiting(running, &quarantine).await, waiting(running, &dead).await, left(running).await], [2, 2, 1]);
    assert_eq!(running.items().await, 2);
}

async fn what_is_hidden_is_tried_again(running: &Running) {
    let (quarantine, dead) = (running.pipeline.quarantine_name(), running.pipeline.dead_letter_name());
    let hidden = running.aws.take(&quarantine, 10, Duration::from_secs(600)).await.unwrap();
    let said = next(running);
    assert!(said.contains("was killed or cut off") && said.contains(NOT_ALL), "{said}");
    assert_eq!([waiting(running, &dead).await, running.items().await], [1, 1], "only ours");
    assert_eq!(left(running).await, 1, "the record stays");
    running.aws.show_again(&quarantine, hidden.iter().map(|message| message.receipt.as_str())).await;
    let said = next(running);
    assert!(said.contains("was killed or cut off") && !said.contains(NOT_ALL), "{said}");
    assert_eq!([waiting(running, &quarantine).await, waiting(running, &dead).await, left(running).await], [1, 1, 0]);
}

async fn what_is_on_its_way_is_tried_again(running: &Running) {
    paused(running, async || {
        record(running, &RECIPE).await;
        put(running, &running.pipeline.queue_name(), OURS).await;
        assert!(next(running).contains(NOT_ALL));
        assert_eq!(left(running).await, 1);
    })
    .await;
    still(running).await;
    let quarantine = running.pipeline.quarantine_name();
    until(running, "until it is rejected", async || waiting(running, &quarantine).await == 2).await;
    assert!(!next(running).contains(NOT_ALL));
    assert_eq!((waiting(running, &quarantine).await, left(running).await), (1, 0));
}

/// Its owner has just taken it away, or it is none.
async fn no_tags_mean_that_nothing_was_left(running: &Running) {
    record(running, &[]).await;
    let said = next(running);
    assert!(!said.contains("was killed"), "{said}");
    assert_eq!(left(running).await, 1);
}

#[test]
fn a_drill_removes_its_dead_letters_too() {
    run(async {
        let running = Running::new(|yaml| yaml).await;
        let (queue, dead) = (running.pipeline.queue_name(), running.pipeline.dead_letter_name());
        let drill = ["drill", "pipeline", "-n", "100", "--rate", "20", "--patience", "20s", "--remove", "--yes"];
        let mut child = running.spawn(&[&drill[..], &["--output", "json"]].concat());
        until(&running, "until it has begun", async || running.items().await > 0).await;
        paused(&running, async || {
            // Received in vain as often as allowed.
            while child.try_wait().unwrap().is_none() {
                running.aws.take(&queue, 10, Duration::ZERO).await.unwrap();
            }
        })
        .await;
        let (status, answer, said) = ended(child);
        assert_eq!(status, Some(1), "{answer}{said}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(answer["dead_letter"].as_u64() > Some(0), "{answer:#}");
        assert_eq!((&answer["removed"], &answer["unaccounted"]), (&json!(true), &json!(0)), "{answer:#}{said}");
        assert_eq!([waiting(&running, &dead).await, running.items().await, left(&running).await], [0, 0, 0]);
    });
}
