//! Drills: what they prove, what they leave, and what is left of one that was stopped or killed.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, MetricDatum, StateValue, Statistic};
use pipewright::aws::patience::Wait;
use pipewright::aws::rows::Keyed;
use pipewright::aws::writes::Marked;
use pipewright::reconcile::ErrorKind;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::backend::{Answer, run};
use crate::cli::{Project, refused, stderr, stdout};
use crate::running::{Running, signal};

pub async fn until(running: &Running, reason: &str, is_so: impl AsyncFn() -> bool) {
    let wait = Wait { reason, limit: Duration::from_secs(60) };
    running.aws.until(wait, &|_| (), async || Ok(is_so().await.then_some(()))).await.unwrap();
}

/// The temporary queues and subscriptions that there are.
pub async fn left(running: &Running) -> usize {
    let topics: Vec<_> = ["large-orders", "alerts"]
        .map(|key| running.aws.scope.arn("sns", &format!("ecommerce-transactions-{key}")))
        .into();
    running.aws.listeners("pipewright-drill-", &topics).await.unwrap().len()
}

/// How a child ended, and what it said.
pub fn ended(child: Child) -> (Option<i32>, String, String) {
    let output = child.wait_with_output().unwrap();
    (output.status.code(), stdout(&output), stderr(&output))
}

#[test]
fn a_drill_proves_the_pipeline_and_leaves_nothing() {
    run(async {
        let running = Running::new(|yaml| yaml.replace("  prod:\n", "  prod:\n    drills: false\n")).await;
        refused(&running.run(&["drill", "pipeline", "--env", "prod", "--yes"]), &["`prod`", "drills: false", "hint:"]);
        nobody_to_ask(&running).await;
        every_transaction_ends_where_it_belongs(&running).await;
        the_same_seed_and_moment_are_no_second_drill(&running);
        too_few_transactions_try_not_every_kind(&running);
        a_stopped_drill_leaves_nothing_temporary(&running).await;
        a_stopped_drill_removes_what_it_sent(&running).await;
        a_killed_drill_is_cleared_away_by_the_next(&running).await;
        a_drill_that_is_given_up_says_what_may_still_come(&running).await;
        a_paused_pipeline_is_not_rehearsed(&running);
    });
}

async fn nobody_to_ask(running: &Running) {
    let output = running.run(&["drill", "pipeline"]);
    refused(&output, &["nobody to ask", "--yes"]);
    let said = stderr(&output);
    for word in ["200 transactions", "email sales@example.com", "alarms that may go off", "email oncall@example.com"] {
        assert!(said.contains(word), "`{word}` is missing in: {said}");
    }
    assert_eq!((left(running).await, running.items().await), (0, 0), "and nothing was done");
}

async fn every_transaction_ends_where_it_belongs(running: &Running) {
    let answer = running.json(&["drill", "pipeline", "-n", "200", "--seed", "5", "--remove", "--yes"], 0);
    assert_eq!(answer["faults"], json!([]), "{answer:#}");
    let count = |name: &str| answer[name].as_u64().unwrap();
    let counts =
        ["sent", "stored", "rejected", "duplicate", "conflict", "announced", "heard", "unaccounted"].map(count);
    assert_eq!(counts, [200, 180, 10, 6, 4, 10, 10, 0], "{answer:#}");
    assert_eq!((left(running).await, running.items().await), (0, 0));
    assert_eq!(running.aws.waiting(&running.pipeline.quarantine_name()).await.unwrap(), 0, "its messages are removed");
}

fn the_same_seed_and_moment_are_no_second_drill(running: &Running) {
    let drill = ["drill", "pipeline", "-n", "5", "--seed", "7", "--at", "2026-11-26T10:00:00Z", "--yes"];
    assert_eq!(running.run(&drill).status.code(), Some(0));
    refused(&running.run(&drill), &["`drill-7-", "in the table already", "hint:"]);
}

