//! The program `bootstrap`, through the Lambda Runtime API: what only the whole of it can show.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod harness;

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::time::Duration;

use pipewright_processor::contract::{LogLevel, REASONS_ATTRIBUTE, Settings};
use pipewright_processor::example::settings;
use serde_json::{Value, json};

use harness::aws::{Aws, refusal};
use harness::batch::{event, record, transaction};
use harness::function::{Function, environment};
use harness::http::Answer;
use harness::lambda::{Answered, Invocation, Lambda};

const PROGRAM: &str = env!("CARGO_BIN_EXE_bootstrap");

/// Lambda, AWS and the function between them.
struct World {
    lambda: Lambda,
    aws: Aws,
    function: Function,
}

impl World {
    async fn start() -> Self {
        Self::with(settings()).await
    }

    async fn with(settings: Settings) -> Self {
        Self::between(Lambda::start().await, Aws::start().await, settings)
    }

    fn between(lambda: Lambda, aws: Aws, settings: Settings) -> Self {
        let environment = environment(&settings, lambda.address(), aws.endpoint());
        Self { function: Function::start(Path::new(PROGRAM), &environment), lambda, aws }
    }

    /// One batch; its answer's failures.
    async fn failures(&self, request_id: &str, records: &[Value]) -> Vec<String> {
        failures(&self.lambda.invoke(Invocation::new(request_id, event(records))).await)
    }
}

fn failures(answered: &Answered) -> Vec<String> {
    let answer: Value = serde_json::from_str(answered.as_ref().unwrap()).unwrap();
    let failures = answer["batchItemFailures"].as_array().unwrap();
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(120), test).await.expect("it hangs") });
}

fn small(message_id: &str, id: &str) -> Value {
    record(message_id, &transaction(id, "42.25"))
}

fn large(message_id: &str, id: &str) -> Value {
    record(message_id, &transaction(id, "1500"))
}

/// The decisions by message id.
fn decisions(lines: &[Value]) -> BTreeMap<String, String> {
    let told = |line: &Value| Some((line["message_id"].as_str()?.to_owned(), line["decision"].as_str()?.to_owned()));
    lines.iter().filter_map(told).collect()
}

#[test]
fn a_mixed_batch_accounts_for_every_message() {
    run(async {
        let mut world = World::start().await;
        world.aws.fail("PutItem", "t-throttled", 3, refusal(400, "ThrottlingException"));
        world.aws.fail("PutItem", "t-refused", 1, refusal(400, "ValidationException"));
        let before = world.failures("r-0", &[small("first", "t-known")]).await;
        assert_eq!(before, [""; 0]);
        world.function.lines_of_batch().await;

        let mut invalid = record("invalid", "{}");
        invalid["messageAttributes"] = json!({ "color": { "stringValue": "red", "dataType": "String" } });
        invalid["attributes"]["AWSTraceHeader"] = json!("Root=1-5e1b4151-5ac6c58f5ea9ac6f6dbae4f1");
        let records = [
            small("valid", "t-1"),
            large("large", "t-2"),
            invalid,
            small("duplicate", "t-known"),
            record("conflict", &transaction("t-known", "1.00")),
            small("copy", "t-1"),
            small("throttled", "t-throttled"),
            small("refused", "t-refused"),
        ];
        assert_eq!(world.failures("r-1", &records).await, ["throttled"]);

        let lines = world.function.lines_of_batch().await;
        let expected = [
            ("conflict", "conflict"),
            ("copy", "duplicate"),
            ("duplicate", "duplicate"),
            ("invalid", "rejected"),
            ("large", "stored"),
            ("refused", "rejected"),
            ("throttled", "failed"),
            ("valid", "stored"),
        ];
        let expected = expected.map(|(message, decision)| (message.to_owned(), decision.to_owned()));
        assert_eq!(decisions(&lines), BTreeMap::from(expected));
        assert_eq!(world.aws.rows().into_keys().collect::<Vec<_>>(), ["t-1", "t-2", "t-known"]);
        assert_eq!(world.aws.published(), ["t-2"]);
        assert_eq!(world.aws.count("UpdateItem"), 1, "the announcement is marked");

        let quarantined = world.aws.quarantined();
        assert_eq!(quarantined.len(), 3, "{quarantined:?}");
        let sent = quarantined.iter().find(|entry| entry["MessageBody"] == "{}").unwrap();
        assert_eq!(sent["MessageAttributes"]["color"]["StringValue"], "red");
        assert_eq!(
            sent["MessageSystemAttributes"]["AWSTraceHeader"]["StringValue"],
            records[2]["attributes"]["AWSTraceHeader"]
        );
        let reasons = sent["MessageAttributes"][REASONS_ATTRIBUTE]["StringValue"].as_str().unwrap();
        assert!(reasons.contains("missing_field"), "{reasons}");
    });
}

