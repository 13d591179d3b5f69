//! The example pipeline on the local AWS, with the real processor: from nothing to nothing.

use std::collections::BTreeSet;

use pipewright::aws::Aws;
use pipewright::config::Pipeline;
use pipewright::reconcile::{Action, Address, Cloud, Graph, Kind, Options, Owner};
use pipewright::resources::unusual;
use serde_json::{Value, json};

use crate::backend::{World, everything, run};
use crate::golden::root;
use crate::world::pipeline;

pub fn example(edit: impl Fn(String) -> String) -> Pipeline {
    pipeline(&edit(std::fs::read_to_string(root().join("pipeline.yaml")).unwrap()))
}

pub fn unchanged(yaml: String) -> String {
    yaml
}

pub fn replaced(from: &'static str, to: &'static str) -> impl Fn(String) -> String {
    move |yaml| {
        assert!(yaml.contains(from), "the example has no `{from}`");
        yaml.replace(from, to)
    }
}

fn transaction(id: &str, amount: &str) -> String {
    json!({
        "transaction_id": id, "customer_id": "c", "amount": amount, "currency": "USD",
        "timestamp": "2026-11-22T11:00:00Z",
    })
    .to_string()
}

#[test]
fn the_example_is_created_works_is_edited_and_leaves_nothing() {
    run(async {
        let world = World::new().await;
        let pipeline = example(unchanged);
        let (aws, graph) = (world.aws(&pipeline), world.graph(&pipeline));
        world.converge(&aws, &graph).await;
        the_second_plan_is_empty(&world, &aws, &graph).await;
        every_transaction_finds_its_place(&aws, &pipeline).await;
        one_threshold_is_one_write(&world).await;
        alarm_limits_are_a_write_each(&world).await;
        destroy_leaves_nothing(&world, &aws).await;
    });
}

async fn the_second_plan_is_empty(world: &World, aws: &Aws, graph: &Graph) {
    world.wire.clear();
    let (plan, _) = world.plan(aws, graph, &Options::default()).await;
    assert!(plan.is_empty(), "{plan:#?}");
    assert_eq!(plan.unchanged.len(), graph.addresses().len());
    assert_eq!(world.wire.writes(), Vec::<String>::new(), "a plan only reads");
}

async fn every_transaction_finds_its_place(aws: &Aws, pipeline: &Pipeline) {
    let topic = aws.scope.arn("sns", "ecommerce-transactions-large-orders");
    let listener = aws.listen(&topic).await.unwrap();
    let queue = pipeline.queue_name();
    for body in [transaction("small", "1.50"), transaction("large", "1000"), r#"{"transaction_id":"bad"}"#.to_owned()] {
        aws.send(&queue, &body).await.unwrap();
    }
    let small = aws.stored(&pipeline.table_name(), "transaction_id", "small").await.unwrap();
    assert_eq!(small["currency"], "USD");
    assert!(!small.contains_key("announcement"));
    let heard = aws.heard(&listener, "large").await.unwrap();
    assert!(heard.body.contains("1000"), "{heard:?}");
    aws.stored(&pipeline.table_name(), "transaction_id", "large").await.unwrap();
    let quarantined = aws.received(&pipeline.quarantine_name(), "bad").await.unwrap();
    let reasons = quarantined.reasons();
    let found = reasons.iter().any(|reason| (&*reason.code, &*reason.at) == ("missing_field", "/amount"));
    assert!(found, "{reasons:?}");
    aws.stop_listening(&listener).await.unwrap();
}

async fn one_threshold_is_one_write(world: &World) {
    let edited = example(replaced("threshold: { USD: 1000 }", "threshold: { USD: 2000 }"));
    let (aws, graph) = (world.aws(&edited), world.graph(&edited));
    let (plan, _) = world.plan(&aws, &graph, &Options::default()).await;
    assert_eq!(plan.steps.len(), 1);
    assert_eq!(plan.steps[0].changes.0.len(), 1);
    world.wire.clear();
    assert!(world.apply(&aws, &graph, &|_| ()).await.succeeded());
    let function = "lambda.PUT /2015-03-31/functions/ecommerce-transactions-processor/configuration";
    assert_eq!(world.wire.writes(), [function]);
    the_second_plan_is_empty(world, &aws, &graph).await;
}

async fn alarm_limits_are_a_write_each(world: &World) {
    let edited = example(|yaml| {
        let yaml = replaced("threshold: { USD: 1000 }", "threshold: { USD: 2000 }")(yaml);
        let yaml = replaced("above: 0,", "above: 7,")(yaml);
        replaced("above: 80%", "above: 60%")(replaced("above: 5m", "above: 9m")(yaml))
    });
    let (aws, graph) = (world.aws(&edited), world.graph(&edited));
    world.wire.clear();
    assert!(world.apply(&aws, &graph, &|_| ()).await.succeeded());
    assert_eq!(world.wire.writes(), vec!["monitoring.PutMetricAlarm"; 5]);
    the_second_plan_is_empty(world, &aws, &graph).await;
}