fn too_few_transactions_try_not_every_kind(running: &Running) {
    let answer = running.json(&["drill", "pipeline", "-n", "15", "--remove", "--yes"], 0);
    assert_eq!(answer["not_tried"], json!(["duplicate", "conflicting"]), "{answer:#}");
}

async fn a_stopped_drill_leaves_nothing_temporary(running: &Running) {
    let before = running.items().await;
    let child = running.spawn(&["drill", "pipeline", "-n", "5000", "--rate", "50", "--yes", "--output", "json"]);
    until(running, "until it has begun", async || running.items().await > before).await;
    assert_eq!(left(running).await, 1);
    signal(&child, "-INT");
    let (status, answer, said) = ended(child);
    assert_eq!(status, Some(130), "{said}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["interrupted"], true);
    assert!(said.contains("interrupted: "), "{said}");
    assert_eq!(left(running).await, 0);
    still(running).await;
}

/// Waits until nothing is under way any more.
pub async fn still(running: &Running) {
    let queue = running.pipeline.queue_name();
    until(running, "until nothing is under way", async || running.aws.waiting(&queue).await.unwrap() == 0).await;
}

/// Items, and messages in the quarantine queue.
async fn kept(running: &Running) -> (usize, usize) {
    let quarantine = running.pipeline.quarantine_name();
    (running.items().await, running.aws.depth(&quarantine).await.unwrap().all())
}

/// What has come by the time of the interruption, and what comes after it.
async fn a_stopped_drill_removes_what_it_sent(running: &Running) {
    let before = kept(running).await;
    let drill = ["drill", "pipeline", "-n", "100000", "--rate", "100", "--invalid", "20%", "--remove", "--yes"];
    let child = running.spawn(&[&drill[..], &["--output", "json"]].concat());
    until(running, "until it has begun", async || running.items().await > before.0).await;
    signal(&child, "-INT");
    let (status, answer, said) = ended(child);
    assert_eq!(status, Some(130), "{said}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((&answer["removed"], &answer["unaccounted"]), (&json!(true), &json!(0)), "{answer:#}{said}");
    still(running).await;
    assert_eq!((kept(running).await, left(running).await), (before, 0), "{answer:#}{said}");
}

/// Nothing is processed for a while.
pub async fn paused(running: &Running, is_so: impl AsyncFnOnce()) {
    assert_eq!(running.run(&["pause"]).status.code(), Some(0));
    is_so().await;
    assert_eq!(running.run(&["resume"]).status.code(), Some(0));
}

async fn a_drill_that_is_given_up_says_what_may_still_come(running: &Running) {
    let before = kept(running).await;
    let drill = ["drill", "pipeline", "-n", "3000", "--rate", "200", "--remove", "--patience", "3s", "--yes"];
    let child = running.spawn(&[&drill[..], &["--output", "json"]].concat());
    until(running, "until it has begun", async || running.items().await > before.0).await;
    paused(running, async || {
        let (status, answer, said) = ended(child);
        assert_eq!(status, Some(1), "{answer}{said}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["removed"], false);
        assert!(
            answer["faults"].to_string().contains("nothing is processed now: the pipeline is paused"),
            "{answer:#}"
        );
        assert!(said.contains("may still become items whose ids begin with drill-"), "{said}");
        assert!(said.contains("left behind: queue pipewright-drill-"), "{said}");
        assert_eq!(left(running).await, 1);
    })
    .await;
    still(running).await;
    assert_eq!(running.run(&["drill", "alarm", "function-errors", "--yes"]).status.code(), Some(0));
    assert_eq!((kept(running).await, left(running).await), (before, 0), "the next one removes it");
}

fn a_paused_pipeline_is_not_rehearsed(running: &Running) {
    assert_eq!(running.run(&["pause"]).status.code(), Some(0));
    let output = running.run(&["drill", "pipeline", "--yes"]);
    refused(&output, &["nothing is processed now: the pipeline is paused since", "hint: `pipewright resume"]);
}

async fn a_killed_drill_is_cleared_away_by_the_next(running: &Running) {
    let before = kept(running).await;
    let drill = ["drill", "pipeline", "-n", "5000", "--rate", "50", "--invalid", "20%", "--remove", "--yes"];
    let mut child = running.spawn(&drill);
    let has_left = async || {
        let now = kept(running).await;
        now.0 > before.0 && now.1 > before.1
    };
    until(running, "until it has left items and messages", has_left).await;
    refused(&running.run(&["drill", "pipeline", "--yes"]), &["is under way", "hint:"]);
    signal(&child, "-KILL");
    child.wait().unwrap();
    assert_eq!(left(running).await, 1, "nobody took it away");
    still(running).await;
    let next = running.run(&["drill", "pipeline", "-n", "20", "--remove", "--yes"]);
    assert_eq!(next.status.code(), Some(0), "{}{}", stdout(&next), stderr(&next));
    assert!(stderr(&next).contains("was killed"), "{}", stderr(&next));
    assert!(stderr(&next).contains("its items, its quarantined messages and"), "{}", stderr(&next));
    assert_eq!((kept(running).await, left(running).await), (before, 0));
}

async fn state(running: &Running, alarm: &str) -> String {
    running.aws.alarm(&format!("ecommerce-transactions-{alarm}")).await.unwrap().unwrap().state
}

#[test]
fn alarms_are_rehearsed_and_set_back() {
    run(async {
        let running = Running::new(|yaml| yaml).await;
        refused(&running.run(&["drill", "alarm", "nothing", "--yes"]), &["`nothing`", "dead-letters"]);
        every_alarm_s_message_arrives(&running).await;
        an_alarm_without_its_message(&running).await;
        an_alarm_that_is_off_is_left_alone(&running).await;
        let local = running.project.command(&["drill", "writes", "--yes", "--local"]).output().unwrap();
        refused(&local, &["the local AWS measures no table", "hint:"]);
        the_write_alarm_goes_off_and_comes_back(&running).await;
        stopped_writes_are_removed_and_killed_ones_by_the_next(&running).await;
        refused_writes_of_others_stop_it(&running).await;
    });
}

async fn every_alarm_s_message_arrives(running: &Running) {
    let before = state(running, "dead-letters").await;
    let answer = running.json(&["drill", "alarm", "--all", "--yes"], 0);
    let alarms = answer["alarms"].as_array().unwrap();
    assert_eq!(alarms.len(), running.pipeline.alarms.len());
    assert!(alarms.iter().all(|alarm| alarm["verdict"] == "arrived"), "{answer:#}");
    let writes = alarms.iter().find(|alarm| alarm["alarm"] == "write-capacity").unwrap();
    assert!(writes["words"].as_str().unwrap().starts_with("2 of 2 "), "its end is told, too: {answer:#}");
    assert_eq!(state(running, "dead-letters").await, before);
    assert_eq!(left(running).await, 0);
}

/// The states of all alarms.
async fn states(running: &Running) -> Vec<String> {
    let mut states = Vec::new();
    for key in running.pipeline.alarms.keys() {
        states.push(state(running, key.as_str()).await);
    }
    states
}

/// Takes the drill's subscription to a topic away, so that it hears no more of it.
pub async fn deafen(running: &Running, topic: &str) {
    let topic = running.aws.scope.arn("sns", &format!("ecommerce-transactions-{topic}"));
    let sns = &running.aws.sns;
    until(running, "until its subscription is gone", async || {
        let listed = sns.list_subscriptions_by_topic().topic_arn(&topic).send().await.unwrap();
        let mut gone = false;
        for one in listed.subscriptions() {
            if one.endpoint().unwrap().contains("pipewright-drill-") {
                sns.unsubscribe().subscription_arn(one.subscription_arn().unwrap()).send().await.unwrap();
                gone = true;
            }
        }
        gone
    })
    .await;
}

/// A drill whose messages nobody hears any more: one alarm stays off.
async fn deaf(running: &Running) -> Child {
    let child = running.spawn(&["drill", "alarm", "--all", "--yes"]);
    deafen(running, "alerts").await;
    let is_off = async || states(running).await.iter().any(|state| state == "ALARM");
    until(running, "until one is off", is_off).await;
    child
}

/// Stopped, killed, and cleared away by the next.
async fn an_alarm_without_its_message(running: &Running) {
    let before = states(running).await;
    let child = deaf(running).await;
    signal(&child, "-INT");
    let (status, _, said) = ended(child);
    assert_eq!((status, left(running).await), (Some(130), 0), "{said}");
    assert_eq!(states(running).await, before);

    let mut child = deaf(running).await;
    signal(&child, "-KILL");
    child.wait().unwrap();
    let next = running.run(&["drill", "alarm", "function-errors", "--yes"]);
    assert_eq!(next.status.code(), Some(0), "{}", stderr(&next));
    let said = stderr(&next);
    assert!(said.contains("was killed") && said.contains("the state of alarm ecommerce-transactions-"), "{said}");
    assert!(stdout(&next).contains("arrived"));
    assert_eq!((states(running).await, left(running).await), (before, 0));
}

/// Whoever agrees agrees to what the file says.
#[test]
fn an_alarm_that_is_not_ours_or_does_more_than_the_file_says_is_not_set_off() {
    run(async {
        let running = Running::new(|yaml| yaml).await;
        let name = |key: &str| format!("ecommerce-transactions-{key}");
        let alerts = running.aws.scope.arn("sns", &name("alerts"));
        let stop = "arn:aws:automate:us-east-1:ec2:stop";
        let put = |key: &str, action: &str| {
            let put = running.aws.cloudwatch.put_metric_alarm().alarm_name(name(key)).namespace("AWS/SQS");
            let put = put.metric_name("ApproximateNumberOfMessagesVisible").statistic(Statistic::Maximum).period(60);
            let put = put.evaluation_periods(1).threshold(0.0);
            put.comparison_operator(ComparisonOperator::GreaterThanThreshold)
                .alarm_actions(&alerts)
                .alarm_actions(action)
        };
        put("dead-letters", stop).send().await.unwrap();
        let output = running.run(&["drill", "alarm", "dead-letters", "--yes"]);
        refused(&output, &["`dead-letters` has actions that the file does not", stop, "hint:"]);
        refused(&running.run(&["drill", "alarm", "--all", "--yes"]), &["`dead-letters`"]);
        assert_ne!(state(&running, "dead-letters").await, "ALARM");

        let yaml = std::fs::read_to_string(running.project.path().join("pipeline.yaml")).unwrap();
        let new = "  newone: { metric: queue.oldest_message_age, above: 5m, notify: large-orders }\n";
        running.file("pipeline.yaml", &yaml.replace("alarms:\n", &format!("alarms:\n{new}")));
        refused(&running.run(&["drill", "alarm", "newone", "--yes"]), &["`alarm/", "newone` does not exist", "apply"]);
        put("newone", &alerts).send().await.unwrap();
        refused(&running.run(&["drill", "alarm", "newone", "--yes"]), &["does not belong to this pipeline", "hint:"]);
        assert_ne!(state(&running, "newone").await, "ALARM");

        let other = "oldest-message: { metric: queue.oldest_message_age, above: 5m, for: 3 of 5, notify: ";
        running.file("pipeline.yaml", &yaml.replace(&format!("{other}alerts"), &format!("{other}large-orders")));
        let output = running.run(&["drill", "alarm", "oldest-message", "--yes"]);
        refused(&output, &["`oldest-message` has actions that the file does not", "alerts", "hint:"]);
        assert_ne!(state(&running, "oldest-message").await, "ALARM");

        running.file(
            "pipeline.yaml",
            &yaml.replace("above: 0, notify: alerts }", "above: 0, notify: alerts, enabled: false }"),
        );
        let output = running.run(&["drill", "alarm", "function-errors", "--yes"]);
        refused(&output, &["`function-errors` has its actions on, and the file switches them off", "hint:"]);
        assert_eq!(left(&running).await, 0);
    });
}

async fn set(running: &Running, alarm: &str, state: StateValue) {
    let name = format!("ecommerce-transactions-{alarm}");
    let call = running.aws.cloudwatch.set_alarm_state().alarm_name(name).state_value(state).state_reason("a test");
    call.send().await.unwrap();
}

async fn an_alarm_that_is_off_is_left_alone(running: &Running) {
    set(running, "oldest-message", StateValue::Alarm).await;
    let answer = running.json(&["drill", "alarm", "oldest-message", "--yes"], 1);
    assert_eq!(answer["alarms"][0]["verdict"], "left_alone", "{answer:#}");
    assert_eq!(state(running, "oldest-message").await, "ALARM");
}

/// The local AWS measures no table: the test sets the alarm in CloudWatch's place.
async fn the_write_alarm_goes_off_and_comes_back(running: &Running) {
    let mut child = running.spawn(&["drill", "writes", "--yes", "--output", "json"]);
    until(running, "until it writes", async || running.items().await > 1).await;
    set(running, "write-capacity", StateValue::Alarm).await;
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("alarm write-capacity went off after")));
    // It goes on writing, seldom, until the alarm is over.
    set(running, "write-capacity", StateValue::Ok).await;
    let said: Vec<_> = lines.collect();
    let (status, answer, _) = ended(child);
    assert_eq!(status, Some(0), "{answer}{said:?}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert!(answer["went_off_after_seconds"].is_number() && answer["over_after_seconds"].is_number(), "{answer:#}");
    assert!(answer["units"].as_u64().unwrap() > 1, "{answer:#}");
    assert_eq!((running.items().await, left(running).await), (0, 0), "the items are removed");
}

async fn stopped_writes_are_removed_and_killed_ones_by_the_next(running: &Running) {
    let child = running.spawn(&["drill", "writes", "--yes", "--output", "json"]);
    until(running, "until it writes", async || running.items().await > 1).await;
    signal(&child, "-INT");
    let (status, answer, said) = ended(child);
    assert_eq!(status, Some(130), "{said}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((&answer["removed"], &answer["went_off_after_seconds"]), (&json!(true), &Value::Null), "{answer:#}");
    assert!(answer["items"].as_u64() > Some(1) && answer["units"] == answer["items"], "{answer:#}");
    assert_eq!((running.items().await, left(running).await), (0, 0));

    let mut child = running.spawn(&["drill", "writes", "--yes"]);
    until(running, "until it writes", async || running.items().await > 1).await;
    signal(&child, "-KILL");
    child.wait().unwrap();
    assert!(running.items().await > 0 && left(running).await == 1);
    let next = running.run(&["drill", "alarm", "function-errors", "--yes"]);
    assert!(stderr(&next).contains("was killed"), "{}", stderr(&next));
    assert_eq!((running.items().await, left(running).await), (0, 0));
}

async fn refused_writes_of_others_stop_it(running: &Running) {
    let child = running.spawn(&["drill", "writes", "--yes", "--output", "json"]);
    until(running, "until it writes", async || running.items().await > 1).await;
    let table = Dimension::builder().name("TableName").value(running.pipeline.table_name()).build();
    let datum = MetricDatum::builder().metric_name("WriteThrottleEvents").dimensions(table).value(3.0).build();
    running.aws.cloudwatch.put_metric_data().namespace("AWS/DynamoDB").metric_data(datum).send().await.unwrap();
    let (status, answer, said) = ended(child);
    assert_eq!(status, Some(1), "{said}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert!(answer["stopped"].as_str().unwrap().contains("refused for lack of capacity"), "{answer:#}");
    assert_eq!((running.items().await, left(running).await), (0, 0));
    let again = running.run(&["drill", "writes", "--yes"]);
    refused(&again, &["refused for lack of capacity", "nothing was written", "hint:"]);
}

/// Between the program and AWS, until it is cut.
struct Cable {
    endpoint: String,
    plugged: JoinHandle<()>,
}

impl Cable {
    async fn to(endpoint: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (to, from) = (endpoint.trim_start_matches("http://").to_owned(), listener.local_addr().unwrap());
        let plugged = tokio::spawn(async move {
            let mut wires = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let mut far = TcpStream::connect(&to).await.unwrap();
                wires.spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
            }
        });
        Self { endpoint: format!("http://{from}"), plugged }
    }

    async fn cut(self) {
        self.plugged.abort();
        let _ = self.plugged.await;
    }
}

#[test]
fn a_drill_that_loses_aws_says_what_it_knows_why_and_what_is_left_of_it() {
    run(async {
        let running = Running::new(|yaml| yaml).await;
        let cable = Cable::to(running.world.server.endpoint()).await;
        let drill = ["drill", "pipeline", "-n", "5000", "--rate", "50", "--remove", "--yes", "--output", "json"];
        let mut command = running.project.command(&[&drill[..], &["--endpoint-url", &cable.endpoint]].concat());
        command.env("AWS_ACCESS_KEY_ID", &running.world.scope.account).env("AWS_SECRET_ACCESS_KEY", "y");
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        until(&running, "until it has begun", async || running.items().await > 0).await;
        cable.cut().await;
        let (status, answer, said) = ended(child);
        assert_eq!(status, Some(1), "{said}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(answer["sent"].as_u64().unwrap() > 0 && answer["removed"] == false, "{answer:#}");
        let (behind, why) = said.split_once("error: no answer to ").unwrap();
        assert!(behind.contains("left behind: queue pipewright-drill-"), "{said}");
        assert!(behind.contains("its items, its quarantined messages and its dead letters; the next drill"), "{said}");
        assert!(!why.starts_with("sns:Unsubscribe"), "the first error counts: {said}");
        still(&running).await;
        let next = running.run(&["drill", "alarm", "function-errors", "--yes"]);
        assert!(stderr(&next).contains("was killed or cut off"), "{}", stderr(&next));
        assert_eq!((kept(&running).await, left(&running).await), ((0, 0), 0));
    });
}

#[test]
fn a_write_that_is_refused_for_lack_of_capacity_is_not_tried_again() {
    run(async {
        let world = crate::backend::World::new().await;
        let pipeline = crate::world::pipeline("version: 1\npipeline: shop\nfunction: { source: lambda }\n");
        let aws = world.aws(&pipeline);
        let refusal = || Answer::json(400, "ProvisionedThroughputExceededException", "too much");
        world.wire.fault("dynamodb.PutItem", [refusal(), refusal()]);
        let item = Marked { id: "drill-writes-000000", units: 1, expiry: None };
        let table = Keyed { table: "shop-transactions", key: "transaction_id" };
        let error = aws.write_marked(table, &item).await.unwrap_err();
        assert_eq!((error.kind, world.wire.calls().len()), (ErrorKind::Throttled, 1), "{error}");
    });
}

#[test]
fn what_a_drill_of_writes_would_do_is_shown_without_asking_anybody() {
    let project = Project::new(|yaml| yaml.replace("  prod:\n", "  prod:\n    drills: false\n"));
    let output = project.command(&["drill", "writes", "--dry-run", "--env", "prod"]).output().unwrap();
    let shown = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for word in
        ["alarm write-capacity", "4.50 write units a second", "duration: up to", "cost: up to ", "paid for by the hour"]
    {
        assert!(shown.contains(word), "`{word}` is missing in: {shown}");
    }
    let json = project.command(&["drill", "writes", "--dry-run", "--output", "json"]).output().unwrap();
    let json: Value = serde_json::from_str(&stdout(&json)).unwrap();
    assert_eq!([&json["alarm"], &json["dollars"]], [&json!("write-capacity"), &Value::Null]);
    let none = Project::new(|yaml| {
        yaml.replace("metric: table.consumed_writes, above: 80%", "metric: table.throttled_writes, above: 1")
    });
    refused(&none.command(&["drill", "writes", "--dry-run"]).output().unwrap(), &["no alarm", "hint:"]);
}