#[test]
fn a_batch_s_metrics_are_complete() {
    run(async {
        let mut world = World::start().await;
        world.aws.fail("PublishBatch", "", 3, refusal(500, "InternalError"));
        let first = world.failures("r-0", &[large("m-0", "t-0")]).await;
        assert_eq!(first, ["m-0"], "the announcement failed");
        world.function.lines_of_batch().await;
        let records = [large("m-1", "t-1"), small("m-2", "t-2"), small("m-3", "t-2"), record("m-4", "no json")];
        assert_eq!(world.failures("r-1", &records).await, [""; 0]);
        // The lines of reasons and amounts follow the counters.
        world.function.terminate().await;
        let lines = world.function.rest().await;
        let lines = &lines[lines.iter().position(|line| line["request_id"] == "r-1").unwrap()..];
        let metric = |name: &str| {
            let line = lines.iter().find(|line| line.get(name).is_some());
            line.map(|line| line[name].clone()).unwrap_or_default()
        };
        let counters = ["Stored", "Failed", "Rejected", "Duplicates", "Conflicts", "LargeOrders", "AnnounceFailed"];
        assert_eq!(counters.map(|name| metric(name).as_u64()), [2, 0, 1, 1, 0, 1, 0].map(Some), "{lines:#?}");
        assert_eq!(metric("AnnounceLatency").as_array().map(Vec::len), Some(1));
        let mut amounts: Vec<_> = metric("OrderAmount").as_array().unwrap().iter().map(Value::to_string).collect();
        amounts.sort();
        assert_eq!(amounts, ["1500", "42.25"], "as values, not as a sum");
        assert!(lines.iter().any(|line| line["Reason"] == "not_json" && line["Rejected"] == 1), "{lines:#?}");
        assert!(lines.iter().filter(|line| line.get("_aws").is_some()).all(|line| line["Pipeline"] == "shop"));
    });
}

#[test]
fn the_level_filters_lines_and_never_metrics() {
    run(async {
        let mut world = World::with(Settings { log_level: LogLevel::Error, ..settings() }).await;
        assert_eq!(world.failures("r-1", &[small("m-1", "t-1"), record("m-2", "no json")]).await, [""; 0]);
        let lines = world.function.lines_of_batch().await;
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!((&lines[0]["Stored"], &lines[0]["Rejected"]), (&json!(1), &json!(1)));
    });
}

#[test]
fn every_problem_with_the_settings_is_named_at_the_start() {
    run(async {
        let (lambda, aws) = (Lambda::start().await, Aws::start().await);
        let mut environment = environment(&settings(), lambda.address(), aws.endpoint());
        environment.remove("PIPEWRIGHT_TABLE");
        environment.remove("AWS_REGION");
        environment.insert("PIPEWRIGHT_LOG_LEVEL".into(), "loud".into());
        environment.insert("PIPEWRIGHT_QUARANTINE_URL".into(), "nowhere".into());
        let mut function = Function::start(Path::new(PROGRAM), &environment);
        let line = function.line().await.unwrap();
        assert_eq!((line["level"].as_str(), function.ended().await.success()), (Some("error"), false));
        let problems = line["problems"].to_string();
        for name in ["PIPEWRIGHT_TABLE", "AWS_REGION", "PIPEWRIGHT_LOG_LEVEL", "loud", "PIPEWRIGHT_QUARANTINE_URL"] {
            assert!(problems.contains(name), "{name} in {problems}");
        }
        assert_eq!(line["problems"].as_array().unwrap().len(), 4, "{problems}");
        assert_eq!(aws.connections(), 0);
    });
}

