//! Stopping the processing: by hand, by `pause`, and by an apply for the time of a change.

use std::process::Output;

use pipewright::aws::Aws;
use pipewright::reconcile::{Action, Address, Cloud, Graph, Kind, Options, apply};
use pipewright::resources::event_source_mapping::is_running;
use serde_json::Value;

use crate::backend::{End, Server, World, account, everything, run};
use crate::cli::{refused, stderr, stdout};
use crate::end_to_end::{example, unchanged};

fn mapping(graph: &Graph) -> Address {
    graph.addresses().into_iter().find(|address| address.kind == Kind::EventSourceMapping).unwrap()
}

async fn runs(aws: &Aws, graph: &Graph) -> bool {
    is_running(&aws.read(&mapping(graph)).await.unwrap().unwrap())
}

/// The program against a pipeline that was applied through the library: with the processor as the tests build it.
struct Applied {
    world: World,
    aws: Aws,
    graph: Graph,
    project: crate::cli::Project,
}

impl Applied {
    async fn new() -> Self {
        let world = World::new().await;
        let pipeline = example(unchanged);
        let (aws, graph) = (world.aws(&pipeline), world.graph(&pipeline));
        world.converge(&aws, &graph).await;
        Self { world, aws, graph, project: crate::cli::example() }
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let server = Server::shared().await;
        let mut command = self.project.command(arguments);
        command.args(["--endpoint-url", server.endpoint()]);
        command.env("AWS_ACCESS_KEY_ID", &self.world.scope.account).env("AWS_SECRET_ACCESS_KEY", "y");
        command.output().unwrap()
    }
}

#[test]
fn pause_stops_the_processing_and_every_plan_says_who_and_since_when_until_resume() {
    run(async {
        let applied = Applied::new().await;
        let Applied { world, aws, graph, .. } = &applied;
        let paused = applied.run(&["pause", "-o", "json"]).await;
        assert_eq!(paused.status.code(), Some(0), "{}", stderr(&paused));
        let facts: Value = serde_json::from_str(&stdout(&paused)).unwrap();
        assert_eq!((&facts["running"], &facts["changed"]), (&Value::Bool(false), &Value::Bool(true)));
        assert!(!runs(aws, graph).await);

        let (plan, _) = world.plan(aws, graph, &Options::default()).await;
        assert!(plan.is_empty(), "a pause is no difference: {plan:#?}");
        let said = &plan.findings.iter().find(|finding| finding.code == "mapping-paused").unwrap().message;
        for fact in ["since", "by"] {
            assert!(said.contains(facts[fact].as_str().unwrap()), "{said}");
        }
        let again = applied.run(&["pause"]).await;
        assert!(stdout(&again).contains("nothing to do: the pipeline is paused since"), "{}", stdout(&again));

        // An apply of something else leaves it paused.
        world.converge(aws, graph).await;
        assert!(!runs(aws, graph).await);

        let resumed = applied.run(&["resume"]).await;
        assert!(stdout(&resumed).contains("resumed"), "{}", stderr(&resumed));
        assert!(runs(aws, graph).await);
        let (plan, _) = world.plan(aws, graph, &Options::default()).await;
        assert_eq!((plan.is_empty(), plan.findings.len()), (true, 0), "no trace is left: {plan:#?}");
        let again = applied.run(&["resume"]).await;
        assert!(stdout(&again).contains("nothing to do: it is running"), "{}", stdout(&again));
    });
}

#[test]
fn apply_with_resume_ends_a_pause_too() {
    run(async {
        let applied = Applied::new().await;
        let Applied { world, aws, graph, .. } = &applied;
        applied.run(&["pause"]).await;
        let options = Options { resume: true, ..everything() };
        assert!(world.apply_with(aws, graph, &options, &|_| ()).await.succeeded());
        assert!(runs(aws, graph).await);
        let (plan, _) = world.plan(aws, graph, &Options::default()).await;
        assert!(plan.findings.is_empty(), "{plan:#?}");
    });
}

