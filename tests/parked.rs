//! Dead letters and the quarantine: looked at, put back, deleted; interrupted, killed and refused in the middle.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
    SendMessageBatchRequestEntry,
};
use pipewright::aws::Aws;
use pipewright::aws::patience::Wait;
use pipewright::aws::redriving::Redrive;
use pipewright::operate::Parked;
use pipewright::operate::redrive::{Redriven, Selection};
use pipewright_processor::contract::REASONS_ATTRIBUTE;
use pipewright_processor::ports::MessageValue;
use serde_json::{Value, json};

use crate::backend::{Answer, World, run};
use crate::cli::{refused, stderr, stdout};
use crate::running::{Running, signal};
use crate::world::pipeline;

pub fn transaction(id: &str, amount: &str) -> String {
    json!({
        "transaction_id": id, "customer_id": "c", "amount": amount, "currency": "USD",
        "timestamp": "2026-11-22T11:00:00Z",
    })
    .to_string()
}

#[test]
fn rejected_messages_are_grouped_shown_put_back_and_deleted() {
    run(async {
        let running = Running::new(|yaml| yaml).await;
        let bodies = [
            transaction("negative", "-3"),
            transaction("zero", "0"),
            transaction("precise", "1.234"),
            r#"{"transaction_id":"bare"}"#.to_owned(),
            "no JSON \u{202e}at all".to_owned(),
        ];
        let file = running.file("invalid.jsonl", &bodies.join("\n"));
        let sent = running.json(&["send", "--as-is", file.to_str().unwrap(), "--wait", "--patience", "60s"], 0);
        assert_eq!(sent["rejected"], 5, "{sent:#}");
        they_are_grouped_by_reason(&running).await;
        one_is_shown_whole(&running);
        what_is_still_wrong_comes_back(&running);
        a_mended_one_is_stored(&running).await;
        they_are_deleted_once_saved(&running).await;
    });
}

async fn they_are_grouped_by_reason(running: &Running) {
    let list = running.json(&["quarantine", "list"], 0);
    assert_eq!([&list["looked_at"], &list["is_all"]], [&json!(5), &json!(true)], "{list:#}");
    let groups: BTreeMap<_, _> =
        list["groups"].as_array().unwrap().iter().map(|group| (group["code"].as_str().unwrap(), group)).collect();
    let count = |code: &str| groups[code]["messages"].as_u64().unwrap();
    assert_eq!([count("not_positive"), count("too_many_decimals"), count("not_json")], [2, 1, 1], "{list:#}");
    assert_eq!(count("missing_field"), 1, "one message with four reasons of a kind");
    assert_eq!(groups["not_positive"]["places"], json!([["/amount", 2]]));
    let depth = running.aws.depth(&running.pipeline.quarantine_name()).await.unwrap();
    assert_eq!((depth.waiting, depth.in_flight), (5, 0), "nobody is kept from them");

    let few = running.run(&["quarantine", "list", "--look", "2"]);
    assert!(stdout(&few).contains("looked at 2 of about 5"), "{}", stdout(&few));
    let only = running.json(&["quarantine", "list", "--reason", "not_json"], 0);
    assert_eq!(only["groups"].as_array().unwrap().len(), 1);
    let said = stdout(&running.run(&["quarantine", "list"]));
    assert!(said.contains("2  not_positive  at /amount") && said.contains("negative  (message "), "{said}");
    let empty = stdout(&running.run(&["dead-letters", "list"]));
    assert!(empty.contains("dead-letter: empty"), "{empty}");
}

fn one_is_shown_whole(running: &Running) {
    let shown = running.json(&["quarantine", "show", "precise"], 0);
    assert_eq!(shown[0]["codes"], json!(["too_many_decimals"]));
    assert_eq!(shown[0]["body"], transaction("precise", "1.234"));
    let said = stdout(&running.run(&["quarantine", "show", "precise"]));
    assert!(said.contains("too_many_decimals at /amount") && said.contains("\"amount\": \"1.234\""), "{said}");
    refused(
        &running.run(&["quarantine", "show", "nobody"]),
        &["no message", "`nobody`", "hint: `pipewright quarantine list --endpoint-url http"],
    );
}

