//! `send`: from files and made up, followed to the last message, interrupted and killed.

use std::fs;
use std::io::{Read, Write};
use std::process::Stdio;
use std::time::Duration;

use pipewright::aws::patience::Wait;
use pipewright::aws::sending::Delivery;
use pipewright::operate::Letter;
use pipewright::operate::pace::Pace;
use serde_json::{Value, json};

use crate::backend::{Answer, World, run};
use crate::cli::{Project, refused, stderr, stdout};
use crate::running::{Running, signal};

fn transaction(id: &str, amount: &str) -> String {
    json!({
        "transaction_id": id, "customer_id": "c", "amount": amount, "currency": "USD",
        "timestamp": "2026-11-22T11:00:00Z",
    })
    .to_string()
}

/// Follows, and gives up in reasonable time should anything be lost.
const WAIT: [&str; 3] = ["--wait", "--patience", "60s"];

fn sent_and_followed(running: &Running, arguments: &[&str]) -> Value {
    running.json(&[&["send"], arguments, &WAIT].concat(), 0)
}

#[test]
fn a_mix_is_accounted_for_to_the_last_message() {
    run(async {
        let running = Running::new(|yaml| yaml).await;
        five_hundred_made_up_transactions(&running);
        files_with_malformed_lines(&running);
        why_each_ended_where_it_did(&running);
        what_the_processor_must_survive(&running);
        what_was_sent_before_is_a_duplicate(&running);
        a_stopped_send_says_what_is_in_the_queue(&running).await;
        a_killed_send_is_sent_again(&running).await;
        what_is_not_processed_is_unaccounted_for(&running).await;
    });
}

fn five_hundred_made_up_transactions(running: &Running) {
    let mix = ["--invalid", "5%", "--duplicate", "3%", "--conflicting", "2%", "--seed", "7"];
    let account = sent_and_followed(running, &[&["--generate", "500"][..], &mix].concat());
    let expected = [
        ("sent", 500),
        ("stored", 450),
        ("rejected", 25),
        ("duplicate", 15),
        ("conflict", 10),
        ("announced", 10),
        ("unaccounted", 0),
    ];
    for (name, count) in expected {
        assert_eq!(account[name], count, "{name} in {account:#}");
    }
    let by_reason = account["rejected_by"].as_object().unwrap();
    assert!(by_reason.values().map(|count| count.as_u64().unwrap()).sum::<u64>() >= 25, "{by_reason:?}");
    let latency = |name: &str| account["latency_ms"][name].as_u64().unwrap();
    assert!(latency("p50") <= latency("p95") && latency("p95") <= latency("p99"));
}

fn files_with_malformed_lines(running: &Running) {
    let lines =
        [&transaction("line-1", "1.50"), "", "{\"transaction_id\": \"broken", &transaction("line-4", "-3"), "[]"];
    let jsonl = running.file("orders.jsonl", &lines.join("\n"));
    let rows = "transaction_id,customer_id,amount,currency,timestamp\nrow-2,c,2000,USD,2026-11-22T11:00:00Z\nrow-3,c\n";
    let csv = running.file("orders.csv", rows);
    let (jsonl, csv) = (jsonl.to_str().unwrap(), csv.to_str().unwrap());

    let strict = running.run(&["send", "--strict", jsonl, csv]);
    refused(
        &strict,
        &["orders.jsonl:3: it is not JSON", "orders.jsonl:5:", "orders.csv:3:", "3 malformed lines", "hint:"],
    );
    let strict = ["send", "--strict", "-", "--output", "json"];
    let mut child = running.command(&strict).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{}\n", transaction("stdin-1", "1")).as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(serde_json::from_str::<Value>(&stdout(&output)).unwrap()["sent"], 1);

    let output = running.run(&[&["send", jsonl, csv, "--output", "json"][..], &WAIT].concat());
    let said = stderr(&output);
    assert!(said.contains("orders.jsonl:3: it is not JSON") && said.contains("; skipped"), "{said}");
    let account: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let count = |name: &str| account[name].as_u64().unwrap();
    let counts = ["sent", "malformed", "stored", "rejected", "announced", "unaccounted"].map(count);
    assert_eq!(counts, [3, 3, 2, 1, 1, 0], "{account:#}");
    assert_eq!(account["rejected_by"], json!({ "not_positive": 1 }));
}

