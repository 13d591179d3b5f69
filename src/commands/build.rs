//! `build`: the processor as a zip that Lambda takes.

use anyhow::Result;

use super::Exit;
use super::file::{check_not_the_input, write_whole};
use super::session::{artifact, load};
use crate::cli::{Build, Global};
use crate::package::code_sha256;
use crate::render::Terminal;
use crate::render::progress::Progress;

pub async fn run(global: &Global, arguments: &Build, terminal: &Terminal) -> Result<Exit> {
    let pipeline = load(global, terminal)?;
    check_not_the_input(&arguments.out, &global.file)?;
    let artifact = artifact(global, &pipeline);
    let progress = Progress::new(terminal);
    progress.start("processor", "building");
    let zip = artifact.zip_with(&|line| progress.wait("processor", &format!("for the compiler: {line}"))).await;
    progress.end("processor");
    let zip = zip?;
    write_whole(&arguments.out, &zip)?;
    let (file, digest) = (arguments.out.display(), code_sha256(&zip));
    terminal.answer(&format!("{file}: {} bytes, CodeSha256 {digest}\n", zip.len()));
    Ok(Exit::Done)
}
