//! `status`, `logs` and `graph` on a running pipeline: what they say follows what happens to it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::time::SystemTime;

use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StateValue};
use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use aws_smithy_types::DateTime;
use pipewright::aws::log_lines::Wanted;
use serde_json::{Value, json};

use crate::backend::{World, run};
use crate::cli::{Project, refused, stderr, stdout};
use crate::pty::{CTRL_C, CTRL_Z, Screen, shell};
use crate::running::{Running, signal};
use crate::world::pipeline;

fn transaction(id: &str, amount: &str) -> String {
    json!({
        "transaction_id": id, "customer_id": "c", "amount": amount, "currency": "USD",
        "timestamp": "2026-11-22T11:00:00Z",
    })
    .to_string()
}

#[test]
fn a_pipeline_is_watched_from_healthy_to_stopped() {
    run(async {
        let running = Running::new(|yaml| yaml).await;
        it_is_healthy_and_says_what_it_does_not_know(&running);
        let bodies = [transaction("small", "1.5"), transaction("large", "2000"), transaction("bad\\\"id", "-1")];
        let file = running.file("orders.jsonl", &bodies.join("\n"));
        running.json(&["send", "--as-is", file.to_str().unwrap(), "--wait", "--patience", "60s"], 0);
        the_log_is_readable(&running);
        the_log_is_followed(&running);
        metrics_are_shown_where_there_are_some(&running).await;
        a_page_is_written_whole_or_not_at_all(&running);
        it_is_drawn_as_it_is(&running);
        trouble_shows_and_ends_with_one(&running).await;
        a_watch_goes_on_until_it_is_stopped(&running);
        a_watch_on_a_terminal_takes_the_screen_and_gives_it_back(&running).await;
        a_watch_follows_the_size_of_its_window(&running).await;
        a_watch_in_the_background_leaves_the_terminal_to_the_shell(&running).await;
        what_stops_it_is_bad(&running).await;
    });
}

const CODE: &str = "update function/ecommerce-transactions-processor";

fn part<'a>(status: &'a Value, role: &str) -> &'a Value {
    status["parts"].as_array().unwrap().iter().find(|part| part["role"] == role).unwrap()
}

fn it_is_healthy_and_says_what_it_does_not_know(running: &Running) {
    let status = running.json(&["status"], 0);
    // The test's apply calls the code by another name than its sources have.
    assert_eq!([&status["healthy"], &status["drift"]["steps"]], [&json!(true), &json!([CODE])], "{status:#}");
    assert_eq!(part(&status, "mapping")["word"], "Enabled");
    assert_eq!(part(&status, "table")["word"], "ACTIVE");
    let facts = &part(&status, "queue")["facts"];
    assert_eq!(facts[2], json!({ "label": "oldest", "value": "not told" }), "no metric, no number: {facts}");
    let said = stdout(&running.run(&["status"]));
    assert!(
        said.contains("! healthy, with 1 thing to look at")
            && said.contains("no values in the last hour: messages waiting"),
        "{said}"
    );
}

fn the_log_is_readable(running: &Running) {
    let said = stdout(&running.run(&["logs"]));
    assert!(said.contains("info   stored    small") && said.contains("large  announced"), "{said}");
    assert!(said.contains("warn   rejected  bad\\\"id  not_positive"), "{said}");
    assert!(!said.contains("_aws") && !said.contains("START RequestId"), "{said}");
    let warn = stdout(&running.run(&["logs", "--level", "warn"]));
    assert_eq!(warn.lines().count(), 1, "{warn}");
    let lambda = stdout(&running.run(&["logs", "--level", "debug"]));
    assert!(lambda.contains("lambda REPORT RequestId"), "{lambda}");
    let one = stdout(&running.run(&["logs", "--transaction", "large", "--output", "json"]));
    let line: Value = serde_json::from_str(one.trim_end()).unwrap();
    assert_eq!([&line["decision"], &line["announced"]], [&json!("stored"), &json!(true)], "as the function wrote it");
    let none = running.run(&["logs", "--transaction", "larg"]);
    assert_eq!((none.status.code(), stdout(&none).as_str()), (Some(0), ""));
}

