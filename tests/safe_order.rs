//! Edits whose order matters: room that others work within is given before they change, and taken after.

use pipewright::config::Pipeline;
use pipewright::reconcile::{Action, Address, Kind, Options};
use serde_json::Value;

use crate::backend::{World, everything, run};
use crate::world::pipeline;

const BARE: &str = "version: 1\npipeline: shop\n";

fn shop(rest: &str) -> Pipeline {
    pipeline(&format!("{BARE}{rest}\n"))
}

/// The writes of an edit, in order: those whose operation begins so, without what comes before the dot.
async fn writes(world: &World, edited: &Pipeline) -> Vec<String> {
    let (aws, graph) = (world.aws(edited), world.graph(edited));
    let (plan, snapshot) = world.plan(&aws, &graph, &everything()).await;
    world.wire.clear();
    let report = pipewright::reconcile::apply(&aws, &plan, &graph, &snapshot, std::future::pending(), &|_| ()).await;
    assert!(report.succeeded(), "{report:#?}");
    let writes = world.wire.writes();
    world.converge(&aws, &graph).await;
    writes
}

fn position(writes: &[String], part: &str) -> usize {
    writes.iter().position(|call| call.contains(part)).unwrap_or_else(|| panic!("no `{part}` in {writes:#?}"))
}

#[test]
fn visibility_is_raised_before_the_function_s_timeout_and_lowered_after_it() {
    run(async {
        let world = World::new().await;
        let short = shop("function: { source: lambda, timeout: 10s }");
        let long = shop("function: { source: lambda, timeout: 60s }");
        world.converge(&world.aws(&short), &world.graph(&short)).await;
        let (queue, function) = ("sqs.SetQueueAttributes", "functions/shop-processor/configuration");
        let raised = writes(&world, &long).await;
        assert!(position(&raised, queue) < position(&raised, function), "{raised:#?}");
        let lowered = writes(&world, &short).await;
        assert!(position(&lowered, function) < position(&lowered, queue), "{lowered:#?}");
    });
}

#[test]
fn a_policy_is_widened_before_and_narrowed_after_what_needs_it() {
    run(async {
        let world = World::new().await;
        let before = shop("function: { source: lambda }");
        let after = shop("function: { source: lambda }\nqueue: { name: orders }");
        world.converge(&world.aws(&before), &world.graph(&before)).await;
        let writes = writes(&world, &after).await;
        let policies: Vec<usize> =
            (0..writes.len()).filter(|index| writes[*index].contains("iam.PutRolePolicy")).collect();
        let created = position(&writes, "lambda.POST /2015-03-31/event-source-mappings");
        let deleted = position(&writes, "lambda.DELETE /2015-03-31/event-source-mappings");
        assert_eq!(policies.len(), 2, "{writes:#?}");
        assert!(policies[0] < created && created < policies[1] && deleted < policies[1], "{writes:#?}");

        let role = world.aws(&after).iam.get_role_policy();
        let role = role.role_name("shop-processor-us-east-1").policy_name("pipewright").send().await.unwrap();
        assert!(!role.policy_document().contains("shop-queue"), "the old queue's permission is gone");
    });
}

#[test]
fn where_nothing_else_changes_a_policy_is_narrowed_at_once() {
    run(async {
        let world = World::new().await;
        let statement = "{ Sid: More, Action: [s3:GetObject], Resource: [\"arn:aws:s3:::rates/*\"] }";
        let before = shop(&format!("function: {{ source: lambda }}\nrole: {{ extra_statements: [{statement}] }}"));
        let after = shop("function: { source: lambda }");
        world.converge(&world.aws(&before), &world.graph(&before)).await;
        assert_eq!(writes(&world, &after).await, ["iam.PutRolePolicy"]);
    });
}

#[test]
fn a_barred_name_is_waited_out_while_the_rest_goes_on() {
    run(async {
        let world = World::new().await;
        let pipeline = shop("function: { source: lambda }\nalarms: { failed: { metric: processor.failed, above: 0 } }");
        let (aws, graph) = (world.hasty(&pipeline), world.graph(&pipeline));
        let barred = crate::backend::Answer::json(
            400,
            "com.amazonaws.sqs#QueueDeletedRecently",
            "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
        );
        world.wire.fault("sqs.CreateQueue", vec![barred; 6]);
        let report = world.apply(&aws, &graph, &|_| ()).await;
        assert!(report.succeeded(), "{report:#?}");
        let calls = world.wire.writes();
        let last = calls.iter().rposition(|call| call == "sqs.CreateQueue").unwrap();
        for other in ["dynamodb.CreateTable", "monitoring.PutMetricAlarm", "logs.CreateLogGroup"] {
            assert!(position(&calls, other) < last, "{other} waited for the queue: {calls:#?}");
        }
    });
}

