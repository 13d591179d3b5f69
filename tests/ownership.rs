//! Ours and no longer in the file is deleted, foreign and in the way is named and adopted: on both local AWSs.

use std::collections::BTreeSet;

use pipewright::aws::Aws;
use pipewright::config::Pipeline;
use pipewright::reconcile::{Action, Cloud, Graph, Kind, Options, Owner};
use pipewright::resources::gaps::Backend;
use pipewright::resources::unusual;

use crate::backend::{World, run};
use crate::world::pipeline;

/// A small pipeline with every kind of resource in it.
fn shop(more: &str) -> Pipeline {
    pipeline(&format!("version: 1\npipeline: shop\n{more}"))
}

fn deleted(plan: &pipewright::reconcile::Plan) -> BTreeSet<String> {
    let deletes = plan.steps.iter().filter(|step| step.action == Action::Delete);
    deletes.map(|step| step.address.to_string()).collect()
}

/// Every name in the file is explicit, and then another, or gone.
async fn what_is_renamed_or_left_the_file_is_deleted(world: World) {
    // The tagging API of MiniStack lists neither alarms nor log groups: there only their names tell whose they are.
    let by_tag = world.backend == Backend::Moto;
    let alarm = if by_tag { "watch-" } else { "shop-" };
    let named = |at: &str, slow: &str| {
        shop(&format!(
            "queue: {{ name: incoming-{at} }}
topics: {{ alerts: {{ name: on-call-{at}, subscribers: [{{ email: a@example.com }}] }} }}
table: {{ deletion_protection: false, name: transactions-{at} }}
role: {{ name: role-{at} }}
function: {{ source: lambda, name: processor-{at} }}
alarms:
  failed: {{ name: {alarm}failed-{at}, metric: processor.failed, above: 0, notify: alerts }}
{slow}"
        ))
    };
    let slow = format!("  slow: {{ name: {alarm}slow, metric: queue.oldest_message_age, above: 5m }}\n");
    let (old, new) = (named("old", &slow), named("new", ""));
    let (before, after) = (world.graph(&old), world.graph(&new));
    world.converge(&world.aws(&old), &before).await;

    let aws = world.aws(&new);
    let (plan, _) = world.plan(&aws, &after, &world.everything()).await;
    let expected = [
        "queue/incoming-old",
        "topic/on-call-old",
        "subscription/on-call-old/email/a@example.com",
        "table/transactions-old",
        "role/role-old",
        "function/processor-old",
        "event-source-mapping/incoming-old/processor-old",
    ];
    let mut expected: BTreeSet<String> = expected.map(str::to_owned).into();
    expected.extend([format!("alarm/{alarm}failed-old"), format!("alarm/{alarm}slow")]);
    expected.extend(by_tag.then(|| "log-group//aws/lambda/processor-old".to_owned()));
    assert_eq!(deleted(&plan), expected);
    world.converge(&aws, &after).await;
    let log_group = before.addresses().into_iter().filter(|at| !by_tag && at.kind == Kind::LogGroup);
    let asked = before.addresses().union(&after.addresses()).cloned().collect();
    let live = aws.snapshot(&asked).await.unwrap().addresses();
    assert_eq!(live, after.addresses().into_iter().chain(log_group).collect());
}

