//! Files that people get: written whole or not at all.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};

use crate::aws::folder_of;

/// Writes beside the file, then renames. Who may read it follows from the user's umask, as for any new file.
///
/// # Errors
/// The folder cannot be written to.
pub fn write_whole(file: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let everybody = Permissions::from_mode(0o666);
        let mut temporary = tempfile::Builder::new().permissions(everybody).tempfile_in(folder_of(file))?;
        temporary.write_all(bytes)?;
        temporary.persist(file)?;
        Ok(())
    };
    write().with_context(|| format!("`{}` cannot be written", file.display()))
}
