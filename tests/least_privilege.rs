//! The role under enforcement: it works as granted, and each action that is taken away is one that something needs.
//!
//! The local AWS enforces IAM with two differences to AWS, and both are put right here, in the open: it asks for the
//! operation's name where AWS asks for an action that covers several ([`ASKED_LOCALLY`]), and it has no TLS, so the
//! statements that deny plain HTTP are left out, and proved by themselves. It does not check the queue's poller: that
//! part of the role is held against AWS's own list.

use std::collections::BTreeSet;

use aws_sdk_lambda::primitives::Blob;
use pipewright::aws::Aws;
use pipewright::config::Pipeline;
use pipewright::reconcile::{Document, Graph, Kind, Node};
use pipewright::resources::gaps::Backend;
use pipewright::resources::unusual;
use serde_json::{Value, json};

use crate::backend::{Server, World, account, run};
use crate::world::{graph, pipeline};

const SHOP: &str = "
version: 1
pipeline: shop
topics: { large-orders: {} }
function: { source: lambda, tracing: true }
processing: { large_order: { threshold: { USD: 1000 }, notify: large-orders } }
";

/// The action as AWS names it, and the operation that the local AWS asks permission for.
const ASKED_LOCALLY: [(&str, &str); 2] =
    [("sns:Publish", "sns:PublishBatch"), ("sqs:SendMessage", "sqs:SendMessageBatch")];

/// AWS's managed policies `AWSLambdaSQSQueueExecutionRole` and `AWSXRayDaemonWriteAccess`, as far as they are for
/// polling a queue, writing logs and sending traces.
const FOR_LAMBDA_ITSELF: [&str; 7] = [
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
];

/// What the processor itself calls.
const FOR_THE_PROCESSOR: [&str; 4] = ["dynamodb:PutItem", "dynamodb:UpdateItem", "sns:Publish", "sqs:SendMessage"];

fn role_policy(graph: &Graph) -> Value {
    let role = graph.nodes().find(|node| node.address.kind == Kind::Role).unwrap();
    role.document.get("policy").clone()
}

fn statements(policy: &Value) -> Vec<Value> {
    policy["Statement"].as_array().unwrap().clone()
}

