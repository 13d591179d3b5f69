//! AWS's habits that the local AWS lacks, as answers put in between: what is not ready yet, busy, throttled, barred.

use std::cell::RefCell;

use pipewright::aws::Aws;
use pipewright::config::Pipeline;
use pipewright::reconcile::{Action, Address, Cloud, ErrorKind, Event, Graph, Kind, Node};
use serde_json::json;

use crate::backend::{Answer, World, everything, run};
use crate::world::pipeline;

const SHOP: &str = "
version: 1
pipeline: shop
function: { source: lambda }
alarms: { failed: { metric: processor.failed, above: 0 } }
";

fn shop() -> Pipeline {
    pipeline(SHOP)
}

/// What a kind consists of, and what it needs.
fn only(graph: &Graph, kinds: &[Kind], unusual: fn(Kind) -> &'static [pipewright::reconcile::Property]) -> Graph {
    let keep = |address: &Address| kinds.contains(&address.kind);
    let nodes = graph.nodes().filter(|node| keep(&node.address)).map(|node| Node {
        after: node.after.iter().filter(|address| keep(address)).cloned().collect(),
        ..node.clone()
    });
    Graph::new(nodes, unusual).unwrap()
}

fn some(world: &World, kinds: &[Kind]) -> Graph {
    only(&world.graph(&shop()), kinds, pipewright::resources::unusual)
}

/// Applies, and tells for what was waited.
async fn applied(world: &World, aws: &Aws, graph: &Graph) -> Vec<String> {
    let waits = RefCell::new(Vec::new());
    let on = |event| {
        if let Event::Waiting { reason, .. } = event {
            waits.borrow_mut().push(reason);
        }
    };
    let report = world.apply(aws, graph, &on).await;
    assert!(report.succeeded(), "{report:?}");
    waits.into_inner()
}

#[test]
fn a_queue_s_name_that_is_barred_is_waited_for() {
    run(async {
        let world = World::new().await;
        let barred = Answer::json(
            400,
            "com.amazonaws.sqs#QueueDeletedRecently",
            "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
        );
        world.wire.fault("sqs.CreateQueue", vec![barred; 4]);
        let (aws, graph) = (world.hasty(&shop()), some(&world, &[Kind::Queue]));
        let waits = applied(&world, &aws, &graph).await;
        assert!(waits.iter().any(|reason| reason.contains("until the name is free again")));
    });
}

#[test]
fn a_queue_that_was_deleted_just_now_is_said_to_keep_its_name_barred() {
    run(async {
        let world = World::new().await;
        let (aws, graph) = (world.hasty(&shop()), some(&world, &[Kind::Queue]));
        world.converge(&aws, &graph).await;
        // Gone for SQS, still there for the tagging API.
        let gone = Answer::json(400, "com.amazonaws.sqs#QueueDoesNotExist", "The specified queue does not exist.");
        world.wire.fault("sqs.GetQueueAttributes", vec![gone; 1]);
        let (plan, _) = world.plan(&aws, &graph, &everything()).await;
        assert_eq!(plan.count(Action::Create), 1);
        assert_eq!(plan.findings[0].code, "name-cooldown");
    });
}

#[test]
fn each_refusal_of_aws_has_its_own_words_and_a_way_out() {
    run(async {
        let world = World::new().await;
        let (aws, graph) = (world.hasty(&shop()), some(&world, &[Kind::Queue]));
        let cases = [
            (Answer::json(400, "ThrottlingException", "Rate exceeded"), "throttled, after all retries", "try again"),
            (Answer::json(500, "InternalFailure", "oops"), "AWS failed at sqs:GetQueueAttributes", "AWS's own failure"),
            (Answer::json(400, "InvalidAddress", "no"), "sqs:GetQueueAttributes on `shop-", "nothing is applied"),
        ];
        for (answer, words, way_out) in cases {
            world.wire.fault("sqs.GetQueueAttributes", vec![answer; 30]);
            let (plan, _) = world.plan(&aws, &graph, &everything()).await;
            let told = &plan.refusals()[0];
            assert!(told.message.contains(words), "{told:?}");
            assert!(told.hint.as_ref().unwrap().contains(way_out), "{told:?}");
        }
        // Credentials concern every call: one message, not ten.
        let expired = Answer::json(403, "ExpiredToken", "The security token included in the request is expired");
        world.wire.fault("sqs.GetQueueAttributes", vec![expired; 30]);
        let error = aws.snapshot(&graph.addresses()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Credentials);
        assert!(error.to_string().contains("hint: sign in again"), "{error}");
    });
}

