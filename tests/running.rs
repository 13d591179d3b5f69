//! An applied pipeline on the shared local AWS, and the program as its users run it there.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use pipewright::aws::Aws;
use pipewright::config::Pipeline;
use serde_json::Value;

use crate::backend::World;
use crate::cli::{Project, stderr, stdout};
use crate::world::pipeline;

/// A pipeline that was applied, in an account of its own.
pub struct Running {
    pub world: World,
    pub project: Project,
    pub pipeline: Pipeline,
    pub aws: Aws,
}

impl Running {
    /// The example, edited; a message that fails is tried again soon.
    pub async fn new(edit: impl Fn(String) -> String) -> Self {
        let project = Project::new(|yaml| {
            let yaml = yaml
                .replace("visibility_timeout: 3m", "visibility_timeout: 10s")
                .replace("timeout: 30s", "timeout: 10s");
            edit(yaml)
        });
        let yaml = fs::read_to_string(project.path().join("pipeline.yaml")).unwrap();
        let (world, pipeline) = (World::new().await, pipeline(&yaml));
        let aws = world.aws(&pipeline);
        world.converge(&aws, &world.graph(&pipeline)).await;
        Self { world, project, pipeline, aws }
    }

    /// The program, to be run against this pipeline.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.project.command(arguments);
        command.args(["--endpoint-url", self.world.server.endpoint()]);
        command.env("AWS_ACCESS_KEY_ID", &self.world.scope.account).env("AWS_SECRET_ACCESS_KEY", "y");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Its answer in JSON, with the exit status that is expected.
    pub fn json(&self, arguments: &[&str], status: i32) -> Value {
        let output = self.run(&[arguments, &["--output", "json"]].concat());
        assert_eq!(output.status.code(), Some(status), "{}{}", stdout(&output), stderr(&output));
        serde_json::from_str(&stdout(&output)).unwrap()
    }

    /// A file in the project's folder.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let file = self.project.path().join(name);
        fs::write(&file, content).unwrap();
        file
    }

    /// The program, running: its answer and its talk are kept.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// How many items the table holds.
    pub async fn items(&self) -> usize {
        let mut pages = self.aws.dynamodb.scan().table_name(self.pipeline.table_name()).into_paginator().send();
        let mut count = 0;
        while let Some(page) = pages.next().await {
            count += usize::try_from(page.unwrap().count).unwrap();
        }
        count
    }
}

/// Sends a signal to a child of ours.
pub fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}
