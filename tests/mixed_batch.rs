//! One batch of everything through the live pipeline: queue, poller, the real processor, table, topic and quarantine.
//! Every message is accounted for, and in the end nothing waits anywhere.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use pipewright::aws::Aws;
use pipewright::aws::patience::Wait;
use pipewright::config::Pipeline;
use serde_json::json;

use crate::backend::{World, run};
use crate::world::pipeline;

/// Failed messages come back in three seconds, and do not end among the dead letters here.
const SHOP: &str = "
version: 1
pipeline: shop
queue: { visibility_timeout: 3s, dead_letter: { after: 1000 } }
topics: { large-orders: {} }
function: { source: lambda, timeout: 3s }
processing: { large_order: { threshold: { USD: 1000 }, notify: large-orders } }
";

fn order(id: &str, amount: u32) -> String {
    json!({
        "transaction_id": id, "customer_id": "c", "amount": amount, "currency": "USD",
        "timestamp": "2026-11-22T11:00:00Z",
    })
    .to_string()
}

/// Asks again until it is so.
async fn until<F: Future<Output = bool>>(aws: &Aws, what: &str, mut is_so: impl FnMut() -> F) {
    let wait = Wait { reason: what, limit: Duration::from_secs(60) };
    aws.until(wait, &|_| (), async || Ok(is_so().await.then_some(()))).await.unwrap();
}

async fn waiting(aws: &Aws, queue: &str) -> usize {
    let names = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        QueueAttributeName::ApproximateNumberOfMessagesDelayed,
    ];
    let call = aws.sqs.get_queue_attributes().queue_url(aws.queue_url(queue));
    let counts = call.set_attribute_names(Some(names.to_vec())).send().await.unwrap().attributes.unwrap();
    counts.values().map(|count| count.parse::<usize>().unwrap()).sum()
}

/// A claim that nobody will ever make good, in the row of an order that was announced.
async fn claim_for_another(aws: &Aws, pipeline: &Pipeline, id: &str, expires_at: i64) {
    let members = [
        ("state", AttributeValue::S("pending".into())),
        ("owner", AttributeValue::S("another".into())),
        ("expires_at", AttributeValue::N(expires_at.to_string())),
        ("threshold", AttributeValue::N("1000".into())),
    ];
    let claim = members.map(|(name, value)| (name.to_owned(), value)).into();
    let call = aws.dynamodb.update_item().table_name(pipeline.table_name());
    let call = call.key("transaction_id", AttributeValue::S(id.into())).update_expression("SET announcement = :claim");
    call.expression_attribute_values(":claim", AttributeValue::M(claim)).send().await.unwrap();
}

/// Whether the processor has said this of a transaction.
async fn has_said(aws: &Aws, pipeline: &Pipeline, id: &str, decision: &str) -> bool {
    let call = aws.logs.filter_log_events().log_group_name(pipeline.log_group_name()).send().await;
    let events = call.unwrap().events.unwrap_or_default();
    let wanted = [format!("\"transaction_id\":\"{id}\""), format!("\"decision\":\"{decision}\"")];
    events.iter().filter_map(|event| event.message()).any(|line| wanted.iter().all(|part| line.contains(part)))
}

#[test]
fn a_mixed_batch_accounts_for_every_message() {
    run(async {
        let world = World::new().await;
        let pipeline = pipeline(SHOP);
        let aws = world.aws(&pipeline);
        world.converge(&aws, &world.graph(&pipeline)).await;
        let (queue, table) = (pipeline.queue_name(), pipeline.table_name());
        let topic = world.scope.arn("sns", "shop-large-orders");
        let listener = aws.listen(&topic).await.unwrap();

        // Known before: an order, and a large one whose announcement another has claimed and never makes.
        for (id, amount) in [("known", 5), ("claimed", 2_000)] {
            aws.send(&queue, &order(id, amount)).await.unwrap();
            aws.stored(&table, "transaction_id", id).await.unwrap();
        }
        aws.heard(&listener, "claimed").await.unwrap();
        until(&aws, "the queue is empty", || async { waiting(&aws, &queue).await == 0 }).await;
        claim_for_another(&aws, &pipeline, "claimed", i64::MAX).await;

        let bodies = [
            order("valid", 5),
            order("large", 1_000),
            r#"{"transaction_id":"invalid"}"#.to_owned(),
            order("known", 5),
            order("known", 6),
            order("valid", 5),
            order("claimed", 2_000),
        ];
        let entry = |(index, body): (usize, &String)| {
            SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(body).build().unwrap()
        };
        let entries = bodies.iter().enumerate().map(entry).collect();
        aws.sqs.send_message_batch().queue_url(aws.queue_url(&queue)).set_entries(Some(entries)).send().await.unwrap();

        let amount = async |id: &str| aws.stored(&table, "transaction_id", id).await.unwrap()["amount"].clone();
        assert_eq!((amount("valid").await.as_str(), amount("large").await.as_str()), ("5", "1000"));
        aws.heard(&listener, "large").await.unwrap();
        let mut reasons = BTreeMap::new();
        for about in ["invalid", "known"] {
            let received = aws.received(&pipeline.quarantine_name(), about).await.unwrap();
            let codes: Vec<_> = received.reasons().into_iter().map(|reason| reason.code).collect();
            reasons.insert(received.body, codes);
        }
        assert!(reasons[&bodies[2]].iter().any(|code| code == "missing_field"), "{reasons:?}");
        assert_eq!(reasons[&bodies[4]], ["conflict"]);
        assert_eq!(amount("known").await, "5", "the conflict changed nothing");

        // The transient failure: given back, again and again, until the claim has expired; then announced.
        until(&aws, "the claimed one fails", || has_said(&aws, &pipeline, "claimed", "failed")).await;
        claim_for_another(&aws, &pipeline, "claimed", 0).await;
        aws.heard(&listener, "claimed").await.unwrap();
        until(&aws, "the queue is empty", || async { waiting(&aws, &queue).await == 0 }).await;
        let claimed = aws.stored(&table, "transaction_id", "claimed").await.unwrap();
        assert!(claimed["announcement"].contains("state: sent"), "{claimed:?}");

        for (id, decision) in [("known", "duplicate"), ("known", "conflict"), ("claimed", "announced")] {
            until(&aws, &format!("{id} is {decision}"), || has_said(&aws, &pipeline, id, decision)).await;
        }
        let left = [&pipeline.quarantine_name(), &pipeline.dead_letter_name(), &queue];
        for queue in left {
            assert_eq!(waiting(&aws, queue).await, 0, "{queue}");
        }
        aws.stop_listening(&listener).await.unwrap();
    });
}
