//! Whatever ends an apply, the next one converges, and nobody was lied to: killed at any write, a lost network, a closed
//! terminal, a full disk.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use pipewright::aws::Aws;
use pipewright::reconcile::schedule::Task;
use pipewright::reconcile::{Address, Cloud, ErrorKind, Graph, Kind, Verb, apply};
use pipewright::resources::unusual;

use crate::backend::{End, World, everything, run};
use crate::end_to_end::{example, replaced, unchanged};

/// Applies again and again, each time killed at its first write that shows, until there is nothing left to kill; how
/// often. A write that leaves no trace in the next plan, such as the first of two of one step, lets one more through.
async fn killed_at_every_write(world: &World, aws: &Aws, graph: &Graph, end: End) -> usize {
    let (mut through, mut last) = (0, String::new());
    for round in 0..200 {
        let (plan, snapshot) = world.plan(aws, graph, &everything()).await;
        assert_eq!(plan.refusals(), [], "what a killed apply leaves is still known as ours, round {round}");
        through = if plan.digest == last { through + 1 } else { 0 };
        last = plan.digest.clone();
        world.wire.end_after(through, end);
        let killed = tokio::select! {
            biased;
            () = world.wire.killed() => true,
            report = apply(aws, &plan, graph, &snapshot, std::future::pending(), &|_| ()) => {
                assert!(report.succeeded(), "{report:#?}");
                false
            }
        };
        world.wire.mend();
        if !killed {
            return round;
        }
    }
    panic!("it never gets done");
}

async fn nothing_is_doubled(aws: &Aws, graph: &Graph) {
    let mappings = aws.lambda.list_event_source_mappings().send().await.unwrap();
    assert_eq!(mappings.event_source_mappings().len(), 1);
    for topic in graph.addresses().into_iter().filter(|address| address.kind == Kind::Topic) {
        let arn = aws.scope.arn("sns", topic.name.as_str());
        let listed = aws.sns.list_subscriptions_by_topic().topic_arn(arn).send().await.unwrap();
        let of_topic =
            |at: &&Address| at.kind == Kind::Subscription && at.name.as_str().starts_with(topic.name.as_str());
        let wanted = graph.addresses().iter().filter(of_topic).count();
        assert_eq!(listed.subscriptions().len(), wanted, "{topic}");
    }
}

/// The example without its environments: a second one with the same queue would be refused.
fn alone(yaml: String) -> String {
    yaml.split("\nenvironments:").next().unwrap().to_owned()
}

fn edited(yaml: String) -> String {
    let edits = [
        ("threshold: { USD: 1000 }", "threshold: { EUR: 2000 }"),
        ("sales@example.com", "shop@example.com"),
        ("timeout: 30s", "timeout: 20s"),
        ("visibility_timeout: 3m", "name: orders"),
        ("tags: { team: payments }", "tags: { owner: shop }"),
    ];
    edits.iter().fold(alone(yaml), |yaml, (from, to)| replaced(from, to)(yaml))
}

#[test]
fn killed_before_any_write_the_next_apply_converges_with_nothing_doubled() {
    run(async {
        let world = World::new().await;
        let pipeline = example(alone);
        let (aws, graph) = (world.aws(&pipeline), world.graph(&pipeline));
        assert!(killed_at_every_write(&world, &aws, &graph, End::KilledBefore).await >= 15);
        nothing_is_doubled(&aws, &graph).await;
        world.converge(&aws, &graph).await;
    });
}

#[test]
fn killed_after_any_write_and_before_its_answer_every_apply_and_destroy_still_converges() {
    run(async {
        let world = World::new().await;
        let aws = world.aws(&example(alone));
        let (created, changed) = (world.graph(&example(alone)), world.graph(&example(edited)));
        for graph in [&created, &changed] {
            assert!(killed_at_every_write(&world, &aws, graph, End::KilledAfter).await >= 10);
            nothing_is_doubled(&aws, graph).await;
            world.converge(&aws, graph).await;
        }
        assert!(killed_at_every_write(&world, &aws, &Graph::empty(unusual), End::KilledAfter).await >= 10);
        let left = aws.snapshot(&changed.addresses()).await.unwrap();
        assert!(left.resources.is_empty(), "{:?}", left.addresses());
    });
}