#[test]
fn what_comes_back_is_counted_among_any_number_of_others() {
    run(async {
        let running = Running::new(|yaml| yaml).await;
        let many = (0..1_100).map(|index| transaction(&format!("t-{index}"), "-1"));
        put(&running.aws, &running.pipeline.quarantine_name(), many).await;
        let redriven = running.json(&["quarantine", "redrive", "--limit", "20"], 0);
        let counts = ["sent", "came_back", "left"].map(|name| redriven[name].as_u64().unwrap());
        assert_eq!((counts, &redriven["is_all"]), ([20, 20, 1_080], &json!(true)), "{redriven:#}");
    });
}

fn what_is_still_wrong_comes_back(running: &Running) {
    let redriven = running.json(&["quarantine", "redrive", "--reason", "not_positive", "--limit", "1"], 0);
    let counts = ["sent", "came_back", "still_on_the_way", "not_removed"].map(|name| redriven[name].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 0, 0], "{redriven:#}");
    assert_eq!(running.json(&["quarantine", "list"], 0)["looked_at"], 5, "it is where it was");
}

async fn a_mended_one_is_stored(running: &Running) {
    // Rejected under rules that have changed since.
    let reasons = json!({ "reasons": [{ "code": "too_old", "at": "/timestamp" }] }).to_string();
    let call = running.aws.sqs.send_message().queue_url(running.aws.queue_url(&running.pipeline.quarantine_name()));
    call.message_body(transaction("mended", "7"))
        .message_attributes(REASONS_ATTRIBUTE, text(&reasons))
        .send()
        .await
        .unwrap();
    let said = stdout(&running.run(&["quarantine", "redrive", "--reason", "too_old"]));
    assert!(said.contains("put back 1 message from ecommerce-transactions-quarantine into"), "{said}");
    assert!(!said.contains("came back"), "{said}");
    let stored = running.aws.stored(&running.pipeline.table_name(), "transaction_id", "mended").await.unwrap();
    assert_eq!(stored["amount"], "7");
}

async fn they_are_deleted_once_saved(running: &Running) {
    let queue = running.pipeline.quarantine_name();
    refused(&running.run(&["quarantine", "purge"]), &["nobody to ask", "hint: `--yes`"]);
    let nowhere = running.run(&["quarantine", "purge", "--yes", "--save", "/nonexistent/saved.jsonl"]);
    refused(&nowhere, &["cannot be written"]);
    refused(&running.run(&["quarantine", "purge", "--yes", "--save", "pipeline.yaml"]), &["own file"]);
    assert_eq!(running.aws.depth(&queue).await.unwrap().waiting, 5);

    let purged = running.json(&["quarantine", "purge", "--yes", "--reason", "not_json"], 0);
    assert_eq!([&purged["deleted"], &purged["saved"]], [&json!(1), &Value::Null]);
    let purged = running.json(&["quarantine", "purge", "--yes", "--save", "saved.jsonl"], 0);
    assert_eq!([&purged["deleted"], &purged["saved"], &purged["is_all"]], [&json!(4), &json!(4), &json!(true)]);
    let saved = fs::read_to_string(running.project.path().join("saved.jsonl")).unwrap();
    let lines: Vec<Value> = saved.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4);
    assert!(lines.iter().any(|line| line["body"] == transaction("zero", "0")), "{saved}");
    assert_eq!(running.aws.depth(&queue).await.unwrap().all(), 0);

    put(&running.aws, &queue, ["new".to_owned()].into_iter()).await;
    let again = ["quarantine", "purge", "--yes", "--save", "saved.jsonl"];
    refused(&running.run(&again), &["`saved.jsonl` is there already", "hint:"]);
    assert_eq!(fs::read_to_string(running.project.path().join("saved.jsonl")).unwrap(), saved, "the only copy");
    assert_eq!(running.aws.depth(&queue).await.unwrap().waiting, 1);
    let none = ["quarantine", "purge", "--yes", "--reason", "nobody's", "--save", "none.jsonl"];
    let said = stdout(&running.run(&none));
    assert!(said.contains("deleted 0 messages") && said.contains("none of those seen has the reason"), "{said}");
    assert!(!running.project.path().join("none.jsonl").exists(), "nothing was saved");

    put(&running.aws, &queue, ["late".to_owned()].into_iter()).await;
    let said = stdout(&running.run(&["quarantine", "purge", "--yes"]));
    assert!(said.contains("deleted about 2 messages"), "{said}");
    assert_eq!(running.aws.depth(&queue).await.unwrap().all(), 0);
}