async fn destroy_leaves_nothing(world: &World, aws: &Aws) {
    let nothing = Graph::empty(unusual);
    let wanted = world.graph(&example(unchanged)).addresses();
    let before = aws.snapshot(&wanted).await.unwrap();
    assert!(before.resources.keys().any(|address| address.kind == Kind::Table));
    world.converge(aws, &nothing).await;
    let left = aws.snapshot(&wanted).await.unwrap();
    assert_eq!(left.addresses(), BTreeSet::new());
}

#[test]
fn what_somebody_changed_is_shown_alone_and_put_right() {
    run(async {
        let world = World::new().await;
        let pipeline = example(unchanged);
        let (aws, graph) = (world.aws(&pipeline), world.graph(&pipeline));
        world.converge(&aws, &graph).await;
        let url = aws.queue_url(&pipeline.queue_name());
        let attribute = aws_sdk_sqs::types::QueueAttributeName::MessageRetentionPeriod;
        aws.sqs.set_queue_attributes().queue_url(url).attributes(attribute, "60").send().await.unwrap();
        aws.cloudwatch.disable_alarm_actions().alarm_names("ecommerce-transactions-dead-letters").send().await.unwrap();
        let (plan, _) = world.plan(&aws, &graph, &Options::default()).await;
        let changes: Vec<_> = plan
            .steps
            .iter()
            .flat_map(|step| step.changes.iter().map(|change| (step.address.to_string(), change.path.clone())))
            .collect();
        assert_eq!(
            changes,
            [
                ("queue/ecommerce-transactions-queue".into(), "retention_seconds".into()),
                ("alarm/ecommerce-transactions-dead-letters".into(), "actions_enabled".into()),
            ]
        );
        world.converge(&aws, &graph).await;
    });
}

#[test]
fn a_foreign_queue_in_the_way_is_not_touched_until_it_is_adopted() {
    run(async {
        let world = World::new().await;
        let pipeline = example(unchanged);
        let (aws, graph) = (world.aws(&pipeline), world.graph(&pipeline));
        let name = pipeline.queue_name();
        aws.sqs.create_queue().queue_name(&name).send().await.unwrap();
        let (plan, before) = world.plan(&aws, &graph, &Options::default()).await;
        let refused = plan.refusals();
        assert_eq!(refused[0].code, "foreign-in-the-way");
        assert_eq!(refused[0].address, Some(Address::new(Kind::Queue, &name)));
        let at = Address::new(Kind::Queue, &name);
        assert!(!plan.steps.iter().any(|step| step.address == at));

        let options = Options { adopt: true, ..everything() };
        let (plan, _) = world.plan(&aws, &graph, &options).await;
        assert_eq!(plan.count(Action::Adopt), 1);
        assert_eq!(before.resources[&at].owner, Owner::Foreign { pipeline: None });
        let report = world.apply_with(&aws, &graph, &options, &|_| ()).await;
        assert!(report.succeeded(), "{report:#?}");
        the_second_plan_is_empty(&world, &aws, &graph).await;
    });
}

#[test]
fn a_log_group_that_others_share_is_not_taken_over_and_the_function_s_own_is() {
    run(async {
        let world = World::new().await;
        let shared = example(|yaml| {
            // A second environment with the same group would be refused.
            let alone = yaml.split("\nenvironments:").next().unwrap().to_owned();
            replaced("log_retention: 14d", "log_group: /company/shared")(alone)
        });
        let own = example(unchanged);
        for name in ["/company/shared".to_owned(), own.log_group_name()] {
            world.aws(&own).logs.create_log_group().log_group_name(name).send().await.unwrap();
        }
        let (plan, _) = world.plan(&world.aws(&shared), &world.graph(&shared), &everything()).await;
        assert_eq!(plan.refusals()[0].address, Some(Address::new(Kind::LogGroup, "/company/shared")));
        // Lambda makes the function's group by itself, without a mark: that one is ours to claim.
        world.converge(&world.aws(&own), &world.graph(&own)).await;
    });
}

