//! From words to a command line: the colour of what clap itself prints, and which global options mean anything where.

use std::ffi::OsString;

use clap::{ColorChoice, Command, CommandFactory, FromArgMatches, ValueEnum};

use super::{Cli, Color};

/// Global options that mean nothing to a command: it takes them, and its help does not name them.
const MEANINGLESS: [(&str, &[&str]); 5] = [
    ("schema", &["file", "env", "region", "profile", "endpoint_url", "local", "verbose"]),
    ("completions", &["file", "env", "region", "profile", "endpoint_url", "local", "verbose"]),
    ("validate", &["region", "profile", "endpoint_url", "local", "verbose"]),
    ("build", &["region", "profile", "endpoint_url", "verbose"]),
    ("demo", &["profile", "endpoint_url", "local"]),
];

/// The command line of these words, the program's name first.
///
/// # Errors
/// What clap prints instead: help, the version, or what is wrong; in colour as `--color` says.
pub fn parse(words: impl Iterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let words: Vec<_> = words.collect();
    let mut command = with_meaning(Cli::command().color(color(&words)));
    let matches = command.try_get_matches_from_mut(words)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Everything that can be said on a command line.
pub fn command() -> Command {
    with_meaning(Cli::command())
}

/// Each command with the options that mean something to it.
fn with_meaning(mut command: Command) -> Command {
    // Only then the commands have the global options too.
    command.build();
    MEANINGLESS.iter().fold(command, |command, (name, options)| {
        command.mut_subcommand(name, |command| {
            command.mut_args(|option| {
                let is_hidden = options.contains(&option.get_id().as_str()) || option.is_hide_set();
                option.hide(is_hidden)
            })
        })
    })
}

/// What `--color` says, wherever it stands: help and mistakes are printed before the words are understood.
fn color(words: &[OsString]) -> ColorChoice {
    let mut said = words.iter().enumerate().filter_map(|(index, word)| match word.to_str()? {
        "--color" => words.get(index + 1)?.to_str(),
        word => word.strip_prefix("--color="),
    });
    match said.next_back().and_then(|word| Color::from_str(word, false).ok()) {
        Some(Color::Always) => ColorChoice::Always,
        Some(Color::Never) => ColorChoice::Never,
        Some(Color::Auto) | None => ColorChoice::Auto,
    }
}