/// A message that fails five times tells why: the processor's log knows.
#[test]
fn dead_letters_are_grouped_by_what_the_log_says() {
    run(async {
        let running = Running::new(|yaml| {
            yaml.replace("visibility_timeout: 6s", "visibility_timeout: 5s").replace("after: 5", "after: 1")
        })
        .await;
        // Without its table, nothing can be stored.
        let table = running.pipeline.table_name();
        running.aws.dynamodb.update_table().table_name(&table).deletion_protection_enabled(false).send().await.unwrap();
        running.aws.dynamodb.delete_table().table_name(&table).send().await.unwrap();
        put(&running.aws, &running.pipeline.queue_name(), [transaction("failing", "1")].into_iter()).await;
        let wait = Wait { reason: "for the dead letter", limit: Duration::from_secs(60) };
        let dead = async || {
            // Only who asks the queue for messages has it move those that failed too often.
            Ok((running.aws.depth(&running.pipeline.dead_letter_name()).await?.waiting == 1).then_some(()))
        };
        running.aws.until(wait, &|_| (), dead).await.unwrap();
        let list = running.json(&["dead-letters", "list"], 0);
        let code = list["groups"][0]["code"].as_str().unwrap();
        assert!(code.starts_with("dynamodb:PutItem: "), "{list:#}");
        assert_eq!(list["groups"][0]["examples"][0]["transaction_id"], "failing");
        let shown = stdout(&running.run(&["dead-letters", "show", "failing"]));
        assert!(shown.contains("failed       dynamodb:PutItem"), "{shown}");
        let other = running.json(&["dead-letters", "redrive", "--reason", "unknown", "--wait", "0"], 0);
        assert_eq!([&other["sent"], &other["left"]], [0, 1]);
        let chosen = running.json(&["dead-letters", "redrive", "--reason", code, "--wait", "0"], 0);
        assert_eq!(chosen["sent"], 1, "{chosen:#}");
    });
}

#[test]
fn a_redrive_that_is_interrupted_or_killed_loses_nothing_and_stores_nothing_twice() {
    const COUNT: usize = 600;
    run(async {
        let running = Running::new(|yaml| yaml).await;
        let dead = running.pipeline.dead_letter_name();
        put(&running.aws, &dead, (0..COUNT).map(|index| transaction(&format!("t-{index}"), "1"))).await;
        let redrive = ["dead-letters", "redrive", "--wait", "0", "--output", "json"];

        let child = running.spawn(&redrive);
        has_begun(&running, COUNT).await;
        signal(&child, "-INT");
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
        let answer: Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!([&answer["interrupted"], &answer["not_removed"]], [&json!(true), &json!(0)], "{answer:#}");
        let sent = usize::try_from(answer["sent"].as_u64().unwrap()).unwrap();
        let depth = running.aws.depth(&dead).await.unwrap();
        assert!(sent > 0 && sent < COUNT, "{answer:#}");
        assert_eq!((depth.waiting, depth.in_flight), (COUNT - sent, 0), "what was not put back is there for others");

        let mut child = running.spawn(&redrive);
        has_begun(&running, COUNT - sent).await;
        signal(&child, "-KILL");
        child.wait().unwrap();
        // What was in its hands comes to sight by itself.
        let wait = Wait { reason: "until nothing is hidden", limit: Duration::from_secs(60) };
        let shown = async || Ok((running.aws.depth(&dead).await?.in_flight == 0).then_some(()));
        running.aws.until(wait, &|_| (), shown).await.unwrap();
        running.json(&["dead-letters", "redrive", "--wait", "0"], 0);
        assert_eq!(running.aws.depth(&dead).await.unwrap().all(), 0);
        let wait = Wait { reason: "until all are stored", limit: Duration::from_secs(60) };
        let stored = async || Ok((running.items().await == COUNT).then_some(()));
        running.aws.until(wait, &|_| (), stored).await.unwrap();
    });
}

/// Waits until a redrive has removed something.
async fn has_begun(running: &Running, before: usize) {
    let dead = running.pipeline.dead_letter_name();
    while running.aws.depth(&dead).await.unwrap().all() >= before {
        tokio::task::yield_now().await;
    }
}