fn actions(statement: &Value) -> Vec<String> {
    statement["Action"].as_array().unwrap().iter().map(|action| action.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_role_allows_what_is_called_and_nothing_else() {
    let policy = role_policy(&graph(&pipeline(SHOP), "sources:test"));
    let granted: BTreeSet<_> = statements(&policy).iter().flat_map(actions).collect();
    let needed = FOR_LAMBDA_ITSELF.into_iter().chain(FOR_THE_PROCESSOR).map(str::to_owned).collect();
    assert_eq!(granted, needed);
    for statement in statements(&policy) {
        let resources = statement["Resource"].to_string();
        // Traces have no resource to name.
        assert!(!resources.contains("\"*\"") || statement["Sid"] == "Trace", "{statement}");
    }
}

/// The policy as the local AWS asks for it, without one action.
fn without(policy: &Value, action: &str) -> Value {
    let mut policy = policy.clone();
    for statement in policy["Statement"].as_array_mut().unwrap() {
        let kept = actions(statement).into_iter().filter(|kept| kept != action).map(|kept| asked_locally(&kept));
        statement["Action"] = json!(kept.collect::<Vec<_>>());
    }
    policy["Statement"].as_array_mut().unwrap().retain(|statement| statement["Action"] != json!([]));
    policy
}

fn asked_locally(action: &str) -> String {
    let asked = ASKED_LOCALLY.iter().find(|(aws, _)| *aws == action);
    asked.map_or(action, |(_, locally)| locally).to_owned()
}

/// What is applied here: the role translated, the denials of plain HTTP left out.
fn translated(graph: &Graph) -> Graph {
    let edit = |node: &Node, property: &str, value: Value| {
        let others = node.document.properties().filter(|(name, _)| *name != property);
        let others = others.map(|(name, value)| (name.to_owned(), value.clone()));
        let document: Document = others.chain([(property.to_owned(), value)]).collect();
        Node { document, ..node.clone() }
    };
    let nodes = graph.nodes().map(|node| match node.address.kind {
        Kind::Role => edit(node, "policy", without(node.document.get("policy"), "")),
        Kind::Queue | Kind::Topic => edit(node, "policy", Value::Null),
        Kind::LogGroup
        | Kind::Table
        | Kind::Subscription
        | Kind::Function
        | Kind::EventSourceMapping
        | Kind::Alarm
        | Kind::Dashboard => node.clone(),
    });
    Graph::new(nodes, unusual).unwrap()
}

/// One message, handed to the function as its poller would; whether it is done.
async fn is_done(aws: &Aws, pipeline: &Pipeline, body: &str) -> bool {
    let event = json!({ "Records": [{ "messageId": "m", "body": body }] });
    let call = aws.lambda.invoke().function_name(pipeline.function_name());
    let answer = call.payload(Blob::new(event.to_string())).send().await.unwrap();
    assert_eq!(answer.function_error(), None, "{:?}", answer.payload().map(|blob| blob.as_ref().to_vec()));
    let answer: Value = serde_json::from_slice(answer.payload().unwrap().as_ref()).unwrap();
    answer["batchItemFailures"].as_array().unwrap().is_empty()
}

fn order(id: &str, amount: u32) -> String {
    json!({
        "transaction_id": id, "customer_id": "c", "amount": amount, "currency": "USD",
        "timestamp": "2026-11-22T11:00:00Z",
    })
    .to_string()
}

async fn announcement(aws: &Aws, pipeline: &Pipeline, id: &str) -> String {
    let stored = aws.stored(&pipeline.table_name(), "transaction_id", id).await.unwrap();
    stored.get("announcement").cloned().unwrap_or_default()
}

#[test]
fn it_works_as_granted_and_without_any_one_action_the_matching_step_fails() {
    run(async {
        let world = World::at(Server::strict().await, Backend::MiniStack, account());
        let pipeline = pipeline(SHOP);
        let (aws, graph) = (world.aws(&pipeline), world.graph(&pipeline));
        world.converge(&aws, &translated(&graph)).await;
        let policy = role_policy(&graph);
        let role = pipeline.role_name(&world.scope.region);
        let allow_all_but = async |action: &str| {
            let document = without(&policy, action).to_string();
            let call = aws.iam.put_role_policy().role_name(&role).policy_name("pipewright").policy_document(document);
            call.send().await.unwrap();
        };

        // As granted: from the queue, through the poller.
        aws.send(&pipeline.queue_name(), &order("polled", 5)).await.unwrap();
        aws.stored(&pipeline.table_name(), "transaction_id", "polled").await.unwrap();
        let topic = world.scope.arn("sns", &format!("{}-large-orders", pipeline.id()));
        let listener = aws.listen(&topic).await.unwrap();
        assert!(is_done(&aws, &pipeline, &order("large", 1_000)).await);
        aws.heard(&listener, "large").await.unwrap();
        assert!(announcement(&aws, &pipeline, "large").await.contains("state: sent"));
        assert!(is_done(&aws, &pipeline, "invalid").await);
        aws.received(&pipeline.quarantine_name(), "invalid").await.unwrap();

        allow_all_but("dynamodb:PutItem").await;
        assert!(!is_done(&aws, &pipeline, &order("not-stored", 5)).await);
        allow_all_but("sqs:SendMessage").await;
        assert!(!is_done(&aws, &pipeline, "not quarantined").await);
        allow_all_but("sns:Publish").await;
        assert!(!is_done(&aws, &pipeline, &order("not-announced", 1_000)).await);
        assert!(announcement(&aws, &pipeline, "not-announced").await.contains("state: pending"));
        // What is announced is done; that it is, cannot be marked.
        allow_all_but("dynamodb:UpdateItem").await;
        assert!(is_done(&aws, &pipeline, &order("not-marked", 1_000)).await);
        aws.heard(&listener, "not-marked").await.unwrap();
        assert!(announcement(&aws, &pipeline, "not-marked").await.contains("state: pending"));

        // Put right, all of it works again.
        allow_all_but("").await;
        assert!(is_done(&aws, &pipeline, &order("not-stored", 5)).await);
        assert!(is_done(&aws, &pipeline, "not quarantined").await);
        aws.received(&pipeline.quarantine_name(), "not quarantined").await.unwrap();
    });
}

/// The statements that were left out above: under them plain HTTP is refused, even to the account's root.
#[test]
fn queues_and_topics_refuse_plain_http() {
    run(async {
        let world = World::at(Server::strict().await, Backend::MiniStack, account());
        let pipeline = pipeline(SHOP);
        let (aws, graph) = (world.aws(&pipeline), world.graph(&pipeline));
        let policy = |kind, name: &str| {
            let node = graph.nodes().find(|node| node.address.kind == kind && node.address.name.as_str() == name);
            node.unwrap().document.get("policy").to_string()
        };
        for queue in [pipeline.queue_name(), pipeline.quarantine_name(), pipeline.dead_letter_name()] {
            let url = aws.sqs.create_queue().queue_name(&queue).send().await.unwrap().queue_url.unwrap();
            aws.send(&queue, "before").await.unwrap();
            let attribute = aws_sdk_sqs::types::QueueAttributeName::Policy;
            let call = aws.sqs.set_queue_attributes().queue_url(url).attributes(attribute, policy(Kind::Queue, &queue));
            call.send().await.unwrap();
            let refused = format!("{:?}", aws.send(&queue, "after").await.unwrap_err());
            assert!(refused.contains("AccessDenied"), "{queue}: {refused}");
        }
        let name = format!("{}-large-orders", pipeline.id());
        let arn = aws.sns.create_topic().name(&name).send().await.unwrap().topic_arn.unwrap();
        aws.sns.publish().topic_arn(&arn).message("before").send().await.unwrap();
        let call = aws.sns.set_topic_attributes().topic_arn(&arn).attribute_name("Policy");
        call.attribute_value(policy(Kind::Topic, &name)).send().await.unwrap();
        let refused = format!("{:?}", aws.sns.publish().topic_arn(&arn).message("after").send().await.unwrap_err());
        assert!(refused.contains("AuthorizationError"), "{refused}");
    });
}