/// `files_with_malformed_lines` sent a small order, a large and an invalid one.
fn why_each_ended_where_it_did(running: &Running) {
    let small = running.json(&["why", "line-1"], 0);
    assert_eq!([&small["verdict"], &small["item"]["amount"]], ["stored", "1.5"], "{small:#}");
    assert_eq!(small["judged_by"]["settings"], "live");
    assert_eq!((&small["announcement"], &small["log"][0]["decision"]), (&Value::Null, &json!("stored")));
    let large = running.json(&["why", "row-2"], 0);
    assert_eq!(large["announcement"]["state"], "sent");
    assert!(large["announcement"]["sent_at"].is_string() && large["log"][0]["announced"] == true, "{large:#}");
    let invalid = running.json(&["why", "line-4"], 0);
    assert_eq!([&invalid["verdict"], &invalid["item"]], [&json!("rejected"), &Value::Null]);
    let reasons = &invalid["quarantine"][0]["reasons"];
    assert_eq!([&reasons[0]["code"], &reasons[0]["at"]], ["not_positive", "/amount"], "{invalid:#}");
    assert_eq!(running.json(&["why", "nobody"], 1)["verdict"], "unknown");

    let said = |id: &str| stdout(&running.run(&["why", id]));
    assert!(said("row-2").contains("stored; announced at ") && said("row-2").contains("the settings in force"));
    assert!(
        said("line-4").contains("rejected: it is in quarantine") && said("line-4").contains("not_positive at /amount")
    );
    assert!(said("nobody").contains("no trace"));
}

fn what_the_processor_must_survive(running: &Running) {
    let file = running.file("odd.jsonl", "{\"transaction_id\": \"broken\nnull\n\"text\"\n[[[[\n\u{feff}{}\n");
    let account = sent_and_followed(running, &["--as-is", file.to_str().unwrap()]);
    assert_eq!([&account["sent"], &account["rejected"], &account["unaccounted"]], [5, 5, 0], "{account:#}");
}

fn what_was_sent_before_is_a_duplicate(running: &Running) {
    let file = running.file("again.jsonl", &transaction("line-1", "1.5"));
    let account = sent_and_followed(running, &[file.to_str().unwrap()]);
    assert_eq!([&account["duplicate"], &account["stored"], &account["unaccounted"]], [1, 0, 0], "{account:#}");
}

/// Waits until a run has stored something.
async fn has_begun(running: &Running, before: usize) {
    let wait = Wait { reason: "until something is stored", limit: Duration::from_secs(60) };
    let stored = async || Ok((running.items().await > before).then_some(()));
    running.aws.until(wait, &|_| (), stored).await.unwrap();
}

async fn a_stopped_send_says_what_is_in_the_queue(running: &Running) {
    let before = running.items().await;
    let child = running.spawn(&["send", "--generate", "100000", "--rate", "100", "--large", "0%", "--output", "json"]);
    has_begun(running, before).await;
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stderr(&output).contains("nothing else was sent"), "{}", stderr(&output));
    let answer: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(answer["interrupted"], true);
    let sent = usize::try_from(answer["sent"].as_u64().unwrap()).unwrap();
    assert!(sent > 0 && sent < 100_000, "{answer}");
    // Exactly as many arrive as it says.
    let wait = Wait { reason: "until all are stored", limit: Duration::from_secs(60) };
    let all = async || Ok((running.items().await == before + sent).then_some(()));
    running.aws.until(wait, &|_| (), all).await.unwrap();
}