#[test]
fn a_network_that_is_lost_in_the_middle_is_told_and_what_was_done_is_told_right() {
    run(async {
        let world = World::new().await;
        let pipeline = example(unchanged);
        let (aws, graph) = (world.hasty(&pipeline), world.graph(&pipeline));
        let (plan, before) = world.plan(&aws, &graph, &everything()).await;
        world.wire.end_after(12, End::Lost);
        let report = apply(&aws, &plan, &graph, &before, std::future::pending(), &|_| ()).await;
        assert!(!report.succeeded());
        for (task, error) in &report.failed {
            assert_eq!(error.kind, ErrorKind::Unreachable, "{}: {error}", task.address);
        }
        world.wire.mend();
        let live = aws.snapshot(&graph.addresses()).await.unwrap().addresses();
        let told = |tasks: Vec<&Task>| -> Vec<Address> { tasks.into_iter().map(|task| task.address.clone()).collect() };
        for done in told(report.done.iter().filter(|task| task.verb == Verb::Create).collect()) {
            assert!(live.contains(&done), "{done} is told as created");
        }
        for blocked in told(report.blocked.iter().map(|(task, _)| task).collect()) {
            assert!(!live.contains(&blocked), "{blocked} is told as not written");
        }
        assert!(!report.done.is_empty() && !report.blocked.is_empty(), "{report:#?}");
        world.converge(&aws, &graph).await;
    });
}

/// A local AWS of its own in a project's folder, and the program there.
struct Shop {
    server: crate::local::Project,
    project: crate::cli::Project,
}

impl Shop {
    async fn new() -> Self {
        let (server, project) = (crate::local::Project::new(), crate::cli::example());
        fs::copy(project.path().join("pipeline.yaml"), server.path().join("pipeline.yaml")).unwrap();
        server.start().await.unwrap();
        Self { server, project }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.project.command(arguments);
        command.current_dir(self.server.path());
        command
    }

    /// An apply that has written something, with the function still to come; and the lines that it goes on to say.
    fn applying(&self) -> (Child, impl Iterator<Item = String> + use<>) {
        let mut child =
            self.command(&["apply", "--local", "--yes"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.contains("created in")));
        (child, lines)
    }

    fn the_next_apply_converges(&self) {
        let again = self.command(&["apply", "--local", "--yes"]).output().unwrap();
        assert_eq!(again.status.code(), Some(0), "{}", crate::cli::stderr(&again));
        let left = self.command(&["plan", "--local", "--detailed-exitcode"]).output().unwrap();
        assert_eq!(left.status.code(), Some(0), "{}", crate::cli::stdout(&left));
    }
}

#[test]
fn a_killed_process_leaves_what_the_next_apply_goes_on_from() {
    run(async {
        let shop = Shop::new().await;
        let (mut child, _lines) = shop.applying();
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        shop.the_next_apply_converges();
    });
}

#[test]
fn a_closed_terminal_stops_in_order_like_ctrl_c() {
    run(async {
        let shop = Shop::new().await;
        let (mut child, lines) = shop.applying();
        assert!(Command::new("kill").args(["-HUP", &child.id().to_string()]).status().unwrap().success());
        let said: Vec<String> = lines.collect();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{said:#?}");
        assert!(said.iter().any(|line| line.starts_with("remains: ")), "{said:#?}");
        shop.the_next_apply_converges();
    });
}

#[test]
fn on_a_full_disk_no_plan_is_half_written_and_no_answer_passes_for_a_whole_one() {
    run(async {
        let shop = Shop::new().await;
        let plan = shop.server.path().join("plan.json");
        fs::write(&plan, "the last one").unwrap();
        let program = env!("CARGO_BIN_EXE_pipewright");
        // A limit on the size of files ends writes as a full disk does.
        let script = format!("trap '' XFSZ; ulimit -f 1; exec {program} plan --local --out plan.json");
        let mut limited = Command::new("bash");
        let like = shop.command(&[]);
        limited.args(["-c", &script]).current_dir(shop.server.path()).env_clear();
        limited.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
        let output = limited.output().unwrap();
        crate::cli::refused(&output, &["`plan.json` cannot be written", "hint:"]);
        assert_eq!(fs::read_to_string(&plan).unwrap(), "the last one");
        let names: Vec<_> = fs::read_dir(shop.server.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
        assert_eq!(names.len(), 3, "no temporary file is left: {names:?}");

        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = shop.command(&["plan", "--local", "-o", "json"]).stdout(full).output().unwrap();
        crate::cli::refused(&output, &["the output cannot be written"]);
    });
}