#[test]
fn an_immutable_property_replaces_the_table_only_with_the_word_for_what_is_lost() {
    run(async {
        let world = World::new().await;
        let before = shop("function: { source: lambda }");
        let after = shop("function: { source: lambda }\ntable: { key: id }");
        let aws = world.aws(&before);
        world.converge(&aws, &world.graph(&before)).await;
        let item = aws_sdk_dynamodb::types::AttributeValue::S("1".into());
        aws.dynamodb.put_item().table_name("shop-transactions").item("transaction_id", item).send().await.unwrap();

        let graph = world.graph(&after);
        let at = Address::new(Kind::Table, "shop-transactions");
        let (plan, _) = world.plan(&aws, &graph, &Options::default()).await;
        let step = plan.steps.iter().find(|step| step.address == at).unwrap();
        assert_eq!(step.action, Action::Replace);
        assert!(step.loss.as_ref().unwrap().holds.contains('1'), "{step:#?}");
        assert!(step.changes.iter().any(|one| one.path == "deletion_protection"), "lifting it is shown: {step:#?}");
        let refused = plan.refusals();
        assert!(refused[0].hint.as_ref().unwrap().contains(&format!("--allow-data-loss {at}")), "{refused:#?}");
        world.converge(&aws, &graph).await;
        let scan = aws.dynamodb.scan().table_name("shop-transactions").send().await.unwrap();
        assert_eq!(scan.count(), 0);
    });
}

#[test]
fn a_queue_with_messages_is_not_given_up_without_the_word_for_it() {
    run(async {
        let world = World::new().await;
        // Switched off, so that the message stays.
        let before = shop("function: { source: lambda, enabled: false }");
        let after = shop("function: { source: lambda, enabled: false }\nqueue: { name: orders }");
        let aws = world.aws(&before);
        world.converge(&aws, &world.graph(&before)).await;
        aws.send("shop-queue", "{}").await.unwrap();
        let (plan, _) = world.plan(&aws, &world.graph(&after), &Options::default()).await;
        let refused = plan.refusals();
        assert_eq!(refused.len(), 1, "{refused:#?}");
        assert!(refused[0].message.contains("1 message"), "{refused:#?}");
        assert_eq!(refused[0].address, Some(Address::new(Kind::Queue, "shop-queue")));
    });
}

#[test]
fn a_shorter_retention_names_the_messages_that_would_expire() {
    run(async {
        let world = World::new().await;
        let before = shop("function: { source: lambda, enabled: false }");
        let after = shop("function: { source: lambda, enabled: false }\nqueue: { retention: 1h }");
        let aws = world.aws(&before);
        world.converge(&aws, &world.graph(&before)).await;
        let findings = async || {
            let (plan, _) = world.plan(&aws, &world.graph(&after), &Options::default()).await;
            pipewright::resources::outlook::outlook(&aws, &plan).await
        };
        assert_eq!(findings().await, [], "an empty queue loses nothing");
        aws.send("shop-queue", "{}").await.unwrap();
        let unknown = findings().await;
        assert!(unknown[0].message.contains("CloudWatch does not tell the age"), "{unknown:#?}");

        age_of_the_oldest(&aws, 7_200.0).await;
        let told = findings().await;
        assert_eq!(told[0].code, "messages-expire");
        assert!(told[0].message.contains("the oldest waits for 7200 s"), "{told:#?}");
    });
}

/// What SQS itself would report.
async fn age_of_the_oldest(aws: &pipewright::aws::Aws, seconds: f64) {
    use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};
    let queue = Dimension::builder().name("QueueName").value("shop-queue").build();
    let datum = MetricDatum::builder().metric_name("ApproximateAgeOfOldestMessage").dimensions(queue).value(seconds);
    let call = aws.cloudwatch.put_metric_data().namespace("AWS/SQS").metric_data(datum.build());
    call.send().await.unwrap();
}

#[test]
fn a_plan_shows_no_customer_s_value_of_a_foreign_variable_but_that_it_is_removed() {
    run(async {
        let world = World::new().await;
        let pipeline = shop("function: { source: lambda }");
        let (aws, graph) = (world.aws(&pipeline), world.graph(&pipeline));
        world.converge(&aws, &graph).await;
        let live = aws.lambda.get_function_configuration().function_name("shop-processor").send().await.unwrap();
        let mut variables = live.environment.unwrap().variables.unwrap();
        variables.insert("API_KEY".into(), "hunter2".into());
        let environment = aws_sdk_lambda::types::Environment::builder().set_variables(Some(variables)).build();
        let call = aws.lambda.update_function_configuration().function_name("shop-processor");
        call.environment(environment).send().await.unwrap();
        let (plan, _) = world.plan(&aws, &graph, &Options::default()).await;
        assert_eq!(plan.steps.len(), 1);
        let change = &plan.steps[0].changes.0;
        assert_eq!((change.len(), change[0].path.as_str(), &change[0].after), (1, "environment.API_KEY", &Value::Null));
        assert!(!serde_json::to_string(&plan).unwrap().contains("hunter2"));
        world.converge(&aws, &graph).await;
    });
}