/// Made by another pipeline under our names, each with something that differs.
async fn what_is_foreign_is_named_and_untouched_until_it_is_adopted(world: World) {
    let theirs = shop(
        "function: { source: lambda }
topics: { alerts: {} }
alarms: { failed: { metric: processor.failed, above: 0 } }
",
    );
    let ours = shop(
        "tags: { team: orders }
queue: { retention: 3d }
function: { source: lambda, memory: 512 MiB, log_retention: 7d, batch: { size: 5 } }
table: { point_in_time_recovery: true }
topics: { alerts: { display_name: Alerts } }
role: { permissions_boundary: \"arn:aws:iam::111122223333:policy/boundary\" }
alarms: { failed: { metric: processor.failed, above: 7 } }
",
    );
    let other = Aws { pipeline: "other".into(), ..world.aws(&theirs) };
    assert!(world.apply(&other, &world.graph(&theirs), &|_| ()).await.succeeded());
    // A dashboard's mark is in its text.
    let body = r#"{"widgets":[]}"#;
    other.cloudwatch.put_dashboard().dashboard_name("shop-us-east-1").dashboard_body(body).send().await.unwrap();

    let (aws, graph) = (world.aws(&ours), world.graph(&ours));
    let (plan, before) = world.plan(&aws, &graph, &world.everything()).await;
    assert!(plan.is_empty(), "{plan:#?}");
    let refused = plan.refusals();
    assert!(refused.iter().all(|finding| finding.code == "foreign-in-the-way"), "{refused:#?}");
    assert_eq!(refused.into_iter().filter_map(|finding| finding.address).collect::<BTreeSet<_>>(), graph.addresses());
    let kinds: BTreeSet<Kind> = graph.addresses().iter().map(|at| at.kind).collect();
    assert_eq!(kinds.len(), Kind::ALL.len() - 1, "all but subscriptions, which their topic records");

    world.wire.clear();
    let adopting = Options { adopt: true, ..world.everything() };
    let (plan, _) = world.plan(&aws, &graph, &adopting).await;
    assert_eq!(world.wire.writes(), Vec::<String>::new());
    assert_eq!(plan.count(Action::Adopt), graph.addresses().len());
    for step in plan.steps.iter().filter(|step| step.address.kind != Kind::EventSourceMapping) {
        assert!(!step.changes.is_empty(), "{step:?}");
        assert_ne!(before.resources[&step.address].owner, Owner::Ours);
    }
    let report = world.apply_with(&aws, &graph, &adopting, &|_| ()).await;
    assert!(report.succeeded(), "{:#?}", report.failed);
    let (plan, after) = world.plan(&aws, &graph, &world.everything()).await;
    assert!(plan.is_empty() && plan.refusals().is_empty(), "{plan:#?}");
    assert!(after.resources.values().all(|live| live.owner == Owner::Ours));
    // Theirs no longer: for them it is in the way.
    let (plan, _) = world.plan(&other, &world.graph(&theirs), &world.everything()).await;
    assert!(plan.is_empty() && !plan.refusals().is_empty());
}

async fn an_environment_is_destroyed_beside_the_others(world: World) {
    let text = std::fs::read_to_string(crate::golden::root().join("pipeline.yaml")).unwrap();
    let load = |environment| pipewright::config::load_text("pipeline.yaml", &text, environment).unwrap().pipeline;
    let (base, prod) = (load(None), load(Some("prod")));
    let (base_graph, prod_graph) = (world.graph(&base), world.graph(&prod));
    world.converge(&world.aws(&base), &base_graph).await;
    world.converge(&world.aws(&prod), &prod_graph).await;
    let (plan, _) = world.plan(&world.aws(&prod), &Graph::empty(unusual), &world.everything()).await;
    assert_eq!(plan.steps.iter().map(|step| step.address.clone()).collect::<BTreeSet<_>>(), prod_graph.addresses());
    world.converge(&world.aws(&prod), &Graph::empty(unusual)).await;
    let (plan, _) = world.plan(&world.aws(&base), &base_graph, &world.everything()).await;
    assert!(plan.is_empty(), "{plan:#?}");
    let left = world.aws(&prod).snapshot(&prod_graph.addresses()).await.unwrap();
    assert_eq!(left.addresses(), BTreeSet::new());
}

mod ministack {
    use super::*;

    #[test]
    fn what_is_renamed_or_left_the_file_is_deleted() {
        run(async { super::what_is_renamed_or_left_the_file_is_deleted(World::new().await).await });
    }

    #[test]
    fn what_is_foreign_is_named_and_untouched_until_it_is_adopted() {
        run(async { super::what_is_foreign_is_named_and_untouched_until_it_is_adopted(World::new().await).await });
    }
}

mod moto {
    use super::*;

    async fn world() -> World {
        World::on(Backend::Moto).await
    }

    #[test]
    fn what_is_renamed_or_left_the_file_is_deleted_alarms_by_their_tag() {
        run(async { what_is_renamed_or_left_the_file_is_deleted(world().await).await });
    }

    #[test]
    fn what_is_foreign_is_named_and_untouched_until_it_is_adopted() {
        run(async { super::what_is_foreign_is_named_and_untouched_until_it_is_adopted(world().await).await });
    }

    #[test]
    fn an_environment_is_destroyed_beside_the_others() {
        run(async { super::an_environment_is_destroyed_beside_the_others(world().await).await });
    }

    #[test]
    fn a_log_group_under_any_name_is_found_by_its_tag() {
        run(async {
            let world = world().await;
            let old = shop("function: { source: lambda, log_group: /company/shop }\n");
            let new = shop("function: { source: lambda }\n");
            world.converge(&world.aws(&old), &world.graph(&old)).await;
            let (plan, _) = world.plan(&world.aws(&new), &world.graph(&new), &world.everything()).await;
            assert_eq!(deleted(&plan), ["log-group//company/shop".to_owned()].into());
            world.converge(&world.aws(&new), &world.graph(&new)).await;
        });
    }

    #[test]
    fn a_table_s_mark_is_found_behind_however_many_tags() {
        run(async {
            let world = world().await;
            // moto tells ten tags a page.
            let tags: Vec<String> = (10..40).map(|number| format!("key-{number}: x")).collect();
            let many = shop(&format!("tags: {{ {} }}\nfunction: {{ source: lambda }}\n", tags.join(", ")));
            world.converge(&world.aws(&many), &world.graph(&many)).await;
        });
    }

    #[test]
    fn a_function_waits_for_its_role() {
        run(async {
            let world = world().await;
            let shop = shop("function: { source: lambda }\n");
            let (aws, graph) = (world.aws(&shop), world.graph(&shop));
            let function = graph.nodes().find(|node| node.address.kind == Kind::Function).unwrap();
            let waiting = tokio::sync::Notify::new();
            let say = |reason: &str| {
                if reason == "until the role can be assumed" {
                    waiting.notify_one();
                }
            };
            tokio::select! {
                made = aws.create(&function.address, &function.document, &say) => panic!("without its role: {made:?}"),
                () = waiting.notified() => {}
            }
        });
    }
}
