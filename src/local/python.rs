//! The Python that the local AWS will run on, asked what it is before anything is built on it.

use std::ffi::{OsStr, OsString};
use std::process::Stdio;

use tokio::process::Command;

use super::error::LocalError;

/// Prints what we need to know, one word a line; runs on any Python there ever was.
const QUESTION: &str = "
import sys
print('python')
print('.'.join(str(part) for part in sys.version_info[:3]))
try:
    import sysconfig
    print(sys.implementation.cache_tag + '-' + sysconfig.get_platform())
except Exception:
    print('unknown')
for module in ('venv', 'ensurepip'):
    try:
        __import__(module)
    except ImportError:
        print(module)
";

const OLDEST: (u32, u32) = (3, 10);

/// A Python that can carry the local AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Python {
    pub program: OsString,
    /// Version and platform: installed packages fit only the same.
    pub kind: String,
}

impl Python {
    /// Asks the program; an unusable one is an error with its remedy.
    pub async fn find(program: &OsStr) -> Result<Self, LocalError> {
        let name = program.to_string_lossy().into_owned();
        let output = Command::new(program)
            .args(["-c", QUESTION])
            .env_remove("PYTHONHOME")
            .env_remove("PYTHONPATH")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|source| LocalError::PythonMissing { python: name.clone(), source })?;
        let said = String::from_utf8_lossy(&output.stdout);
        match Self::understand(program, &said) {
            Err(LocalError::PythonUnknown { python, .. }) => {
                let output = format!("{said}{}", String::from_utf8_lossy(&output.stderr)).trim_end().to_owned();
                Err(LocalError::PythonUnknown { python, output })
            }
            understood => understood,
        }
    }

    fn understand(program: &OsStr, said: &str) -> Result<Self, LocalError> {
        let python = program.to_string_lossy().into_owned();
        let lines: Vec<&str> = said.lines().map(str::trim).collect();
        let &["python", version, platform, ref missing @ ..] = lines.as_slice() else {
            return Err(LocalError::PythonUnknown { python, output: said.to_owned() });
        };
        let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
        let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        if (major, minor) < OLDEST {
            return Err(LocalError::PythonOld { python, version: version.to_owned() });
        }
        if let Some(&module) = missing.first() {
            return Err(LocalError::PythonIncomplete {
                python,
                version: version.to_owned(),
                module: module.to_owned(),
            });
        }
        Ok(Self { program: program.to_owned(), kind: format!("{major}.{minor} {platform}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn understand(said: &str) -> Result<Python, LocalError> {
        Python::understand(OsStr::new("python3"), said)
    }

    #[test]
    fn a_complete_python_is_taken() {
        let python = understand("python\n3.14.2\ncpython-314-linux-x86_64\n").unwrap();
        assert_eq!(python.kind, "3.14 cpython-314-linux-x86_64");
        assert!(understand("python\r\n3.10.0\r\ncpython-310-macosx-14-arm64\r\n").is_ok());
    }

    #[test]
    fn an_old_one_is_named_with_its_version() {
        for version in ["2.7.18", "3.9.20"] {
            let error = understand(&format!("python\n{version}\nunknown\nvenv\n")).unwrap_err();
            assert!(matches!(&error, LocalError::PythonOld { version: found, .. } if found == version), "{error}");
            assert!(error.to_string().contains("hint: install a newer Python"), "{error}");
        }
    }

    #[test]
    fn without_venv_or_ensurepip_the_remedy_is_debians_package() {
        for module in ["venv", "ensurepip"] {
            let error = understand(&format!("python\n3.12.3\ncpython-312-linux-x86_64\n{module}\n")).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(&format!("its module `{module}` is missing")), "{text}");
            assert!(text.contains("python3-venv"), "{text}");
        }
    }

    #[test]
    fn what_is_no_python_is_refused() {
        for said in ["", "hello\n", "python\n3.12"] {
            assert!(matches!(understand(said), Err(LocalError::PythonUnknown { .. })), "{said:?}");
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_program_that_is_not_there_is_named() {
        let error = Python::find(OsStr::new("/nowhere/python3")).await.unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the local AWS needs Python 3.10 or newer, and `/nowhere/python3` does not run")
        );
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_program_that_is_something_else_is_quoted() {
        let error = Python::find(OsStr::new("/bin/sh")).await.unwrap_err();
        assert!(matches!(&error, LocalError::PythonUnknown { output, .. } if !output.is_empty()), "{error}");
    }
}