/// Messages straight into a queue.
pub async fn put(aws: &Aws, queue: &str, bodies: impl Iterator<Item = String>) {
    let bodies: Vec<_> = bodies.collect();
    for chunk in bodies.chunks(10) {
        let entries = chunk.iter().enumerate().map(|(place, body)| {
            SendMessageBatchRequestEntry::builder().id(place.to_string()).message_body(body).build().unwrap()
        });
        let call = aws.sqs.send_message_batch().queue_url(aws.queue_url(queue)).set_entries(Some(entries.collect()));
        assert!(call.send().await.unwrap().failed().is_empty());
    }
}

fn text(value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder().data_type("String").string_value(value).build().unwrap()
}

/// Two queues, without a pipeline between them.
struct Queues {
    world: World,
    aws: Aws,
}

impl Queues {
    async fn new() -> Self {
        let world = World::new().await;
        let aws = world.hasty(&pipeline("version: 1\npipeline: shop\nfunction: { source: lambda }\n"));
        for queue in ["parked", "main"] {
            aws.sqs.create_queue().queue_name(queue).send().await.unwrap();
        }
        Self { world, aws }
    }

    async fn redrive(&self, selection: Selection) -> Result<Redriven, pipewright::reconcile::CloudError> {
        let elsewhere = "parked".into();
        let what = Redrive { from: "parked".into(), to: "main".into(), elsewhere, selection };
        self.aws.redrive(&what, Duration::ZERO, &|| false, &|_| ()).await
    }

    async fn counts(&self) -> (usize, usize) {
        (self.aws.depth("parked").await.unwrap().waiting, self.aws.depth("main").await.unwrap().waiting)
    }

    async fn peek(&self, queue: &str) -> Vec<Parked> {
        self.aws.peek(queue, 100, &|| false).await.unwrap().messages
    }
}

#[test]
fn a_message_goes_back_as_its_sender_sent_it() {
    run(async {
        let queues = Queues::new().await;
        let moved = json!({
            "reasons": [{ "code": "empty", "at": "/x" }],
            "attribute": { "name": "z", "type": "Binary.png", "base64": "AP8=" },
        });
        let blob = MessageAttributeValue::builder().data_type("Binary").binary_value(Blob::new([1, 2])).build();
        let trace = MessageSystemAttributeValue::builder().data_type("String").string_value("Root=1-5759e988-bd862e3f");
        let call = queues.aws.sqs.send_message().queue_url(queues.aws.queue_url("parked")).message_body("body");
        call.message_attributes(REASONS_ATTRIBUTE, text(&moved.to_string()))
            .message_attributes("blob", blob.unwrap())
            .message_attributes("color", text("red"))
            .message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, trace.build().unwrap())
            .send()
            .await
            .unwrap();
        // Read here; that it is sent on is a test of the entry, for the local AWS drops it from batches.
        assert_eq!(queues.peek("parked").await[0].trace_header.as_deref(), Some("Root=1-5759e988-bd862e3f"));
        let redriven = queues.redrive(Selection::default()).await.unwrap();
        assert_eq!((redriven.sent, queues.counts().await), (1, (0, 1)));
        let [message] = &queues.peek("main").await[..] else { panic!("one message") };
        let names: Vec<_> = message.attributes.keys().map(String::as_str).collect();
        assert_eq!(names, ["blob", "color", "z"], "ours is gone, and what made room for it is back");
        assert_eq!(message.attributes["blob"].value, MessageValue::Binary(vec![1, 2]));
        assert_eq!(message.attributes["z"].value, MessageValue::Binary(vec![0, 255]));
    });
}

/// What a kill between two calls leaves, without the kill: the call after it never comes.
#[test]
fn between_any_two_calls_a_message_is_in_one_queue_at_least() {
    run(async {
        let queues = Queues::new().await;
        put(&queues.aws, "parked", ["one".to_owned()].into_iter()).await;
        let broken = || vec![Answer::json(403, "AccessDenied", "no"); 8];

        queues.world.wire.fault("sqs.SendMessageBatch", broken());
        let error = queues.redrive(Selection::default()).await.unwrap_err().to_string();
        assert!(error.contains("0 messages were put back") && error.contains("sqs:SendMessage"), "{error}");
        queues.world.wire.fault("sqs.SendMessageBatch", []);
        shown_again(&queues.aws).await;
        assert_eq!(queues.counts().await, (1, 0), "received, not sent");

        queues.world.wire.fault("sqs.DeleteMessageBatch", broken());
        let error = queues.redrive(Selection::default()).await.unwrap_err().to_string();
        assert!(error.contains("1 messages were put back") && error.contains("sqs:DeleteMessage"), "{error}");
        queues.world.wire.fault("sqs.DeleteMessageBatch", []);
        shown_again(&queues.aws).await;
        assert_eq!(queues.counts().await, (1, 1), "sent, not removed");

        assert_eq!(queues.redrive(Selection::default()).await.unwrap().sent, 1);
        assert_eq!(queues.counts().await, (0, 2), "sent twice: the processor stores it once");
    });
}

