//! `validate`: checks the file; asks nobody.

use anyhow::Result;
use serde_json::json;

use super::Exit;
use crate::cli::{Global, Output, Validate};
use crate::config;
use crate::config::Diagnostics;
use crate::render::Terminal;

pub fn run(global: &Global, arguments: &Validate, terminal: &Terminal) -> Result<Exit> {
    let outcome = config::load(&global.file, global.env.as_deref());
    let (problems, exit) = match &outcome {
        Ok(loaded) => (&loaded.warnings, Exit::Done),
        Err(problems) => (problems, Exit::Failed),
    };
    match arguments.output {
        Output::Json => terminal.answer(&format!("{:#}\n", as_json(problems, exit))),
        Output::Text => {
            if !problems.is_empty() {
                terminal.talk(problems.render(terminal.style().has_colour()).trim_end());
            }
            if let Ok(loaded) = &outcome {
                terminal.answer(&format!("{}: valid, pipeline `{}`\n", global.file.display(), loaded.pipeline.id()));
            }
        }
    }
    Ok(exit)
}

fn as_json(problems: &Diagnostics, exit: Exit) -> serde_json::Value {
    let file = &problems.file;
    let problems: Vec<_> = problems
        .items
        .iter()
        .map(|problem| {
            json!({
                "severity": format!("{:?}", problem.severity).to_lowercase(),
                "file": file,
                "line": problem.place.map(|place| place.line),
                "column": problem.place.map(|place| place.column),
                "message": problem.message,
                "hint": problem.hint,
            })
        })
        .collect();
    json!({ "valid": exit == Exit::Done, "problems": problems })
}
