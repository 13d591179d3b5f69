//! The deployment package: a zip with one program in it, `bootstrap`.

use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::binary::check;
use super::error::PackageError;
use crate::config::pipeline::Architecture;

const BOOTSTRAP: &str = "bootstrap";
/// What CreateFunction and UpdateFunctionCode take in the call itself.
const LARGEST_ZIP: u64 = 50 << 20;
/// Lambda's limit on the unpacked package.
const LARGEST_BOOTSTRAP: u64 = 250 << 20;

/// The zip of a program: the same bytes for the same program, on every machine and at any time.
pub fn zip(bootstrap: &[u8]) -> Result<Vec<u8>, PackageError> {
    write(bootstrap).map_err(|error| PackageError::Write { cause: error.to_string() })
}

fn write(bootstrap: &[u8]) -> Result<Vec<u8>, ZipError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        // The oldest time that a zip can name.
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(0o755);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file(BOOTSTRAP, options)?;
    writer.write_all(bootstrap)?;
    Ok(writer.finish()?.into_inner())
}

/// The digest as Lambda reports it: base64 of SHA-256.
pub fn code_sha256(zip: &[u8]) -> String {
    BASE64_STANDARD.encode(Sha256::digest(zip))
}

/// Reads a zip that the user built, and checks all that would keep Lambda from starting it.
pub fn prebuilt(path: &Path, architecture: Architecture) -> Result<Vec<u8>, PackageError> {
    let size = fs::metadata(path).map_err(PackageError::read(path))?.len();
    if size > LARGEST_ZIP {
        return Err(PackageError::TooLarge { path: path.to_owned(), size, limit: LARGEST_ZIP });
    }
    let zip = fs::read(path).map_err(PackageError::read(path))?;
    check(&bootstrap(path, &zip)?, architecture)?;
    Ok(zip)
}

/// The program in the zip.
fn bootstrap(path: &Path, zip: &[u8]) -> Result<Vec<u8>, PackageError> {
    let unreadable = |cause: String| PackageError::Zip { path: path.to_owned(), cause };
    let mut archive = ZipArchive::new(Cursor::new(zip)).map_err(|error| unreadable(error.to_string()))?;
    let entry = match archive.by_name(BOOTSTRAP) {
        Ok(entry) => entry,
        Err(ZipError::FileNotFound) => return Err(PackageError::NoEntry { path: path.to_owned() }),
        Err(error) => return Err(unreadable(error.to_string())),
    };
    let mode = entry.unix_mode().unwrap_or(0) & 0o7777;
    if mode & 0o111 == 0 {
        return Err(PackageError::NotExecutable { path: path.to_owned(), mode });
    }
    let mut program = Vec::new();
    entry.take(LARGEST_BOOTSTRAP).read_to_end(&mut program).map_err(|error| unreadable(error.to_string()))?;
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zip_of(name: &str, mode: u32, content: &[u8]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file(name, SimpleFileOptions::default().unix_permissions(mode)).unwrap();
        writer.write_all(content).unwrap();
        writer.finish().unwrap().into_inner()
    }

    fn refused(content: &[u8]) -> PackageError {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), content).unwrap();
        prebuilt(file.path(), Architecture::X86_64).unwrap_err()
    }

    #[test]
    fn the_same_program_gives_the_same_bytes() {
        // Pinned: it must not change between machines or releases, or functions would be updated for nothing.
        let program: Vec<u8> = (0..10_000u32).flat_map(|number| (number / 7).to_le_bytes()).collect();
        assert_eq!(code_sha256(&zip(&program).unwrap()), "NhjBdBkdnvl/NY7V0gp8OhRw6whSk6o8fkCLMQLkfWI=");
    }

    #[test]
    fn the_zip_holds_one_executable_program() {
        let zip = zip(b"program").unwrap();
        let mut archive = ZipArchive::new(Cursor::new(&zip)).unwrap();
        assert_eq!(archive.len(), 1);
        assert_eq!(archive.by_name("bootstrap").unwrap().unix_mode(), Some(0o100_755));
        assert_eq!(bootstrap(Path::new("it.zip"), &zip).unwrap(), b"program");
    }

    #[test]
    fn the_digest_is_lambdas() {
        // `printf '' | openssl dgst -sha256 -binary | base64`
        assert_eq!(code_sha256(b""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }

    #[test]
    fn what_lambda_could_not_start_is_refused() {
        assert!(matches!(refused(b"no zip"), PackageError::Zip { .. }));
        assert!(matches!(refused(b""), PackageError::Zip { .. }));
        assert!(matches!(refused(&zip_of("bin/bootstrap", 0o755, b"")), PackageError::NoEntry { .. }));
        let error = refused(&zip_of("bootstrap", 0o644, b""));
        assert!(matches!(error, PackageError::NotExecutable { mode: 0o644, .. }), "{error}");
        assert!(error.to_string().contains("(its mode is 0644)"), "{error}");
        assert!(matches!(refused(&zip_of("bootstrap", 0o755, b"#!/bin/sh")), PackageError::NotElf { .. }));
    }

    #[test]
    fn a_zip_cut_short_is_refused() {
        let whole = zip_of("bootstrap", 0o755, &[7; 1000]);
        for end in 0..whole.len() {
            assert!(matches!(refused(&whole[..end]), PackageError::Zip { .. }), "{end} bytes");
        }
    }

    #[test]
    fn more_than_lambda_takes_is_refused_before_it_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(LARGEST_ZIP + 1).unwrap();
        let error = prebuilt(file.path(), Architecture::X86_64).unwrap_err();
        assert!(matches!(error, PackageError::TooLarge { size, .. } if size == LARGEST_ZIP + 1), "{error}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = prebuilt(Path::new("/nowhere/it.zip"), Architecture::X86_64).unwrap_err();
        assert!(error.to_string().starts_with("`/nowhere/it.zip` cannot be read"), "{error}");
    }
}