fn the_log_is_followed(running: &Running) {
    let mut child = running.spawn(&["logs", "--follow"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("small")), "what was written before");
    let file = running.file("later.jsonl", &transaction("later", "3"));
    running.json(&["send", file.to_str().unwrap(), "--wait", "--patience", "60s"], 0);
    let before: Vec<_> = lines.by_ref().take_while(|line| !line.contains("later")).collect();
    assert!(!before.iter().any(|line| line.contains("small")), "each line once: {before:#?}");
    signal(&child, "-INT");
    assert_eq!(lines.next(), None);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(!said.contains("stopping") && !said.contains("error"), "{said}");
}

async fn metrics_are_shown_where_there_are_some(running: &Running) {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let at = DateTime::from_secs(i64::try_from(seconds).unwrap() - 120);
    let put = async |at: DateTime, namespace: &str, dimension: (&str, &str), values: &[(&str, f64)]| {
        let dimension = Dimension::builder().name(dimension.0).value(dimension.1).build();
        let data = values.iter().map(|(name, value)| {
            MetricDatum::builder().metric_name(*name).dimensions(dimension.clone()).timestamp(at).value(*value).build()
        });
        let call = running.aws.cloudwatch.put_metric_data().namespace(namespace).set_metric_data(Some(data.collect()));
        call.send().await.unwrap();
    };
    let (queue, function) = (running.pipeline.queue_name(), running.pipeline.function_name());
    put(at, "AWS/SQS", ("QueueName", &queue), &[("ApproximateAgeOfOldestMessage", 42.0)]).await;
    put(at, "AWS/Lambda", ("FunctionName", &function), &[("Invocations", 8.0), ("Errors", 2.0)]).await;
    running.world.wire.clear();
    let status = running.json(&["status"], 0);
    assert_eq!(part(&status, "queue")["facts"][2]["value"], "42 s");
    let function = part(&status, "function");
    assert_eq!(function["facts"][0], json!({ "label": "error rate", "value": "25.0 % of 8" }), "{function:#}");
    assert_eq!(function["state"], "attention");
    let said = stdout(&running.run(&["status"]));
    assert!(said.contains("age of the oldest message") && said.contains("now 42 s, most 42 s"), "{said}");
    let (before, queue) = (DateTime::from_secs(at.secs() - 1_200), running.pipeline.queue_name());
    put(before, "AWS/SQS", ("QueueName", &queue), &[("ApproximateAgeOfOldestMessage", 90.0)]).await;
    let said = stdout(&running.run(&["status", "--since", "14d"]));
    assert!(said.contains("oldest 42 s") && said.contains("now 42 s, most 90 s"), "{said}");
}