#[test]
fn a_fresh_role_is_waited_for_until_it_can_be_assumed() {
    run(async {
        let world = World::new().await;
        let not_yet = Answer::json(
            400,
            "InvalidParameterValueException",
            "The role defined for the function cannot be assumed by Lambda.",
        );
        world.wire.fault("lambda.POST /2015-03-31/functions", vec![not_yet; 5]);
        let kinds = [Kind::Role, Kind::Function, Kind::LogGroup, Kind::Table, Kind::Queue];
        let (aws, graph) = (world.hasty(&shop()), some(&world, &kinds));
        let waits = applied(&world, &aws, &graph).await;
        assert!(waits.contains(&"until the role can be assumed".to_owned()));
    });
}

#[test]
fn a_role_that_is_never_assumable_ends_with_its_trust_policy() {
    run(async {
        let world = World::new().await;
        let never = Answer::json(
            400,
            "InvalidParameterValueException",
            "The role defined for the function cannot be assumed by Lambda.",
        );
        world.wire.fault("lambda.POST /2015-03-31/functions", vec![never; 500]);
        let kinds = [Kind::Role, Kind::Function, Kind::LogGroup, Kind::Table, Kind::Queue];
        let (aws, graph) = (world.hasty(&shop()), some(&world, &kinds));
        let report = world.apply(&aws, &graph, &|_| ()).await;
        let (task, error) = &report.failed[0];
        assert_eq!((task.address.kind, error.kind), (Kind::Function, ErrorKind::TimedOut));
        assert!(error.hint.as_ref().unwrap().contains("lambda.amazonaws.com"), "{error}");
    });
}

#[test]
fn a_function_in_progress_refuses_writes_and_is_waited_for() {
    run(async {
        let world = World::new().await;
        let kinds = [Kind::Role, Kind::Function, Kind::LogGroup, Kind::Table, Kind::Queue];
        let (aws, graph) = (world.hasty(&shop()), some(&world, &kinds));
        assert!(world.apply(&aws, &graph, &|_| ()).await.succeeded());
        let changed = pipeline(&SHOP.replace("{ source: lambda }", "{ source: lambda, memory: 512 MiB }"));
        let graph = only(&world.graph(&changed), &kinds, pipewright::resources::unusual);
        let busy = Answer::json(
            409,
            "ResourceConflictException",
            "The operation cannot be performed at this time. An update is in progress for resource",
        );
        world.wire.fault("lambda.PUT /2015-03-31/functions/shop-processor/configuration", vec![busy; 3]);
        let progress = json!({ "State": "Active", "LastUpdateStatus": "InProgress", "RevisionId": "1" });
        let asked = "lambda.GET /2015-03-31/functions/shop-processor/configuration";
        world.wire.fault(asked, vec![Answer::ok(&progress); 3]);
        let waits = applied(&world, &aws, &graph).await;
        assert!(waits.contains(&"until the function takes another change".to_owned()), "{waits:?}");
        assert!(waits.contains(&"until the function is ready".to_owned()), "{waits:?}");
    });
}

#[test]
fn a_function_that_somebody_changed_meanwhile_is_not_overwritten() {
    run(async {
        let world = World::new().await;
        let kinds = [Kind::Role, Kind::Function, Kind::LogGroup, Kind::Table, Kind::Queue];
        let (aws, graph) = (world.hasty(&shop()), some(&world, &kinds));
        assert!(world.apply(&aws, &graph, &|_| ()).await.succeeded());
        let changed = pipeline(&SHOP.replace("{ source: lambda }", "{ source: lambda, memory: 512 MiB }"));
        let graph = only(&world.graph(&changed), &kinds, pipewright::resources::unusual);
        let outdated = Answer::json(412, "PreconditionFailedException", "The RevisionId provided does not match");
        world.wire.fault("lambda.PUT /2015-03-31/functions/shop-processor/configuration", vec![outdated]);
        let report = world.apply(&aws, &graph, &|_| ()).await;
        assert_eq!(report.failed[0].1.kind, ErrorKind::ChangedSincePlan);
    });
}

