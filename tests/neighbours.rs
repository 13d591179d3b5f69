//! What belongs to others beside and inside our resources: it stays, and it is mentioned.

use std::collections::BTreeSet;

use aws_sdk_sqs::types::QueueAttributeName as Attribute;
use pipewright::reconcile::{Kind, Options, Plan};
use serde_json::{Value, json};

use crate::backend::{World, run};
use crate::end_to_end::{example, replaced, unchanged};

fn codes(plan: &Plan) -> BTreeSet<&str> {
    plan.findings.iter().map(|finding| finding.code.as_str()).collect()
}

#[test]
fn others_subscriptions_statements_and_tags_are_mentioned_and_survive_our_changes() {
    run(async {
        let world = World::new().await;
        let pipeline = example(unchanged);
        let (aws, graph) = (world.aws(&pipeline), world.graph(&pipeline));
        world.converge(&aws, &graph).await;
        let (url, topic) =
            (aws.queue_url(&pipeline.queue_name()), aws.scope.arn("sns", "ecommerce-transactions-alerts"));
        let read = aws.sqs.get_queue_attributes().queue_url(&url).attribute_names(Attribute::Policy);
        let mut policy: Value =
            serde_json::from_str(&read.send().await.unwrap().attributes.unwrap()[&Attribute::Policy]).unwrap();
        policy["Statement"].as_array_mut().unwrap().push(json!({
            "Sid": "Auditors", "Effect": "Allow", "Principal": "*", "Action": "sqs:GetQueueAttributes", "Resource": "*",
        }));
        let set = aws.sqs.set_queue_attributes().queue_url(&url).attributes(Attribute::Policy, policy.to_string());
        set.send().await.unwrap();
        aws.sqs.tag_queue().queue_url(&url).tags("cost-center", "42").send().await.unwrap();
        aws.sns.subscribe().topic_arn(&topic).protocol("email").endpoint("boss@example.com").send().await.unwrap();

        let (plan, _) = world.plan(&aws, &graph, &Options::default()).await;
        assert!(plan.is_empty(), "{plan:#?}");
        assert_eq!(codes(&plan), ["foreign-statements", "foreign-subscription", "foreign-tags"].into());

        let edited = example(|yaml| {
            let yaml = replaced("tags: { team: payments }", "tags: { owner: shop }")(yaml);
            replaced("  visibility_timeout: 3m", "  senders: [\"444455556666\"]\n  visibility_timeout: 3m")(yaml)
        });
        world.converge(&world.aws(&edited), &world.graph(&edited)).await;
        let attributes = aws.sqs.get_queue_attributes().queue_url(&url).attribute_names(Attribute::Policy);
        let policy = attributes.send().await.unwrap().attributes.unwrap()[&Attribute::Policy].clone();
        assert!(policy.contains("Auditors") && policy.contains("PipewrightSenders"), "{policy}");
        let tags = aws.sqs.list_queue_tags().queue_url(&url).send().await.unwrap().tags.unwrap();
        assert_eq!((tags.get("cost-center").map(String::as_str), tags.get("team")), (Some("42"), None), "{tags:?}");
        let listed = aws.sns.list_subscriptions_by_topic().topic_arn(&topic).send().await.unwrap();
        assert!(listed.subscriptions().iter().any(|one| one.endpoint() == Some("boss@example.com")));
    });
}

#[test]
fn another_consumer_of_our_queue_is_a_finding_and_no_step() {
    run(async {
        let world = World::new().await;
        let (ours, theirs) =
            (example(unchanged), example(replaced("pipeline: ecommerce-transactions", "pipeline: other")));
        for pipeline in [&ours, &theirs] {
            world.converge(&world.aws(pipeline), &world.graph(pipeline)).await;
        }
        let (aws, graph) = (world.aws(&ours), world.graph(&ours));
        let call = aws.lambda.create_event_source_mapping().function_name("other-processor");
        call.event_source_arn(aws.scope.arn("sqs", &ours.queue_name())).send().await.unwrap();
        let (plan, _) = world.plan(&aws, &graph, &Options::default()).await;
        assert!(plan.is_empty(), "{plan:#?}");
        assert_eq!(codes(&plan), ["foreign-mapping"].into());
        let told = &plan.findings[0];
        assert_eq!(told.address.as_ref().map(|at| at.kind), Some(Kind::EventSourceMapping));
        assert!(told.message.contains("other-processor"), "{told:?}");
    });
}

#[test]
fn a_pending_subscription_gets_no_step_and_is_told_with_the_alarms_that_nobody_hears() {
    run(async {
        let world = World::new().await;
        let pipeline = example(unchanged);
        let (aws, graph) = (world.aws(&pipeline), world.graph(&pipeline));
        world.converge(&aws, &graph).await;
        let page = |topic: &str, subscriptions: &[(&str, &str)]| {
            let arn = aws.scope.arn("sns", topic);
            let member = |(protocol, endpoint): &(&str, &str)| {
                format!(
                    "<member><SubscriptionArn>PendingConfirmation</SubscriptionArn><TopicArn>{arn}</TopicArn><Protocol>{protocol}</Protocol><Endpoint>{endpoint}</Endpoint><Owner>1</Owner></member>"
                )
            };
            let members: String = subscriptions.iter().map(member).collect();
            let body = format!(
                "<ListSubscriptionsByTopicResponse><ListSubscriptionsByTopicResult><Subscriptions>{members}</Subscriptions></ListSubscriptionsByTopicResult></ListSubscriptionsByTopicResponse>"
            );
            crate::backend::Answer::page(&body)
        };
        // Asked twice for each topic: for its subscribers, and for others'.
        let (alerts, https) = (("email", "oncall@example.com"), ("https", "https://hooks.example.com/aws"));
        let pending = page("ecommerce-transactions-alerts", &[alerts, https]);
        world.wire.fault("sns.ListSubscriptionsByTopic", vec![pending; 4]);
        let (plan, _) = world.plan(&aws, &graph, &Options::default()).await;
        world.wire.mend();
        let told = codes(&plan);
        assert!(told.contains("subscription-pending"), "{plan:#?}");
        assert!(told.contains("alarm-unheard"), "who only hears from pending subscribers is not heard: {plan:#?}");
        let steps: Vec<_> = plan.steps.iter().map(|step| step.address.to_string()).collect();
        assert!(steps.iter().all(|at| !at.contains("alerts")), "{steps:?}");
    });
}
