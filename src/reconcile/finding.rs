//! Something the plan wants people to know that is not a step: a risk, a wait, the state of health.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::address::Address;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing can be applied until it is dealt with.
    Error,
    /// The pipeline does not do what the file says, or will not for long.
    Warning,
    /// Good to know.
    Note,
}

impl Severity {
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// Something the plan wants you to know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    pub severity: Severity,
    /// What it is about; absent: the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// A stable word for machines, such as `mapping-disabled`.
    pub code: String,
    /// One sentence for people.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Finding {
    pub fn new(severity: Severity, code: &str, message: impl Into<String>) -> Self {
        Self { severity, address: None, code: code.to_owned(), message: message.into(), hint: None }
    }

    pub fn at(mut self, address: &Address) -> Self {
        self.address = Some(address.clone());
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
