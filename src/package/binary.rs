//! Whether Lambda could start a program: its kind, its architecture, its loader and the glibc that it needs.
//!
//! Lambda finds out only when the first message comes, and then says little; so it is found out here, before upload.

use object::elf::{EM_386, EM_AARCH64, EM_ARM, EM_RISCV, EM_X86_64, ET_DYN, ET_EXEC, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, FileKind};

use super::error::PackageError;
use super::target::musl;
use crate::config::pipeline::Architecture;

/// provided.al2023 is Amazon Linux 2023, and that has glibc 2.34.
const GLIBC: (u32, u32) = (2, 34);

type Elf = FileHeader64<Endianness>;

/// Refuses a program that Lambda's provided.al2023 could not start on this architecture.
pub fn check(bootstrap: &[u8], architecture: Architecture) -> Result<(), PackageError> {
    let wanted = musl(architecture);
    let damaged = |error: object::Error| PackageError::NotElf { cause: error.to_string(), wanted };
    if !matches!(FileKind::parse(bootstrap), Ok(FileKind::Elf64)) {
        return Err(PackageError::NotElf { cause: format!("it is {}", kind(bootstrap)), wanted });
    }
    let header = Elf::parse(bootstrap).map_err(damaged)?;
    let endian = header.endian().map_err(damaged)?;
    check_architecture(header, endian, architecture)?;
    let Some(loader) = loader(header, endian, bootstrap).map_err(damaged)? else {
        // Static: it brings all that it needs.
        return Ok(());
    };
    if !loader.contains("/ld-linux-") {
        return Err(PackageError::Loader { loader, wanted });
    }
    match newest_glibc(header, endian, bootstrap).map_err(damaged)? {
        Some((version, needed)) if version > GLIBC => Err(PackageError::NewGlibc { needed, wanted }),
        Some(_) | None => Ok(()),
    }
}

/// What else people put into a zip, by how it begins.
fn kind(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x7f, b'E', b'L', b'F', ..] => "a 32-bit or damaged ELF program",
        [0xcf, 0xfa, 0xed, 0xfe, ..] => "a macOS program",
        [b'M', b'Z', ..] => "a Windows program",
        [b'#', b'!', ..] => "a script",
        _ => "no program at all",
    }
}

fn check_architecture(header: &Elf, endian: Endianness, architecture: Architecture) -> Result<(), PackageError> {
    let wanted = musl(architecture);
    let machine = match architecture {
        Architecture::X86_64 => EM_X86_64,
        Architecture::Arm64 => EM_AARCH64,
    };
    let found = header.e_machine(endian);
    if found != machine || endian != Endianness::Little {
        let found = match found {
            EM_X86_64 => "x86_64".to_owned(),
            EM_AARCH64 => "arm64".to_owned(),
            EM_386 => "32-bit x86".to_owned(),
            EM_ARM => "32-bit Arm".to_owned(),
            EM_RISCV => "RISC-V".to_owned(),
            other => format!("another machine (ELF number {other})"),
        };
        return Err(PackageError::WrongArchitecture { found, architecture, wanted });
    }
    if !matches!(header.e_type(endian), ET_EXEC | ET_DYN) {
        return Err(PackageError::NotElf { cause: "it is not linked into a program".to_owned(), wanted });
    }
    Ok(())
}

/// The program that loads this one, where it is not static.
fn loader(header: &Elf, endian: Endianness, data: &[u8]) -> object::Result<Option<String>> {
    for segment in header.program_headers(endian, data)? {
        if let Some(path) = segment.interpreter(endian, data)? {
            return Ok(Some(String::from_utf8_lossy(path).into_owned()));
        }
    }
    Ok(None)
}

/// The newest version of glibc that any symbol asks for, with its name.
fn newest_glibc(header: &Elf, endian: Endianness, data: &[u8]) -> object::Result<Option<((u32, u32), String)>> {
    let sections = header.sections(endian, data)?;
    let Some((mut needs, link)) = sections.gnu_verneed(endian, data)? else { return Ok(None) };
    let strings = sections.strings(endian, data, link)?;
    let mut newest = None;
    while let Some((_, mut versions)) = needs.next()? {
        while let Some(version) = versions.next()? {
            let name = String::from_utf8_lossy(version.name(endian, strings)?).into_owned();
            newest = newest.max(glibc(&name).map(|version| (version, name)));
        }
    }
    Ok(newest)
}

/// `GLIBC_2.34` → (2, 34). Of the marks that are no versions one says that the loader must be newer than ours.
fn glibc(name: &str) -> Option<(u32, u32)> {
    if name == "GLIBC_ABI_DT_RELR" {
        return Some((2, 36));
    }
    let mut parts = name.strip_prefix("GLIBC_")?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An ELF header and nothing else: enough for what is seen first.
    fn header(class: u8, machine: u16, kind: u16) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', class, 1, 1]);
        bytes[16..18].copy_from_slice(&kind.to_le_bytes());
        bytes[18..20].copy_from_slice(&machine.to_le_bytes());
        bytes[20..24].copy_from_slice(&1u32.to_le_bytes());
        bytes[52..54].copy_from_slice(&64u16.to_le_bytes());
        bytes
    }

    const PROGRAM: u16 = 2;
    const OBJECT: u16 = 1;

    #[test]
    fn a_static_program_of_the_right_architecture_is_taken() {
        check(&header(2, 62, PROGRAM), Architecture::X86_64).unwrap();
        check(&header(2, 183, PROGRAM), Architecture::Arm64).unwrap();
    }

    #[test]
    fn the_wrong_architecture_is_refused_by_name() {
        for (machine, architecture, found) in [
            (62, Architecture::Arm64, "x86_64"),
            (183, Architecture::X86_64, "arm64"),
            (243, Architecture::X86_64, "RISC-V"),
            (9999, Architecture::X86_64, "another machine (ELF number 9999)"),
        ] {
            let error = check(&header(2, machine, PROGRAM), architecture).unwrap_err();
            assert!(error.to_string().starts_with(&format!("`bootstrap` is built for {found}, ")), "{error}");
        }
    }

    #[test]
    fn what_is_no_linux_program_is_refused() {
        for (bytes, cause) in [
            (&b""[..], "it is no program at all"),
            (b"#!/bin/sh\necho hello\n", "it is a script"),
            (&header(1, 3, PROGRAM), "it is a 32-bit or damaged ELF program"),
            (&0xfeed_facf_u32.to_le_bytes(), "it is a macOS program"),
            (&header(2, 62, OBJECT), "it is not linked into a program"),
        ] {
            let error = check(bytes, Architecture::X86_64).unwrap_err();
            assert!(matches!(&error, PackageError::NotElf { cause: found, .. } if found == cause), "{error}");
        }
    }

    #[test]
    fn damaged_headers_are_errors_and_never_panics() {
        let whole = header(2, 62, PROGRAM);
        for end in 0..whole.len() {
            assert!(check(&whole[..end], Architecture::X86_64).is_err(), "{end} bytes");
        }
        for place in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[place] = 0xff;
            let _ = check(&bytes, Architecture::X86_64);
        }
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(glibc("GLIBC_2.9") < glibc("GLIBC_2.10"));
        assert_eq!(glibc("GLIBC_2.3.4"), Some((2, 3)));
        assert!(glibc("GLIBC_ABI_DT_RELR") > Some(GLIBC));
        for name in ["GLIBC_PRIVATE", "GCC_3.0", "GLIBC_", "OPENSSL_3.0.0"] {
            assert_eq!(glibc(name), None, "{name}");
        }
    }
}