#[test]
fn what_is_not_there_and_what_is_somebody_else_s_is_not_paused() {
    run(async {
        let server = Server::shared().await;
        let project = crate::cli::example();
        let command = |account: &str, verb: &str| {
            let mut command = project.command(&[verb, "--endpoint-url", server.endpoint()]);
            command.env("AWS_ACCESS_KEY_ID", account).env("AWS_SECRET_ACCESS_KEY", "y").output().unwrap()
        };
        for verb in ["pause", "resume"] {
            refused(
                &command(&account(), verb),
                &["does not exist", "hint: make it with `pipewright apply --endpoint-url http"],
            );
        }

        let applied = Applied::new().await;
        let Applied { aws, graph, .. } = &applied;
        let id = aws.read(&mapping(graph)).await.unwrap().unwrap().id.unwrap();
        let arn = aws.scope.arn("lambda", &format!("event-source-mapping:{id}"));
        aws.lambda.tag_resource().resource(arn).tags("pipewright:pipeline", "other").send().await.unwrap();
        refused(&applied.run(&["pause"]).await, &["does not belong to this pipeline", "--adopt"]);
        assert!(runs(aws, graph).await);
    });
}

/// Somebody made the function a Python one: code, runtime and handler must change, and between them nothing works.
async fn with_another_runtime(world: &World, aws: &Aws, graph: &Graph) {
    world.converge(aws, graph).await;
    let function = graph.addresses().into_iter().find(|address| address.kind == Kind::Function).unwrap();
    let call = aws.lambda.update_function_configuration().function_name(function.name.as_str());
    call.runtime("python3.12".into()).handler("app.handler").send().await.unwrap();
}

#[test]
fn while_the_runtime_changes_the_mapping_is_off_and_runs_again_afterwards() {
    run(async {
        let world = World::new().await;
        let pipeline = example(unchanged);
        let (aws, graph) = (world.aws(&pipeline), world.graph(&pipeline));
        with_another_runtime(&world, &aws, &graph).await;
        let (plan, _) = world.plan(&aws, &graph, &Options::default()).await;
        assert!(plan.findings.iter().any(|finding| finding.code == "interrupts"), "{plan:#?}");
        world.wire.clear();
        world.converge(&aws, &graph).await;
        let writes: Vec<String> =
            world.wire.writes().iter().filter(|call| call.starts_with("lambda.")).cloned().collect();
        let kinds: Vec<&str> = writes
            .iter()
            .map(|call| match call {
                call if call.contains("event-source-mappings/") => "switch",
                call if call.ends_with("/configuration") => "configure",
                call if call.contains("POST") => "tag",
                _ => "untag",
            })
            .collect();
        assert_eq!(kinds, ["tag", "switch", "configure", "switch", "untag"], "{writes:#?}");
        assert!(runs(&aws, &graph).await);
    });
}

#[test]
fn killed_while_the_mapping_is_off_the_next_apply_starts_it_without_being_told() {
    run(async {
        let world = World::new().await;
        let pipeline = example(unchanged);
        let (aws, graph) = (world.aws(&pipeline), world.graph(&pipeline));
        with_another_runtime(&world, &aws, &graph).await;
        let (plan, snapshot) = world.plan(&aws, &graph, &everything()).await;
        // After the tag and the switch, with the configuration written and not answered.
        world.wire.end_after(2, End::KilledAfter);
        tokio::select! {
            () = world.wire.killed() => {}
            _ = apply(&aws, &plan, &graph, &snapshot, std::future::pending(), &|_| ()) => panic!("it was not killed"),
        }
        world.wire.mend();
        assert!(!runs(&aws, &graph).await);
        let (plan, _) = world.plan(&aws, &graph, &Options::default()).await;
        assert!(plan.findings.iter().any(|finding| finding.code == "mapping-interrupted"), "{plan:#?}");
        assert_eq!((plan.steps.len(), plan.count(Action::Update)), (1, 1), "{plan:#?}");
        world.converge(&aws, &graph).await;
        assert!(runs(&aws, &graph).await);
    });
}
