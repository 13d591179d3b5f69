//! The function's role as the YAML describes it: what is added to the derived permissions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::{ResourceArn, RoleName};

/// The function's role.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Role {
    /// The role's name; default `<pipeline>[-<environment>]-processor-<region>`.
    pub name: Option<RoleName>,
    /// Statements added to the derived policy, as in IAM (`Sid` required).
    pub extra_statements: Vec<Statement>,
    /// The ARN of the managed policy that bounds the role's permissions. Default: none.
    pub permissions_boundary: Option<ResourceArn>,
}

/// One statement of an IAM policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The statement's id: letters and digits.
    #[serde(rename = "Sid")]
    #[schemars(regex(pattern = "^[A-Za-z0-9]+$"))]
    pub sid: String,
    /// `Allow` (default) or `Deny`.
    #[serde(rename = "Effect", default)]
    pub effect: Effect,
    /// The actions, such as `s3:GetObject`.
    #[serde(rename = "Action")]
    pub action: Vec<String>,
    /// The ARNs they apply to.
    #[serde(rename = "Resource")]
    pub resource: Vec<String>,
    /// Conditions, as in IAM. Default: none.
    #[serde(rename = "Condition", default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<serde_json::Map<String, serde_json::Value>>,
}

/// What a statement does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Effect {
    #[default]
    Allow,
    Deny,
}