async fn a_killed_send_is_sent_again(running: &Running) {
    let before = running.items().await;
    let arguments = ["--generate", "300", "--seed", "9", "--at", "2026-11-26T10:00:00Z"];
    let made = running.run(&[&["send", "--dry-run"], &arguments[..]].concat());
    let file = running.file("made.jsonl", &stdout(&made));
    let file = file.to_str().unwrap();
    let mut child = running.spawn(&["send", file, "--rate", "100", "--wait"]);
    has_begun(running, before).await;
    signal(&child, "-KILL");
    child.wait().unwrap();
    let account = sent_and_followed(running, &[file]);
    assert_eq!([&account["sent"], &account["unaccounted"], &account["conflict"]], [300, 0, 0], "{account:#}");
    assert!(account["duplicate"].as_u64().unwrap() > 0, "some were sent before: {account:#}");
    assert_eq!(running.items().await, before + 300, "and each is stored once");
}

async fn what_is_not_processed_is_unaccounted_for(running: &Running) {
    let function = running.pipeline.function_name();
    let listed = running.aws.lambda.list_event_source_mappings().function_name(function).send().await.unwrap();
    let id = listed.event_source_mappings()[0].uuid().unwrap();
    running.aws.lambda.update_event_source_mapping().uuid(id).enabled(false).send().await.unwrap();
    let output = running.run(&["send", "--generate", "3", "--wait", "--patience", "1s", "--output", "json"]);
    let (account, said): (Value, _) = (serde_json::from_str(&stdout(&output)).unwrap(), stderr(&output));
    let why = "nothing is processed now: the pipeline is stopped";
    assert!(output.status.code() == Some(1) && said.matches(why).count() == 2, "before and after: {said}");
    let counts = ["sent", "stored", "unaccounted", "in_flight"].map(|name| account[name].as_u64().unwrap());
    assert_eq!(counts, [3, 0, 3, 3], "{account:#}");
}

#[test]
fn nothing_is_put_into_a_queue_of_others_nor_taken_out_of_it() {
    run(async {
        let running = Running::new(|yaml| yaml).await;
        for (queue, command) in [
            (running.pipeline.queue_name(), &["send", "--generate", "3"][..]),
            (running.pipeline.queue_name(), &["dead-letters", "redrive"]),
            (running.pipeline.quarantine_name(), &["quarantine", "purge", "--yes"]),
        ] {
            let url = running.aws.queue_url(&queue);
            let untag = running.aws.sqs.untag_queue().queue_url(&url).tag_keys("pipewright:pipeline");
            untag.send().await.unwrap();
            refused(&running.run(command), &[&format!("`queue/{queue}` does not belong to this pipeline"), "hint:"]);
            assert_eq!(running.aws.waiting(&queue).await.unwrap(), 0);
        }
    });
}

#[test]
fn made_up_transactions_are_the_same_again() {
    let project = Project::new(|yaml| yaml);
    let arguments = ["send", "--dry-run", "--generate", "50", "--seed", "3", "--at", "2026-11-26T10:00:00Z"];
    let made = || stdout(&project.command(&arguments).output().unwrap());
    assert_eq!(made().lines().count(), 50);
    assert_eq!(made(), made());
}

#[test]
fn wrong_usage_is_said_before_anybody_is_asked() {
    let project = Project::new(|yaml| yaml);
    let run = |arguments: &[&str]| project.command(arguments).output().unwrap();
    refused(&run(&["send"]), &["<FILE"]);
    refused(&run(&["send", "--generate", "10", "--invalid", "5"]), &["such as `5%`"]);
    refused(&run(&["send", "--generate", "10", "--invalid", "60%", "--duplicate", "30%"]), &["hint:"]);
    refused(&run(&["send", "nowhere.jsonl"]), &["`nowhere.jsonl` cannot be read"]);
    refused(&run(&["send", "-", "-"]), &["once only", "hint:"]);
    refused(&run(&["send", "--as-is", "pipeline.yaml", "--format", "csv"]), &["hint: `--format jsonl`"]);
    refused(&run(&["send", "pipeline.yaml", "--seed", "1"]), &["`--seed` is about made-up", "hint: `--generate N`"]);
}