#[test]
fn a_table_that_is_being_created_is_waited_for_and_a_busy_one_too() {
    run(async {
        let world = World::new().await;
        let (aws, graph) = (world.hasty(&shop()), some(&world, &[Kind::Table]));
        let creating = json!({ "Table": { "TableName": "shop-transactions", "TableStatus": "CREATING" } });
        let missing = Answer::json(400, "ResourceNotFoundException", "Requested resource not found");
        // Twice nothing (the plan, and the look before the write), then it comes into being.
        let mut answers = vec![missing; 2];
        answers.extend(vec![Answer::ok(&creating); 3]);
        world.wire.fault("dynamodb.DescribeTable", answers);
        let waits = applied(&world, &aws, &graph).await;
        assert!(waits.contains(&"until the table is active".to_owned()));

        let busy = Answer::json(400, "ResourceInUseException", "Attempt to change a resource which is still in use");
        world.wire.fault("dynamodb.UpdateTable", vec![busy; 2]);
        let changed = pipeline(&format!("{SHOP}table: {{ deletion_protection: false }}\n"));
        let graph = only(&world.graph(&changed), &[Kind::Table], pipewright::resources::unusual);
        let report = world.apply(&aws, &graph, &|_| ()).await;
        assert!(report.succeeded(), "{report:?}");
    });
}

#[test]
fn a_throttled_alarm_is_tried_again() {
    run(async {
        let world = World::new().await;
        let (aws, graph) = (world.aws(&shop()), some(&world, &[Kind::Alarm]));
        world.wire.fault("monitoring.PutMetricAlarm", vec![Answer::cbor(400, "Throttling", "Rate exceeded"); 2]);
        let report = world.apply(&aws, &graph, &|_| ()).await;
        assert!(report.succeeded(), "{report:?}");
        let puts = world.wire.calls().iter().filter(|call| *call == "monitoring.PutMetricAlarm").count();
        assert_eq!(puts, 3);
    });
}

#[test]
fn reads_that_lag_behind_a_write_are_read_again() {
    run(async {
        let world = World::new().await;
        let (aws, graph) = (world.hasty(&shop()), some(&world, &[Kind::Queue]));
        let (plan, snapshot) = world.plan(&aws, &graph, &everything()).await;
        let report =
            pipewright::reconcile::apply(&aws, &plan, &graph, &snapshot, std::future::pending(), &|_| ()).await;
        assert!(report.succeeded(), "{report:?}");
        let lagging = Answer::json(400, "com.amazonaws.sqs#QueueDoesNotExist", "The specified queue does not exist.");
        world.wire.fault("sqs.GetQueueAttributes", vec![lagging; 5]);
        let settling = RefCell::new(0);
        let on = |event| {
            if matches!(event, Event::Settling { .. }) {
                *settling.borrow_mut() += 1;
            }
        };
        let left = pipewright::reconcile::settle(&aws, &plan, &graph, &everything(), &on).await.unwrap();
        assert!(left.is_empty());
        assert!(*settling.borrow() >= 1);
    });
}

#[test]
fn a_denial_says_who_may_not_do_what_and_stops_only_what_needs_it() {
    run(async {
        let world = World::new().await;
        let (aws, graph) = (
            world.hasty(&shop()),
            some(&world, &[Kind::Role, Kind::Queue, Kind::Function, Kind::LogGroup, Kind::Table]),
        );
        let denied =
            Answer::xml(403, "AccessDenied", "User: x is not authorized to perform: iam:CreateRole on resource: y");
        world.wire.fault("iam.CreateRole", vec![denied]);
        let report = world.apply(&aws, &graph, &|_| ()).await;
        let words = report.failed[0].1.to_string();
        assert!(words.contains("iam:CreateRole") && words.contains("shop-processor-us-east-1"), "{words}");
        assert!(words.contains("hint: the identity that runs pipewright needs `iam:CreateRole`"), "{words}");
        assert_eq!(report.blocked.len(), 1, "the function");
        assert!(report.done.len() >= 4, "queues, table and log group are there");
        // What succeeded stays; the next apply does the rest.
        world.converge(&aws, &graph).await;
    });
}

#[test]
fn a_kind_that_may_not_be_read_is_said_not_to_be_checked() {
    run(async {
        let world = World::new().await;
        let (aws, graph) = (world.hasty(&shop()), some(&world, &[Kind::Alarm, Kind::Queue]));
        let denied = Answer::cbor(403, "AccessDenied", "not authorized to perform: cloudwatch:DescribeAlarms");
        world.wire.fault("monitoring.DescribeAlarms", vec![denied; 10]);
        let (plan, _) = world.plan(&aws, &graph, &everything()).await;
        let said = &plan.refusals()[0].message;
        assert!(said.contains("no alarm could be checked") && said.contains("cloudwatch:DescribeAlarms"), "{said}");
        assert!(plan.steps.iter().all(|step| step.address.kind == Kind::Queue));
    });
}
