//! Commands in texts for people, such as `pipewright apply`, with the flags by which they find the same file and the same
//! AWS: typed as it is printed, each acts on what was spoken of. Texts are written without flags, for what knows nothing
//! of a command line (plans, errors) writes them too; whatever shows them to people puts the flags in.

use std::path::Path;

use crate::cli::Global;

/// How a command begins in a text.
const PROGRAM: &str = "`pipewright ";

/// The flags of this command line that choose file, environment and AWS, as a shell takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags {
    file: &'static str,
    /// With the environment.
    aws: &'static str,
}

impl Flags {
    pub const NONE: Self = Self { file: "", aws: "" };

    /// They are kept for as long as the program runs: so that what shows texts can be handed on as it is.
    pub fn of(global: &Global) -> Self {
        let is_usual = global.file == Path::new("pipeline.yaml") && std::env::var_os("PIPEWRIGHT_FILE").is_none();
        let file = (!is_usual).then(|| global.file.to_string_lossy());
        let valued = [
            ("--env", &global.env),
            ("--region", &global.region),
            ("--profile", &global.profile),
            ("--endpoint-url", &global.endpoint_url),
        ];
        let mut aws: String = valued.iter().filter_map(|(name, value)| Some(flag(name, value.as_ref()?))).collect();
        if global.local {
            aws.push_str(" --local");
        }
        Self { file: file.map_or_else(String::new, |file| flag("-f", &file)).leak(), aws: aws.leak() }
    }

    /// `plan` → `pipewright plan --local`
    pub fn command(self, words: &str) -> String {
        format!("pipewright {}", self.with_flags(words))
    }

    /// The text with flags in each command that has none yet.
    pub fn put_into(self, text: &str) -> String {
        let mut parts = text.split(PROGRAM);
        let mut whole = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            whole.push_str(PROGRAM);
            match part.split_once('`') {
                Some((words, rest)) => whole.extend([&self.with_flags(words), "`", rest]),
                None => whole.push_str(part),
            }
        }
        whole
    }

    fn with_flags(self, words: &str) -> String {
        // The local AWS is the folder's, whatever AWS the pipeline is on.
        let flags = if words.starts_with("local ") { self.file.to_owned() } else { self.file.to_owned() + self.aws };
        if words.ends_with(&flags) { words.to_owned() } else { words.to_owned() + &flags }
    }
}

fn flag(name: &str, value: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./:@%+=,".contains(letter);
    let quoted = if !value.is_empty() && value.chars().all(is_plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', r"'\''"))
    };
    // What begins with a dash would be taken for a flag itself.
    match (value.starts_with('-'), name) {
        (false, _) => format!(" {name} {quoted}"),
        (true, "-f") => format!(" --file={quoted}"),
        (true, _) => format!(" {name}={quoted}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::parse;

    fn flags(words: &[&str]) -> Flags {
        let words = ["pipewright", "plan"].iter().chain(words);
        Flags::of(&parse(words.map(Into::into)).unwrap().global)
    }

    #[test]
    fn a_command_in_a_text_acts_on_the_same_file_and_the_same_aws() {
        let text = "see `pipewright plan`, or `pipewright drill alarm a`: `function.enabled`";
        assert_eq!(flags(&[]).put_into(text), text);
        let local = flags(&["--local", "--env", "prod"]).put_into(text);
        assert_eq!(
            local,
            "see `pipewright plan --env prod --local`, or `pipewright drill alarm a --env prod --local`: `function.enabled`"
        );
        assert_eq!(flags(&["--local", "--env", "prod"]).put_into(&local), local, "once");
        let far = flags(&["--endpoint-url", "http://127.0.0.1:5", "--profile", "x", "--region", "eu-west-1"]);
        assert_eq!(
            far.command("apply"),
            "pipewright apply --region eu-west-1 --profile x --endpoint-url http://127.0.0.1:5"
        );
    }

    #[test]
    fn a_shell_takes_the_flags_as_they_are_printed() {
        assert_eq!(flags(&["-f", "it's mine.yaml"]).command("plan"), r"pipewright plan -f 'it'\''s mine.yaml'");
        assert_eq!(flags(&["--file=-x.yaml"]).command("plan"), "pipewright plan --file=-x.yaml");
    }

    #[test]
    fn the_local_aws_is_found_by_the_file_alone() {
        let flags = flags(&["--local", "-f", "shop/pipeline.yaml"]);
        assert_eq!(flags.put_into("`pipewright local stop`"), "`pipewright local stop -f shop/pipeline.yaml`");
    }
}