async fn shown_again(aws: &Aws) {
    let wait = Wait { reason: "until it is shown again", limit: Duration::from_secs(3_000) };
    let shown = async || Ok((aws.depth("parked").await?.in_flight == 0).then_some(()));
    aws.until(wait, &|_| (), shown).await.unwrap();
}

#[test]
fn what_sqs_refuses_stays_and_is_told() {
    run(async {
        let queues = Queues::new().await;
        put(&queues.aws, "parked", ["one".to_owned()].into_iter()).await;
        let failed = json!({ "Successful": [], "Failed": [
            { "Id": "0", "SenderFault": true, "Code": "InvalidMessageContents", "Message": "not allowed" }] });
        queues.world.wire.fault("sqs.SendMessageBatch", [Answer::ok(&failed)]);
        let redriven = queues.redrive(Selection::default()).await.unwrap();
        assert_eq!((redriven.sent, redriven.left), (0, 1));
        let why: Vec<_> = redriven.refused.values().collect();
        assert_eq!(why, ["not allowed (InvalidMessageContents)"]);
        assert_eq!(queues.counts().await, (1, 0), "at once, for others");

        let left =
            json!({ "Successful": [], "Failed": [{ "Id": "0", "SenderFault": false, "Code": "InternalError" }] });
        queues.world.wire.fault("sqs.DeleteMessageBatch", [Answer::ok(&left), Answer::ok(&left)]);
        let redriven = queues.redrive(Selection::default()).await.unwrap();
        assert_eq!((redriven.sent, redriven.not_removed), (1, 1));
    });
}

#[test]
fn where_all_move_and_sqs_can_it_does() {
    run(async {
        let queues = Queues::new().await;
        assert_eq!(
            queues.aws.move_all("parked", "main", &|| false, &|_| ()).await.unwrap(),
            None,
            "the local AWS cannot"
        );

        let task = |status: &str, moved: u32| {
            Answer::ok(&json!({ "Results": [{ "Status": status, "ApproximateNumberOfMessagesMoved": moved,
                "SourceArn": "arn:aws:sqs:us-east-1:1:parked", "StartedTimestamp": 1 }] }))
        };
        let started = || [Answer::ok(&json!({ "TaskHandle": "handle" }))];
        let wire = &queues.world.wire;
        wire.fault("sqs.StartMessageMoveTask", started());
        wire.fault("sqs.ListMessageMoveTasks", [task("RUNNING", 3), task("COMPLETED", 7)]);
        let told = Cell::new(0);
        let moved = queues.aws.move_all("parked", "main", &|| false, &|moved| told.set(moved)).await.unwrap().unwrap();
        assert_eq!((moved.moved, told.get(), moved.interrupted, &moved.failure), (7, 7, false, &None));

        wire.fault("sqs.StartMessageMoveTask", started());
        wire.fault("sqs.CancelMessageMoveTask", [Answer::ok(&json!({ "ApproximateNumberOfMessagesMoved": 4 }))]);
        wire.fault("sqs.ListMessageMoveTasks", [task("CANCELLING", 4), task("CANCELLED", 5)]);
        let moved = queues.aws.move_all("parked", "main", &|| true, &|_| ()).await.unwrap().unwrap();
        assert_eq!((moved.moved, moved.interrupted), (5, true));

        wire.fault("sqs.StartMessageMoveTask", started());
        wire.fault("sqs.ListMessageMoveTasks", [task("FAILED", 2)]);
        let moved = queues.aws.move_all("parked", "main", &|| false, &|_| ()).await.unwrap().unwrap();
        assert_eq!(moved.failure.as_deref(), Some("FAILED"));

        let words = "There is already a task running.";
        wire.fault("sqs.StartMessageMoveTask", [Answer::json(400, "UnsupportedOperation", words)]);
        let error = queues.aws.move_all("parked", "main", &|| false, &|_| ()).await.unwrap_err().to_string();
        assert!(error.contains("hint: somebody moves"), "{error}");
    });
}
