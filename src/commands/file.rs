//! Files that people get: written whole or not at all, and never in the place of something else.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use tempfile::NamedTempFile;

use crate::aws::folder_of;

const HINT: &str = "hint: name a file in a folder that you may write to";

/// Writes beside the file, then renames. Who may read it follows from the user's umask, as for any new file. A link is
/// followed; what is no regular file (a folder, a device, a pipe, `-`) is not replaced.
///
/// # Errors
/// The folder cannot be written to; something else is in the place.
pub fn write_whole(file: &Path, bytes: &[u8]) -> Result<()> {
    let mut whole = Whole::begin(file)?;
    whole.write(bytes)?;
    whole.finish()
}

/// A file that grows beside its place, and takes it when it is whole. Dropped before that, it leaves nothing.
pub struct Whole {
    file: PathBuf,
    target: PathBuf,
    temporary: NamedTempFile,
    replaces: bool,
}

/// Readable by whoever the user's umask lets, as any new file.
const FOR_EVERYBODY: u32 = 0o666;
const FOR_ITS_OWNER: u32 = 0o600;

impl Whole {
    /// # Errors
    /// As `write_whole`.
    pub fn begin(file: &Path) -> Result<Self> {
        let target = file.canonicalize().unwrap_or_else(|_| file.to_owned());
        // `-` is what others call the standard output.
        if file == Path::new("-") || target.exists() && !target.is_file() {
            bail!("`{}` is no regular file\n{HINT}", file.display());
        }
        Self::beside(file, target, FOR_EVERYBODY, true)
    }

    /// For what may be nowhere else: it takes the place of nothing, and only its owner may read it.
    ///
    /// # Errors
    /// The folder cannot be written to; something is in the place.
    pub fn begin_new(file: &Path) -> Result<Self> {
        if file == Path::new("-") {
            bail!("`-` is no regular file\n{HINT}");
        }
        if file.symlink_metadata().is_ok() {
            return Err(is_there(file));
        }
        Self::beside(file, file.to_owned(), FOR_ITS_OWNER, false)
    }

    fn beside(file: &Path, target: PathBuf, mode: u32, replaces: bool) -> Result<Self> {
        // Whoever finds one that a killed program left knows whose it is.
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(".");
        let mut builder = tempfile::Builder::new();
        builder.prefix(&name).suffix(".partial").permissions(Permissions::from_mode(mode));
        let temporary = builder.tempfile_in(folder_of(&target)).map_err(|error| cannot(file, &error))?;
        Ok(Self { file: file.to_owned(), target, temporary, replaces })
    }

    /// # Errors
    /// The disk is full.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.temporary.write_all(bytes).map_err(|error| cannot(&self.file, &error))
    }

    /// On the disk, and in its place.
    ///
    /// # Errors
    /// As `write_whole`.
    pub fn finish(self) -> Result<()> {
        let Self { file, target, temporary, replaces } = self;
        temporary.as_file().sync_all().map_err(|error| cannot(&file, &error))?;
        let kept = if replaces { temporary.persist(&target) } else { temporary.persist_noclobber(&target) };
        match kept {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(is_there(&file)),
            Err(error) => Err(cannot(&file, &error.error)),
        }
    }
}

fn is_there(file: &Path) -> anyhow::Error {
    anyhow!("`{}` is there already, and is not replaced\nhint: name a file that does not exist", file.display())
}

/// The kind of failure alone: the message of tempfile names its own file.
fn cannot(file: &Path, error: &io::Error) -> anyhow::Error {
    let cause = match error.kind() {
        io::ErrorKind::NotFound => "there is no such folder".to_owned(),
        kind => kind.to_string(),
    };
    anyhow!("`{}` cannot be written: {cause}\n{HINT}", file.display())
}

/// # Errors
/// An output file that is the pipeline's own.
pub fn check_not_the_input(output: &Path, input: &Path) -> Result<()> {
    match (output.canonicalize(), input.canonicalize()) {
        (Ok(output), Ok(same)) if output == same => {
            bail!("`{}` is the pipeline's own file\nhint: choose another name for the output", input.display())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_is_followed_and_a_folder_or_the_input_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "old").unwrap();
        symlink(&target, &link).unwrap();
        write_whole(&link, b"new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
        for wrong in [folder.path(), Path::new("-"), Path::new(".")] {
            let error = write_whole(wrong, b"x").unwrap_err().to_string();
            assert!(error.contains("no regular file\nhint: name a file"), "{error}");
        }
        assert!(check_not_the_input(&link, &target).unwrap_err().to_string().contains("own file"));
        assert!(check_not_the_input(&folder.path().join("new"), &target).is_ok());
    }

    #[test]
    fn what_may_be_nowhere_else_replaces_nothing_and_is_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kept.jsonl");
        let mut whole = Whole::begin_new(&file).unwrap();
        whole.write(b"one").unwrap();
        let partial = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().file_name().into_string().unwrap();
        assert!(partial.starts_with("kept.jsonl.") && partial.ends_with(".partial"), "{partial}");
        whole.finish().unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(Whole::begin_new(&file).err().unwrap().to_string().contains("is there already"));
        assert!(Whole::begin_new(Path::new("/dev/stdout")).is_err());
        let late = folder.path().join("late");
        let whole = Whole::begin_new(&late).unwrap();
        fs::write(&late, "somebody else's").unwrap();
        assert!(whole.finish().unwrap_err().to_string().contains("is there already"));
        assert_eq!(fs::read_to_string(&late).unwrap(), "somebody else's");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named_with_a_hint() {
        let error = write_whole(Path::new("/nonexistent/plan.json"), b"x").unwrap_err().to_string();
        assert!(
            error.contains("`/nonexistent/plan.json`") && error.contains("hint:") && !error.contains("tmp"),
            "{error}"
        );
    }
}