#[test]
fn connections_are_there_before_the_first_batch_is_asked_for() {
    run(async {
        let (lambda, aws) = (Lambda::start().await, Aws::start().await);
        // As far away as a real one: else the first connection is free again before the second is asked for.
        aws.fail("GET /", "", 100, Answer { status: 200, after: Duration::from_millis(200), ..Answer::default() });
        let world = World::between(lambda, aws, settings());
        world.lambda.asked(1).await;
        let opened = world.aws.connections();
        let asked: Vec<String> = world.aws.calls().into_iter().map(|call| call.operation).collect();
        assert_eq!(asked, vec!["GET /"; opened], "nothing is done, only asked who is there");
        let mut records: Vec<_> = (0..9).map(|at| small(&format!("m-{at}"), &format!("t-{at}"))).collect();
        records.push(large("m-9", "t-9"));
        assert_eq!(world.failures("r-1", &records).await, [""; 0]);
        assert_eq!(world.aws.count("PutItem"), 10);
        assert_eq!(world.aws.connections(), opened, "a batch of the usual size needs no more");
    });
}

#[test]
fn an_aws_that_is_away_delays_the_start_no_longer_than_it_must_and_fails_the_batch() {
    run(async {
        let lambda = Lambda::start().await;
        let environment = environment(&settings(), lambda.address(), "http://127.0.0.1:1");
        let mut function = Function::start(Path::new(PROGRAM), &environment);
        let answered = lambda.invoke(Invocation::new("r-1", event(&[small("m-1", "t-1")]))).await;
        assert_eq!(failures(&answered), ["m-1"]);
        let lines = function.lines_of_batch().await;
        assert_eq!(lines[0]["cause"], "dynamodb:PutItem: NoConnection");
    });
}

#[test]
fn the_trace_is_carried_into_the_log_and_into_every_call() {
    run(async {
        let mut world = World::start().await;
        let trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        let records = [large("m-1", "t-1"), record("m-2", "no json")];
        let mut invocation = Invocation::new("r-1", event(&records));
        invocation.trace_id = Some(trace.to_owned());
        assert_eq!(failures(&world.lambda.invoke(invocation).await), [""; 0]);
        let lines = world.function.lines_of_batch().await;
        let told = lines.iter().filter(|line| line.get("_aws").is_none());
        assert!(told.clone().count() == 2 && told.clone().all(|line| line["trace_id"] == trace), "{lines:?}");
        let work: Vec<_> = world.aws.calls().into_iter().filter(|call| call.operation != "GET /").collect();
        assert_eq!(work.len(), 4, "{work:?}");
        assert!(work.iter().all(|call| call.trace_id.as_deref() == Some(trace)), "{work:?}");
        assert_eq!(world.failures("r-2", &[small("m-3", "t-3")]).await, [""; 0]);
        assert_eq!(world.aws.calls().last().unwrap().trace_id, None, "without a trace there is none to carry");
    });
}

#[test]
fn a_missing_permission_fails_the_whole_batch_with_one_line() {
    run(async {
        let mut world = World::start().await;
        world.aws.fail("PutItem", "", 3, refusal(400, "AccessDeniedException"));
        let records = [small("m-1", "t-1"), small("m-2", "t-2"), large("m-3", "t-3")];
        assert_eq!(world.failures("r-1", &records).await, ["m-1", "m-2", "m-3"]);
        let lines = world.function.lines_of_batch().await;
        let errors: Vec<_> = lines.iter().filter(|line| line["level"] == "error").collect();
        assert_eq!(errors.len(), 1, "{lines:?}");
        assert_eq!(errors[0]["operation"], "dynamodb:PutItem");
    });
}