#[test]
fn two_environments_live_side_by_side() {
    run(async {
        let world = World::new().await;
        let text = std::fs::read_to_string(root().join("pipeline.yaml")).unwrap();
        let prod = pipewright::config::load_text("pipeline.yaml", &text, Some("prod")).unwrap().pipeline;
        let base = example(unchanged);
        world.converge(&world.aws(&base), &world.graph(&base)).await;
        world.converge(&world.aws(&prod), &world.graph(&prod)).await;
        the_second_plan_is_empty(&world, &world.aws(&base), &world.graph(&base)).await;
        world.converge(&world.aws(&prod), &Graph::empty(unusual)).await;
        the_second_plan_is_empty(&world, &world.aws(&base), &world.graph(&base)).await;
    });
}

#[test]
fn what_left_the_file_is_deleted() {
    run(async {
        let world = World::new().await;
        let pipeline = example(unchanged);
        world.converge(&world.aws(&pipeline), &world.graph(&pipeline)).await;
        let less = example(|yaml| {
            let yaml =
                replaced("  dead-letters: { metric: dead_letter.visible, above: 0, notify: alerts }\n", "")(yaml);
            replaced("    subscribers:\n      - { email: sales@example.com }\n", "    display_name: Sales\n")(yaml)
                + "dashboard: { enabled: false }\n"
        });
        let (aws, graph) = (world.aws(&less), world.graph(&less));
        let (plan, _) = world.plan(&aws, &graph, &Options::default()).await;
        let gone: Vec<_> = plan
            .steps
            .iter()
            .filter(|step| step.action == Action::Delete)
            .map(|step| step.address.to_string())
            .collect();
        assert_eq!(
            gone,
            [
                "subscription/ecommerce-transactions-large-orders/email/sales@example.com",
                "alarm/ecommerce-transactions-dead-letters",
                "dashboard/ecommerce-transactions-us-east-1",
            ]
        );
        world.converge(&aws, &graph).await;
    });
}

#[test]
fn a_mapping_that_somebody_disabled_is_a_finding_and_starts_again_only_with_resume() {
    run(async {
        let world = World::new().await;
        let pipeline = example(unchanged);
        let (aws, graph) = (world.aws(&pipeline), world.graph(&pipeline));
        world.converge(&aws, &graph).await;
        let (_, snapshot) = world.plan(&aws, &graph, &Options::default()).await;
        let (_, mapping) =
            snapshot.resources.iter().find(|(address, _)| address.kind == Kind::EventSourceMapping).unwrap();
        let id = mapping.id.clone().unwrap();
        aws.lambda.update_event_source_mapping().uuid(&id).enabled(false).send().await.unwrap();
        let (plan, _) = world.plan(&aws, &graph, &Options::default()).await;
        assert!(plan.is_empty());
        assert_eq!(plan.findings[0].code, "mapping-disabled");

        // Another change does not start it.
        let smaller = example(replaced("batch: { size: 10 }", "batch: { size: 9 }"));
        assert!(world.apply(&world.aws(&smaller), &world.graph(&smaller), &|_| ()).await.succeeded());
        let (plan, _) = world.plan(&world.aws(&smaller), &world.graph(&smaller), &Options::default()).await;
        assert_eq!((plan.is_empty(), plan.findings[0].code.as_str()), (true, "mapping-disabled"));
        assert!(world.apply(&aws, &graph, &|_| ()).await.succeeded());

        let options = Options { resume: true, ..Options::default() };
        let report = world.apply_with(&aws, &graph, &options, &|_| ()).await;
        assert!(report.succeeded(), "{report:?}");
        let (plan, snapshot) = world.plan(&aws, &graph, &Options::default()).await;
        assert!(plan.findings.is_empty(), "{plan:?}");
        let state = snapshot
            .resources
            .values()
            .find_map(|live| live.observations.get("state").filter(|_| live.id == Some(id.clone())));
        assert_eq!(state, Some(&Value::from("Enabled")));
    });
}

/// Every option there is, created and proved; then the same pipeline with none of them, which resets every one.
#[test]
fn every_option_is_written_and_every_option_taken_out_is_reset() {
    run(async {
        let world = World::new().await;
        let text = std::fs::read_to_string(root().join("examples/every-option.yaml")).unwrap();
        let pinned = format!("account: \"{}\"", world.scope.account);
        let text = text.replace("account: \"111122223333\"", &pinned).replace("source: ../lambda", "source: lambda");
        let full = pipeline(&text);
        world.converge(&world.aws(&full), &world.graph(&full)).await;
        let bare = pipeline("version: 1\npipeline: orders\nfunction: { source: lambda }\n");
        let (aws, graph) = (world.aws(&bare), world.graph(&bare));
        world.converge(&aws, &graph).await;
        let (plan, _) = world.plan(&aws, &graph, &Options::default()).await;
        assert!(plan.is_empty(), "{plan:#?}");
        world.converge(&aws, &Graph::empty(unusual)).await;
    });
}