#[test]
fn a_file_that_ends_in_the_middle_of_a_row_is_no_success() {
    let project = Project::new(|yaml| yaml);
    fs::write(project.path().join("cut.csv"), "transaction_id,amount\nt-1,1\nt-2,\"1\nt-3,1\n").unwrap();
    let output = project.command(&["send", "--dry-run", "cut.csv"]).output().unwrap();
    refused(&output, &["cut.csv cannot be read to its end: line 3", "a quote is not closed"]);
    assert_eq!(stdout(&output).lines().count(), 1, "what comes before is good");
    refused(&project.command(&["send", "--strict", "cut.csv"]).output().unwrap(), &["nothing was sent"]);
}

/// Whoever waits for the account of what he sends sends no more of it once there can be none.
#[test]
fn what_cannot_be_followed_any_more_is_not_sent_to_the_end() {
    const COUNT: u64 = 3_000;
    run(async {
        let running = Running::new(|yaml| yaml).await;
        let count = COUNT.to_string();
        let send = ["send", "--generate", &count, "--rate", "50", "--wait", "--output", "json"];
        let mut child = running.spawn(&send);
        while running.items().await == 0 {
            tokio::task::yield_now().await;
        }
        let table = running.pipeline.table_name();
        running.aws.dynamodb.update_table().table_name(&table).deletion_protection_enabled(false).send().await.unwrap();
        running.aws.dynamodb.delete_table().table_name(&table).send().await.unwrap();
        let mut answer = String::new();
        child.stdout.take().unwrap().read_to_string(&mut answer).unwrap();
        let output = child.wait_with_output().unwrap();
        refused(&output, &["dynamodb:BatchGetItem", "hint: `pipewright plan"]);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(answer["sent"].as_u64().unwrap() < COUNT && answer["interrupted"] == false, "{answer:#}");
    });
}

#[test]
fn what_the_queue_cannot_take_for_a_moment_is_sent_again() {
    run(async {
        let world = World::new().await;
        let pipeline = crate::world::pipeline("version: 1\npipeline: shop\nfunction: { source: lambda }\n");
        let aws = world.hasty(&pipeline);
        aws.sqs.create_queue().queue_name("shop-queue").send().await.unwrap();
        let failed =
            |id: &str, is_ours: bool| json!({ "Id": id, "SenderFault": is_ours, "Code": "Why", "Message": "so" });
        let answer = json!({ "Successful": [], "Failed": [failed("0", false), failed("1", true)] });
        world.wire.fault("sqs.SendMessageBatch", [Answer::ok(&answer)]);
        let (sender, mut letters) = tokio::sync::mpsc::channel(2);
        for body in ["{}", "[]"] {
            sender.send(Letter { body: body.into(), place: "x:1".into() }).await.unwrap();
        }
        drop(sender);
        let mut told = Vec::new();
        let mut on = |delivery: Delivery| match delivery {
            Delivery::Sent { letter, .. } => told.push(format!("{} sent", letter.body)),
            Delivery::Refused { letter, cause } => told.push(format!("{} refused: {cause}", letter.body)),
        };
        let forever = std::future::pending();
        aws.send_all("shop-queue", &mut letters, Pace::new(None), forever, &mut on).await.unwrap();
        told.sort();
        assert_eq!(told, ["[] refused: Why: so", "{} sent"]);
        assert_eq!(aws.waiting("shop-queue").await.unwrap(), 1);
    });
}

#[test]
fn a_pipeline_that_is_not_there_is_said_and_nothing_hangs() {
    run(async {
        let server = crate::backend::Server::shared().await;
        let project = Project::new(|yaml| yaml);
        let mut command = project.command(&["send", "--generate", "5", "--endpoint-url", server.endpoint()]);
        command.env("AWS_ACCESS_KEY_ID", crate::backend::account()).env("AWS_SECRET_ACCESS_KEY", "y");
        refused(
            &command.output().unwrap(),
            &["`queue/ecommerce-transactions-queue` does not exist", "hint: make it with"],
        );
    });
}