/// The client repeats what it got no answer to, and then meets its own row: no duplicate, no conflict, announced once.
#[test]
fn an_answer_that_gets_lost_is_asked_for_again() {
    run(async {
        let mut world = World::start().await;
        world.aws.lose_answer("PutItem", "t-1");
        assert_eq!(world.failures("r-1", &[large("m-1", "t-1")]).await, [""; 0]);
        let lines = world.function.lines_of_batch().await;
        assert_eq!(decisions(&lines)["m-1"], "stored");
        assert_eq!(world.aws.count("PutItem"), 2);
        assert_eq!(world.aws.published(), ["t-1"]);
    });
}

#[test]
fn near_the_deadline_nothing_is_begun() {
    run(async {
        let world = World::start().await;
        let mut invocation = Invocation::new("r-1", event(&[small("m-1", "t-1"), record("m-2", "no json")]));
        // The settings say 30 s; nothing is begun in the last five of them.
        invocation.timeout = Duration::from_secs(4);
        assert_eq!(failures(&world.lambda.invoke(invocation).await), ["m-1", "m-2"]);
        assert_eq!((world.aws.count("PutItem"), world.aws.count("SendMessageBatch")), (0, 0));
    });
}

#[test]
fn what_is_under_way_at_the_deadline_is_given_back_in_time() {
    run(async {
        let mut world = World::with(Settings { function_timeout_seconds: 1, ..settings() }).await;
        world.lambda.asked(1).await;
        let never = Answer { after: Duration::from_secs(3_600), ..Answer::default() };
        world.aws.fail("PublishBatch", "", 9, never);
        let mut invocation = Invocation::new("r-1", event(&[small("m-1", "t-1"), large("m-2", "t-2")]));
        invocation.timeout = Duration::from_secs(1);
        assert_eq!(failures(&world.lambda.invoke(invocation).await), ["m-2"]);
        let lines = world.function.lines_of_batch().await;
        assert_eq!(decisions(&lines)["m-1"], "stored");
        assert_eq!(world.aws.rows().len(), 2, "stored, with a claim that the retry takes over");
    });
}

#[test]
fn told_to_end_it_finishes_the_batch_at_hand() {
    run(async {
        let mut world = World::start().await;
        world.lambda.asked(1).await;
        let held = world.aws.hold("PutItem");
        let answer = world.lambda.invoke(Invocation::new("r-1", event(&[small("m-1", "t-1")])));
        held.arrived().await;
        world.function.terminate().await;
        held.release();
        assert_eq!(failures(&answer.await), [""; 0]);
        assert!(world.function.ended().await.success());
        assert_eq!(world.aws.rows().len(), 1);
    });
}

#[test]
fn told_to_end_while_it_waits_it_ends() {
    run(async {
        let mut world = World::start().await;
        world.lambda.asked(1).await;
        world.function.terminate().await;
        assert!(world.function.ended().await.success());
        assert!(world.function.rest().await.is_empty());
    });
}

/// An event that is no SQS batch is an error of the invocation; the next one is served.
#[test]
fn an_event_of_another_kind_is_refused_and_the_next_is_served() {
    run(async {
        let world = World::start().await;
        let refused = world.lambda.invoke(Invocation::new("r-1", r#"{"detail":{}}"#.into())).await;
        assert!(refused.unwrap_err().contains("Records"));
        assert_eq!(world.failures("r-2", &[small("m-1", "t-1")]).await, [""; 0]);
    });
}

#[test]
fn a_batch_of_a_thousand_is_chunked() {
    run(async {
        let world = World::start().await;
        let records: Vec<_> = (0..1_000)
            .map(|at| match at % 20 {
                0 => large(&format!("m-{at}"), &format!("t-{at}")),
                1 => record(&format!("m-{at}"), "no json"),
                _ => small(&format!("m-{at}"), &format!("t-{at}")),
            })
            .collect();
        assert_eq!(world.failures("r-1", &records).await, [""; 0]);
        assert_eq!(world.aws.rows().len(), 950);
        assert_eq!((world.aws.published().len(), world.aws.count("PublishBatch")), (50, 5));
        assert_eq!((world.aws.quarantined().len(), world.aws.count("SendMessageBatch")), (50, 5));
    });
}
