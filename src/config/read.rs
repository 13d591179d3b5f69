//! Reads a file as text; what stands in the way becomes a diagnostic.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::diagnostic::Diagnostic;
use super::tree::Place;

/// A thousand alarms fit; a log file passed by mistake does not.
const LARGEST: u64 = 1 << 20;

/// The text of the file. `Err`: what is wrong, with as much of the text as is needed to show where.
pub(super) fn read(path: &Path) -> Result<String, (Diagnostic, String)> {
    let problem = |message: String, hint: &str| (Diagnostic::error(None, message).hint(hint), String::new());
    let unreadable = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => problem("there is no such file".into(), "name the pipeline's file with `-f <file>`"),
        ErrorKind::PermissionDenied => {
            problem("permission to read it is denied".into(), "check the file's owner and mode with `ls -l`")
        }
        _ => problem(format!("cannot be read: {error}"), "name the pipeline's file with `-f <file>`"),
    };
    let details = fs::metadata(path).map_err(unreadable)?;
    if details.is_dir() {
        return Err(problem(
            "this is a folder, not a file".into(),
            "name the file in it, as in `-f <folder>/pipeline.yaml`",
        ));
    }
    // Read at most so much, whatever the file's length is said to be: pipes and devices have none.
    let mut bytes = vec![];
    fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(problem(
            "larger than 1 MiB: this is no pipeline".into(),
            "name the pipeline's file with `-f <file>`",
        ));
    }
    String::from_utf8(bytes).map_err(|error| not_text(error.as_bytes(), &error))
}

fn not_text(bytes: &[u8], error: &std::string::FromUtf8Error) -> (Diagnostic, String) {
    let valid = String::from_utf8_lossy(&bytes[..error.utf8_error().valid_up_to()]);
    let line = valid.matches('\n').count() + 1;
    let column = valid.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let problem = Diagnostic::error(Some(Place { line, column, length: 1 }), "the file is not UTF-8 text");
    let text = String::from_utf8_lossy(bytes).into_owned();
    (problem.hint("save it as UTF-8, for example with `iconv -f latin1 -t utf-8`"), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &Path) -> Diagnostic {
        read(path).unwrap_err().0
    }

    #[test]
    fn a_missing_file_and_a_folder_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(refused(&folder.path().join("pipeline.yaml")).message, "there is no such file");
        assert_eq!(refused(folder.path()).message, "this is a folder, not a file");
    }

    #[test]
    fn what_is_not_text_is_pointed_at() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pipeline.yaml");
        fs::write(&file, b"version: 1\npipeline: caf\xe9\n").unwrap();
        assert_eq!(refused(&file).place, Some(Place { line: 2, column: 14, length: 1 }));
    }

    #[test]
    fn what_is_far_too_large_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pipeline.yaml");
        fs::File::create(&file).unwrap().set_len(LARGEST + 1).unwrap();
        assert!(refused(&file).message.contains("larger than 1 MiB"));
    }
}
