//! The program as its users call it: exit status, stdout, stderr.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::backend::{Server, account, run};
use crate::golden::root;

/// A project's folder with the example in it, and the program to be run there with a clean environment.
pub struct Project {
    folder: TempDir,
}

impl Project {
    pub fn new(edit: impl Fn(String) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let yaml = fs::read_to_string(root().join("pipeline.yaml")).unwrap();
        let source = format!("source: {}", root().join("lambda").display());
        fs::write(folder.path().join("pipeline.yaml"), edit(yaml.replace("source: lambda", &source))).unwrap();
        Self { folder }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pipewright"));
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null()).env_clear();
        for name in ["PATH", "HOME", "XDG_CACHE_HOME", "CARGO_HOME", "RUSTUP_HOME", "CARGO_TARGET_DIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        // No profile of whoever runs the tests.
        command.env("AWS_CONFIG_FILE", "/nonexistent").env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent");
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }
}

pub fn example() -> Project {
    Project::new(|yaml| yaml)
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Exit status 1, one message with a hint, no backtrace.
pub fn refused(output: &Output, words: &[&str]) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is missing in: {said}");
    }
    assert!(!said.contains("panicked") && !said.contains("backtrace"), "{said}");
}

#[test]
fn help_names_every_command_and_the_exit_codes() {
    let output = example().run(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    for word in [
        "validate",
        "plan",
        "apply",
        "destroy",
        "send",
        "drill",
        "why",
        "status",
        "logs",
        "graph",
        "dead-letters",
        "quarantine",
        "schema",
        "build",
        "demo",
        "local",
        "pause",
        "resume",
        "completions",
        "130",
    ] {
        assert!(stdout(&output).contains(word), "{word}");
    }
}

/// The words of every command that does something, its group first.
fn leaves(command: &clap::Command, before: &[String]) -> Vec<Vec<String>> {
    let below = command.get_subcommands().filter(|below| below.get_name() != "help");
    let below: Vec<_> =
        below.flat_map(|below| leaves(below, &[before, &[below.get_name().to_owned()]].concat())).collect();
    if below.is_empty() { vec![before.to_vec()] } else { below }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_command_says_how_it_can_end_and_what_its_arguments_are() {
    let project = example();
    let commands = leaves(&pipewright::cli::command(), &[]);
    assert!(commands.len() > 25, "{commands:?}");
    for words in commands {
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        words.push("--help");
        let help = stdout(&project.run(&words));
        assert!(one_line(&help).contains("Exit status: 0 "), "{words:?}: {help}");
        // Its own options come before those that all commands have.
        let (own, global) = help.split_once("\nGlobal options:").unwrap();
        assert!(own.contains("--help") && global.contains("--color"), "{words:?}: {help}");
        for option in ["--local", "--env", "--color"] {
            assert!(!own.contains(&format!("  {option}")), "{words:?}: {own}");
        }
    }
    let schema = stdout(&project.run(&["schema", "--help"]));
    assert!(!schema.contains("--local") && !schema.contains("--profile"), "{schema}");
    assert!(schema.contains("  Of what\n"), "{schema}");
    let completions = stdout(&project.run(&["completions", "--help"]));
    assert!(completions.contains("  For which shell\n") && !completions.contains("--file"), "{completions}");
    for (words, status) in [("plan", "130"), ("apply", "3 the saved plan"), ("status", "drift"), ("status", "130")] {
        let help = stdout(&project.run(&[words, "--help"]));
        assert!(one_line(&help).split_once("Exit status: ").unwrap().1.contains(status), "{help}");
    }
}

#[test]
fn help_and_mistakes_are_coloured_as_it_is_said() {
    let project = example();
    for words in [&["status", "--help"][..], &["plan", "--unknown"]] {
        let coloured = project.run(&[&["--color", "always"][..], words].concat());
        assert!(format!("{}{}", stdout(&coloured), stderr(&coloured)).contains('\u{1b}'), "{words:?}");
        let mut plain = project.command(&[&["--color=never"][..], words].concat());
        let plain = plain.env("CLICOLOR_FORCE", "1").output().unwrap();
        assert!(!format!("{}{}", stdout(&plain), stderr(&plain)).contains('\u{1b}'), "{words:?}");
    }
}

#[test]
fn wrong_usage_is_a_failure_and_not_a_change() {
    refused(&example().run(&["plan", "--detailed-exitcod"]), &["--detailed-exitcode"]);
    refused(&example().run(&["aply"]), &["apply"]);
    refused(&example().run(&["destroy", "--allow-data-loss", "bucket/x"]), &["`bucket` is not a kind"]);
    refused(&example().run(&["plan", "--local", "--profile", "x"]), &["--profile"]);
    refused(&example().run(&["status", "--watch", "--interval", "0s"]), &["--interval <DURATION>", "`1s` at least"]);
    refused(&example().run(&["status", "--since", "90m"]), &["--since <DURATION>", "whole hours"]);
}

#[test]
fn a_valid_file_is_called_so() {
    let output = example().run(&["validate"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("valid"));
    let json: Value = serde_json::from_str(&stdout(&example().run(&["validate", "--output", "json"]))).unwrap();
    assert_eq!(json["valid"], true);
}

#[test]
fn a_mistake_in_the_file_stops_every_command_before_anybody_is_asked() {
    let project = Project::new(|yaml| yaml.replace("retention: 4d", "retenton: 4d"));
    for command in [&["validate"][..], &["plan", "--local"], &["apply", "--local", "--yes"], &["destroy", "--local"]] {
        refused(&project.run(command), &["retenton", "pipeline.yaml:", "hint:", "`retention`"]);
    }
    assert!(!project.path().join(".pipewright").exists());
    let json: Value = serde_json::from_str(&stdout(&project.run(&["validate", "-o", "json"]))).unwrap();
    assert_eq!(json["problems"][0]["severity"], "error");
    assert_eq!(json["problems"][0]["file"], "pipeline.yaml");
}

#[test]
fn a_missing_file_and_an_unknown_environment_are_named() {
    refused(&example().run(&["plan", "-f", "nowhere.yaml"]), &["nowhere.yaml", "hint:"]);
    refused(&example().run(&["plan", "--env", "prd"]), &["prd", "prod"]);
}

#[test]
fn without_credentials_there_is_one_clear_message() {
    refused(&example().run(&["plan"]), &["credentials", "hint:", "--local"]);
}

#[test]
fn an_endpoint_that_nobody_answers_at_is_said() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let project = example();
    let mut command = project.command(&["plan", "--endpoint-url", &format!("http://127.0.0.1:{port}")]);
    let output = command.env("AWS_ACCESS_KEY_ID", "x").env("AWS_SECRET_ACCESS_KEY", "y").output().unwrap();
    refused(&output, &["no answer to sts:GetCallerIdentity", "hint:"]);
}

#[test]
fn another_account_or_region_than_the_pinned_one_is_refused() {
    run(async {
        let server = Server::shared().await;
        let (pinned, other) = (account(), account());
        let project = Project::new(|yaml| {
            yaml.replace("region: us-east-1", &format!("account: \"{pinned}\"\nregion: us-east-1"))
        });
        let mut command = project.command(&["plan", "--endpoint-url", server.endpoint()]);
        let output = command.env("AWS_ACCESS_KEY_ID", &other).env("AWS_SECRET_ACCESS_KEY", "y").output().unwrap();
        refused(&output, &[&pinned, &other, "hint:"]);
        refused(&project.run(&["plan", "--region", "eu-west-1"]), &["us-east-1", "eu-west-1", "hint:"]);
    });
}

/// Runs against the shared server in an account of its own.
fn with_credentials(project: &Project, server: &Server, account: &str, arguments: &[&str]) -> Output {
    let mut command = project.command(arguments);
    command.args(["--endpoint-url", server.endpoint()]);
    command.env("AWS_ACCESS_KEY_ID", account).env("AWS_SECRET_ACCESS_KEY", "y").output().unwrap()
}

#[test]
fn apply_asks_and_without_a_terminal_refuses_with_a_hint() {
    run(async {
        let server = Server::shared().await;
        let output = with_credentials(&example(), &server, &account(), &["apply"]);
        refused(&output, &["nobody to ask", "hint: `--yes`"]);
        assert!(stdout(&output).contains("Plan: 19 to create"), "the plan is shown first: {}", stdout(&output));
    });
}

#[test]
fn a_plan_tells_machines_what_it_tells_people() {
    run(async {
        let server = Server::shared().await;
        let (project, account) = (example(), account());
        let changes = with_credentials(&project, &server, &account, &["plan", "--detailed-exitcode"]);
        assert_eq!(changes.status.code(), Some(2), "{}", stderr(&changes));
        assert!(stdout(&changes).contains(&format!("account {account}, region us-east-1")));
        let json = with_credentials(&project, &server, &account, &["plan", "-o", "json"]);
        let json: Value = serde_json::from_str(&stdout(&json)).unwrap();
        assert_eq!(json["steps"].as_array().unwrap().len(), 19);
        assert_eq!(json["scope"]["account"], account.as_str());
        let markdown = stdout(&with_credentials(&project, &server, &account, &["plan", "-o", "markdown"]));
        assert!(markdown.starts_with("### pipewright") && markdown.contains("```diff"), "{markdown}");
    });
}

#[test]
fn a_saved_plan_that_no_longer_fits_or_was_touched_is_refused() {
    run(async {
        let server = Server::shared().await;
        let (project, account) = (example(), account());
        let saved = with_credentials(&project, &server, &account, &["plan", "--out", "plan.json"]);
        assert_eq!(saved.status.code(), Some(0), "{}", stderr(&saved));
        let yaml = fs::read_to_string(project.path().join("pipeline.yaml")).unwrap();
        fs::write(project.path().join("pipeline.yaml"), yaml.replace("USD: 1000", "USD: 1500")).unwrap();
        let stale = with_credentials(&project, &server, &account, &["apply", "plan.json"]);
        assert_eq!(stale.status.code(), Some(3), "{}", stderr(&stale));
        assert!(stderr(&stale).contains("stale") && stderr(&stale).contains("hint:"));

        let file = project.path().join("plan.json");
        let forged = fs::read_to_string(&file).unwrap().replace("345600", "999");
        fs::write(&file, forged).unwrap();
        refused(&with_credentials(&project, &server, &account, &["apply", "plan.json"]), &["was changed"]);
        fs::write(&file, "{}").unwrap();
        refused(&with_credentials(&project, &server, &account, &["apply", "plan.json"]), &["is not a plan", "hint:"]);
    });
}

#[test]
fn local_asks_nobody_but_the_local_aws_whatever_the_environment_says() {
    run(async {
        let trap = TcpListener::bind("127.0.0.1:0").unwrap();
        trap.set_nonblocking(true).unwrap();
        let url = format!("http://{}", trap.local_addr().unwrap());
        let project = crate::local::Project::new();
        let example = example();
        fs::copy(example.path().join("pipeline.yaml"), project.path().join("pipeline.yaml")).unwrap();
        project.start().await.unwrap();
        let mut command = example.command(&["plan", "--local"]);
        command.current_dir(project.path());
        for name in [
            "AWS_ENDPOINT_URL",
            "AWS_ENDPOINT_URL_SQS",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "HTTP_PROXY",
            "http_proxy",
            "ALL_PROXY",
        ] {
            command.env(name, &url);
        }
        for (name, value) in [
            ("AWS_PROFILE", "poison"),
            ("AWS_ACCESS_KEY_ID", "poison"),
            ("AWS_SECRET_ACCESS_KEY", "poison"),
            ("AWS_REGION", "mars-1"),
            ("AWS_USE_FIPS_ENDPOINT", "true"),
            ("AWS_CA_BUNDLE", "/nonexistent"),
        ] {
            command.env(name, value);
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(stdout(&output).contains("account 000000000000, region us-east-1"), "{}", stdout(&output));
        let asked = trap.accept().map(|(mut stream, _)| {
            let mut text = String::new();
            let _ = stream.read_to_string(&mut text);
            text
        });
        assert!(asked.is_err(), "the trap was asked: {asked:?}");
    });
}

#[test]
fn an_interrupted_apply_says_what_remains_and_the_next_one_goes_on() {
    run(async {
        // A server of its own: `--local` builds the processor as the other tests do, not for Lambda.
        let (server, project) = (crate::local::Project::new(), example());
        fs::copy(project.path().join("pipeline.yaml"), server.path().join("pipeline.yaml")).unwrap();
        server.start().await.unwrap();
        let command = |arguments: &[&str]| {
            let mut command = project.command(arguments);
            command.current_dir(server.path());
            command
        };
        let mut apply = command(&["apply", "--local", "--yes"]);
        let mut child = apply.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        // As soon as something is written; the function is still to come.
        assert!(lines.any(|line| line.contains("created in")));
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        let said: Vec<_> = lines.collect();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{said:#?}");
        assert!(said.iter().any(|line| line.starts_with("remains: ")), "{said:#?}");
        assert!(said.iter().any(|line| line.contains("the next apply goes on from here")), "{said:#?}");

        let again = command(&["apply", "--local", "--yes"]).output().unwrap();
        assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
        let left = command(&["plan", "--local", "--detailed-exitcode"]).output().unwrap();
        assert_eq!(left.status.code(), Some(0), "{}", stdout(&left));
    });
}

#[test]
fn schemas_and_completions_are_printed() {
    for of in ["pipeline", "plan", "transaction"] {
        let printed = stdout(&example().run(&["schema", of]));
        assert_eq!(printed, fs::read_to_string(root().join(format!("schema/{of}.schema.json"))).unwrap(), "{of}");
    }
    assert!(stdout(&example().run(&["completions", "bash"])).contains("complete -F"));
}