fn a_page_is_written_whole_or_not_at_all(running: &Running) {
    assert_eq!(running.run(&["status", "--html", "page.html"]).status.code(), Some(0));
    let page = fs::read_to_string(running.project.path().join("page.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    for (sort, words) in [("loads", "src="), ("loads", "url("), ("links", "href="), ("runs", "<script")] {
        assert!(!page.contains(words), "the page {sort} something: {words}");
    }
    assert!(page.contains("viewBox") && page.contains("prefers-color-scheme:dark") && page.contains("42 s"));
    refused(&running.run(&["status", "--html", "pipeline.yaml"]), &["own file", "hint:"]);
    refused(&running.run(&["status", "--html", "/nonexistent/page.html"]), &["cannot be written", "hint:"]);
}

fn it_is_drawn_as_it_is(running: &Running) {
    let live = stdout(&running.run(&["graph", "--live"]));
    assert!(live.contains("✓ queue") && live.contains("function processor  [batches of 10] · Active"), "{live}");
    let configured = stdout(&running.run(&["graph"]));
    assert!(!configured.contains('✓') && configured.contains("[failed 5×] · kept 14 d"), "{configured}");
    for (format, begin) in
        [("svg", "<?xml"), ("mermaid", "flowchart LR"), ("dot", "digraph \"ecommerce-transactions\"")]
    {
        let drawn = stdout(&running.run(&["graph", "--live", "--format", format]));
        assert!(drawn.starts_with(begin) && drawn.contains("large-orders"), "{drawn}");
    }
}

async fn trouble_shows_and_ends_with_one(running: &Running) {
    let alarm = "ecommerce-transactions-dead-letters";
    let call = running.aws.cloudwatch.set_alarm_state().alarm_name(alarm).state_value(StateValue::Alarm);
    call.state_reason("12 dead letters").send().await.unwrap();
    let url = running.aws.queue_url(&running.pipeline.queue_name());
    let retention = aws_sdk_sqs::types::QueueAttributeName::MessageRetentionPeriod;
    running.aws.sqs.set_queue_attributes().queue_url(url).attributes(retention, "60").send().await.unwrap();
    let mappings = running.aws.lambda.list_event_source_mappings().send().await.unwrap();
    let id = mappings.event_source_mappings()[0].uuid().unwrap();
    running.aws.lambda.update_event_source_mapping().uuid(id).enabled(false).send().await.unwrap();

    let status = running.json(&["status"], 1);
    assert_eq!([&status["healthy"], &status["state"]], [&json!(false), &json!("bad")]);
    assert_eq!(part(&status, "mapping")["state"], "bad");
    assert_eq!(status["drift"]["steps"], json!(["update queue/ecommerce-transactions-queue", CODE]));
    let said = stdout(&running.run(&["status"]));
    for words in ["✗ not healthy", "raised: 12 dead letters", "the pipeline is stopped", "AWS is not as the file says"]
    {
        assert!(said.contains(words), "`{words}` is missing in {said}");
    }
    let drawn = stdout(&running.run(&["graph", "--live"]));
    assert!(drawn.contains("mapping Disabled") && drawn.contains("✗ alarm dead-letters"), "{drawn}");
}

/// Not on a terminal: one state below the other; in JSON, one a line.
fn a_watch_goes_on_until_it_is_stopped(running: &Running) {
    let mut child =
        running.spawn(&["status", "--watch", "--interval", "1", "--output", "json", "--html", "watched.html"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    for _ in 0..2 {
        let status: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
        assert_eq!(status["healthy"], false);
    }
    signal(&child, "-INT");
    assert!(lines.all(|line| serde_json::from_str::<Value>(&line).is_ok()), "no half answer");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(fs::read_to_string(running.project.path().join("watched.html")).unwrap().ends_with("</html>\n"));
}

#[test]
fn what_is_not_applied_is_not_healthy_and_has_no_live_drawing() {
    run(async {
        let server = crate::backend::Server::shared().await;
        let (project, account) = (Project::new(|yaml| yaml), crate::backend::account());
        let run = |arguments: &[&str]| {
            let mut command = project.command(&[arguments, &["--endpoint-url", server.endpoint()]].concat());
            command.env("AWS_ACCESS_KEY_ID", &account).env("AWS_SECRET_ACCESS_KEY", "y").output().unwrap()
        };
        let status = run(&["status"]);
        assert_eq!(status.status.code(), Some(1), "{}", stderr(&status));
        let said = stdout(&status);
        assert!(said.contains("✗ not applied yet") && !said.contains("missing"), "said once: {said}");
        // As it is printed, the command finds the same AWS.
        let apply = format!("`pipewright apply --endpoint-url {}` makes it", server.endpoint());
        assert!(said.contains(&apply), "{said}");
        assert_eq!(run(&["status", "--html", "page.html"]).status.code(), Some(1));
        let page = fs::read_to_string(project.path().join("page.html")).unwrap();
        assert!(page.contains("<svg") && !page.contains("viewBox=\"0 0 1008 -"), "drawn as the file says");
        refused(&run(&["graph", "--live"]), &["nothing of", &format!("hint: {apply}")]);
        let logs = run(&["logs"]);
        assert_eq!((logs.status.code(), stdout(&logs).as_str()), (Some(0), ""), "{}", stderr(&logs));
    });
}

const TAKEN: &str = "\u{1b}[?1049h\u{1b}[?25l";
const GIVEN_BACK: &str = "\u{1b}[?25h\u{1b}[?1049l";
const FRAME: &str = "\u{1b}[H";
const END_OF_FRAME: &str = "\u{1b}[J";

/// No frame is larger than the window, and Ctrl-Z leaves the shell a terminal that can be used.
async fn a_watch_on_a_terminal_takes_the_screen_and_gives_it_back(running: &Running) {
    let mut command = running.command(&["status", "--watch", "--interval", "1"]);
    command.env("NO_COLOR", "1");
    let mut screen = Screen::new(command, 16, 60);
    screen.shows_often(FRAME, 2).await;
    screen.press(CTRL_Z).await;
    screen.goes_on().await;
    screen.shows(&format!("{GIVEN_BACK}{TAKEN}")).await;
    screen.press(CTRL_C).await;
    let (drawn, status) = screen.end().await;
    assert_eq!(status, 130, "{drawn}");
    assert!(drawn.contains(TAKEN) && drawn.contains("not healthy"), "{drawn:?}");
    assert!(drawn.contains("more lines: make the window higher"), "{drawn:?}");
    assert!(drawn.ends_with(GIVEN_BACK), "{drawn:?}");
    let frame = drawn.split(FRAME).nth(1).unwrap().replace("\u{1b}[K", "");
    let lines: Vec<_> = frame.split(END_OF_FRAME).next().unwrap().lines().collect();
    assert!(lines.len() == 16 && lines.iter().all(|line| line.chars().count() <= 60), "{lines:#?}");
}

/// For each size, not only from the next look on.
async fn a_watch_follows_the_size_of_its_window(running: &Running) {
    let mut command = running.command(&["status", "--watch", "--interval", "1h"]);
    command.env("NO_COLOR", "1");
    let mut screen = Screen::new(command, 16, 60);
    screen.shows_often("not healthy", 1).await;
    screen.resize(200, 100);
    // Ctrl-C takes from the terminal what was not read yet.
    screen.shows_often(END_OF_FRAME, 2).await;
    screen.press(CTRL_C).await;
    let (drawn, _) = screen.end().await;
    let (_, high) = drawn.rsplit_once(FRAME).unwrap();
    assert!(!high.contains("make the window higher") && high.contains("drift"), "{drawn:?}");
    let frame = high.split(END_OF_FRAME).next().unwrap().replace("\u{1b}[K", "");
    let widest = frame.lines().map(|line| line.chars().count()).max().unwrap();
    assert!((61..=100).contains(&widest), "{frame}");
}

/// It looks on, and draws when it is in the foreground again.
async fn a_watch_in_the_background_leaves_the_terminal_to_the_shell(running: &Running) {
    let watch = running.command(&["status", "--watch", "--interval", "1", "--html", "background.html"]);
    let mut screen = Screen::new(shell(r#""$@"; bg; echo in the back; read line; echo "$line"; fg"#, &watch), 16, 60);
    screen.shows(FRAME).await;
    screen.press(CTRL_Z).await;
    screen.shows("in the back").await;
    let page = running.project.path().join("background.html");
    for _ in 0..2 {
        fs::remove_file(&page).unwrap();
        screen.until(|| page.exists()).await;
    }
    screen.press("to the front\n").await;
    screen.shows_often(TAKEN, 2).await;
    let (_, after) = screen.shown.split_once(GIVEN_BACK).unwrap();
    let (between, _) = after.split_once(TAKEN).unwrap();
    assert!(between.contains("to the front") && !between.contains(FRAME), "{:?}", screen.shown);
    screen.press(CTRL_C).await;
    let (drawn, status) = screen.end().await;
    assert_eq!(status, 130, "{drawn:?}");
    assert!(drawn.contains(&format!("{TAKEN}{FRAME}")) && drawn.matches(GIVEN_BACK).count() == 2, "{drawn:?}");
}

/// Nobody answers: a watch says so on the screen, and writes nothing beside it.
#[test]
fn a_watch_says_when_nobody_answers() {
    run(async {
        let project = Project::new(|yaml| format!("account: \"123456789012\"\n{yaml}"));
        let mut watch =
            project.command(&["status", "--watch", "--interval", "1", "--endpoint-url", "http://127.0.0.1:1"]);
        watch.env("AWS_ACCESS_KEY_ID", "x").env("AWS_SECRET_ACCESS_KEY", "y").env("NO_COLOR", "1");
        let mut screen = Screen::new(watch, 16, 60);
        screen.shows_often(FRAME, 3).await;
        screen.press(CTRL_C).await;
        let (drawn, status) = screen.end().await;
        assert_eq!(status, 130, "{drawn}");
        // The last one may have been cut by Ctrl-C.
        for frame in drawn.split(FRAME).skip(1).take(2) {
            assert!(frame.starts_with("? no answer since ") && frame.trim_end().ends_with(END_OF_FRAME), "{drawn:?}");
        }
    });
}

/// What makes nothing happen any more is no small difference from the file.
async fn what_stops_it_is_bad(running: &Running) {
    let name = running.pipeline.role_name(&running.aws.scope.region);
    let policies = running.aws.iam.list_role_policies().role_name(&name).send().await.unwrap();
    for policy in policies.policy_names() {
        running.aws.iam.delete_role_policy().role_name(&name).policy_name(policy).send().await.unwrap();
    }
    running.aws.iam.delete_role().role_name(&name).send().await.unwrap();
    let function = running.pipeline.function_name();
    let call = running.aws.lambda.put_function_concurrency().function_name(&function);
    call.reserved_concurrent_executions(0).send().await.unwrap();
    let subscriptions = running.aws.sns.list_subscriptions().send().await.unwrap();
    let alerts = format!(":{}", running.pipeline.topic_name(running.pipeline.topics.keys().next().unwrap()));
    for one in subscriptions.subscriptions().iter().filter(|one| one.topic_arn().unwrap().ends_with(&alerts)) {
        running.aws.sns.unsubscribe().subscription_arn(one.subscription_arn().unwrap()).send().await.unwrap();
    }
    let status = running.json(&["status"], 1);
    assert_eq!(
        [&part(&status, "execution-role")["state"], &part(&status, "execution-role")["word"]],
        ["bad", "missing"]
    );
    let problems = part(&status, "function")["problems"].to_string();
    assert!(problems.contains("its reserved concurrency is 0"), "{problems}");
    assert_eq!(part(&status, "topic")["state"], "bad", "{status:#}");
    let alarms = status["parts"].as_array().unwrap().iter().filter(|part| part["role"] == "alarm");
    let unheard = alarms.filter(|alarm| alarm["problems"].to_string().contains("nobody hears this alarm"));
    assert_eq!(unheard.count(), 5, "as the plan warns: {status:#}");
}

#[test]
fn a_log_of_several_pages_is_read_to_its_end_and_each_line_once() {
    const COUNT: usize = 10_040;
    run(async {
        let world = World::new().await;
        let aws = world.aws(&pipeline("version: 1\npipeline: shop\nfunction: { source: lambda }\n"));
        let (group, stream) = ("/shop", "one");
        aws.logs.create_log_group().log_group_name(group).send().await.unwrap();
        aws.logs.create_log_stream().log_group_name(group).log_stream_name(stream).send().await.unwrap();
        // Fifty lines a millisecond: a page ends within one.
        let begun = jiff::Timestamp::now().as_millisecond() - 60_000;
        let lines: Vec<_> = (0..COUNT)
            .map(|index| {
                let at = begun + i64::try_from(index / 50).unwrap();
                InputLogEvent::builder().timestamp(at).message(format!("line {index}")).build().unwrap()
            })
            .collect();
        for some in lines.chunks(5_000) {
            let call = aws.logs.put_log_events().log_group_name(group).log_stream_name(stream);
            call.set_log_events(Some(some.to_vec())).send().await.unwrap();
        }
        let mut read = Vec::new();
        let wanted = Wanted { group, phrase: "line", from: begun };
        aws.log_lines(wanted, &mut |line| read.push(line.text)).await.unwrap();
        assert_eq!((read.len(), read.iter().collect::<BTreeSet<_>>().len()), (COUNT, COUNT));
    });
}
