//! Others write too: between our plan and our write, and at the same time.

use std::cell::Cell;

use pipewright::config::Pipeline;
use pipewright::reconcile::{Address, ErrorKind, Event, Kind, Options, Plan, apply, settle};

use crate::backend::{World, everything, run};
use crate::end_to_end::{example, replaced, unchanged};

fn sized(memory: &'static str) -> Pipeline {
    example(replaced("memory: 256 MiB", memory))
}

#[test]
fn what_somebody_wrote_between_plan_and_apply_stops_that_step_alone() {
    run(async {
        let world = World::new().await;
        let (first, edited) = (
            example(unchanged),
            example(|yaml| {
                let yaml = replaced("retention: 4d", "retention: 5d")(yaml);
                replaced("memory: 256 MiB", "memory: 512 MiB")(yaml)
            }),
        );
        let aws = world.aws(&first);
        world.converge(&aws, &world.graph(&first)).await;
        let graph = world.graph(&edited);
        let (plan, snapshot) = world.plan(&aws, &graph, &everything()).await;
        let url = aws.queue_url(&first.queue_name());
        let delay = aws_sdk_sqs::types::QueueAttributeName::DelaySeconds;
        aws.sqs.set_queue_attributes().queue_url(&url).attributes(delay.clone(), "7").send().await.unwrap();

        let report = apply(&aws, &plan, &graph, &snapshot, std::future::pending(), &|_| ()).await;
        assert_eq!(report.failed.len(), 1, "{report:#?}");
        let (task, error) = &report.failed[0];
        assert_eq!(task.address, Address::new(Kind::Queue, first.queue_name()));
        assert_eq!(error.kind, ErrorKind::ChangedSincePlan);
        assert!(error.to_string().contains("changed since the plan; it was not touched\nhint: plan again"), "{error}");
        let live = aws.sqs.get_queue_attributes().queue_url(&url).attribute_names(delay.clone()).send().await.unwrap();
        assert_eq!(live.attributes.unwrap()[&delay], "7", "what somebody wrote is still there");
        world.converge(&aws, &graph).await;
    });
}

/// Whether an apply that was planned before tells that it did not get what it wanted.
async fn says_so(world: &World, wanted: &Pipeline, planned: &(Plan, pipewright::reconcile::Snapshot)) -> bool {
    let (aws, graph) = (world.hasty(wanted), world.graph(wanted));
    let (plan, snapshot) = planned;
    let settled = Cell::new(0);
    let on = |event| {
        if matches!(event, Event::Settling { .. }) {
            settled.set(settled.get() + 1);
        }
    };
    let report = apply(&aws, plan, &graph, snapshot, std::future::pending(), &on).await;
    if !report.succeeded() {
        return true;
    }
    !settle(&aws, plan, &graph, &everything(), &on).await.unwrap().is_empty()
}

#[test]
fn of_two_applies_at_once_that_want_different_things_one_says_so_and_the_next_converges() {
    run(async {
        let world = World::new().await;
        let (first, one, other) = (example(unchanged), sized("memory: 512 MiB"), sized("memory: 1024 MiB"));
        world.converge(&world.aws(&first), &world.graph(&first)).await;
        let plan = async |wanted: &Pipeline| world.plan(&world.aws(wanted), &world.graph(wanted), &everything()).await;
        let (plan_one, plan_other) = (plan(&one).await, plan(&other).await);
        let (one_says, other_says) =
            tokio::join!(says_so(&world, &one, &plan_one), says_so(&world, &other, &plan_other));
        assert!(one_says || other_says);
        world.converge(&world.aws(&one), &world.graph(&one)).await;
    });
}

#[test]
fn two_first_applies_at_once_end_in_what_the_next_one_converges() {
    run(async {
        let world = World::new().await;
        let pipeline = example(unchanged);
        let (aws, second, graph) = (world.aws(&pipeline), world.aws(&pipeline), world.graph(&pipeline));
        let ((plan, seen), (plan_too, seen_too)) =
            (world.plan(&aws, &graph, &everything()).await, world.plan(&second, &graph, &everything()).await);
        let (one, other) = tokio::join!(
            apply(&aws, &plan, &graph, &seen, std::future::pending(), &|_| ()),
            apply(&second, &plan_too, &graph, &seen_too, std::future::pending(), &|_| ()),
        );
        assert!(!one.succeeded() || !other.succeeded(), "a table, a function, a role cannot be made twice");
        world.converge(&aws, &graph).await;
        let mappings = aws.lambda.list_event_source_mappings().send().await.unwrap();
        assert_eq!(mappings.event_source_mappings().len(), 1);
        let (plan, _) = world.plan(&aws, &graph, &Options::default()).await;
        assert!(plan.is_empty());
    });
}

#[test]
fn an_environment_s_resources_go_with_it_and_the_others_stay() {
    run(async {
        let world = World::new().await;
        let text = std::fs::read_to_string(crate::golden::root().join("pipeline.yaml")).unwrap();
        let prod = pipewright::config::load_text("pipeline.yaml", &text, Some("prod")).unwrap().pipeline;
        let other = example(replaced("pipeline: ecommerce-transactions", "pipeline: ecommerce"));
        for pipeline in [&example(unchanged), &prod, &other] {
            world.converge(&world.aws(pipeline), &world.graph(pipeline)).await;
        }
        let nothing = pipewright::reconcile::Graph::empty(pipewright::resources::unusual);
        world.converge(&world.aws(&prod), &nothing).await;
        for pipeline in [&example(unchanged), &other] {
            let (plan, _) = world.plan(&world.aws(pipeline), &world.graph(pipeline), &Options::default()).await;
            assert!(plan.is_empty() && plan.findings.is_empty(), "{plan:#?}");
        }
    });
}
