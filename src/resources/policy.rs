//! IAM policies in one canonical form, so that two texts with one meaning compare equal.
//!
//! Rules from the IAM policy grammar: a single value may stand for a list; actions ignore case; `{"AWS": "*"}` is `"*"`;
//! an account id is its root's ARN; a missing `Version` is 2008-10-17; condition values are strings.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::config::pipeline::{Effect, Statement};
use crate::reconcile::document::canonical as sorted;

/// Every statement of ours in a shared policy (a queue's, a topic's) has a Sid that begins so.
pub const OURS: &str = "Pipewright";
/// The statement that SNS puts into every new topic's policy. It allows what IAM allows anyway; ours replace it.
const SNS_DEFAULT: &str = "__default_statement_ID";

/// Actions that we write; live ones are compared in this spelling, for IAM ignores their case.
const KNOWN_ACTIONS: &[&str] = &[
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sns:AddPermission",
    "sns:DeleteTopic",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:Publish",
    "sns:Receive",
    "sns:RemovePermission",
    "sns:SetTopicAttributes",
    "sns:Subscribe",
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
    "sqs:SendMessage",
    "sqs:*",
    "sts:AssumeRole",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
];

/// A policy of these statements.
pub fn policy(statements: Vec<Value>) -> Value {
    canonical(&json!({ "Version": "2012-10-17", "Statement": statements }))
}

/// The policy in its canonical form.
pub fn canonical(policy: &Value) -> Value {
    let version = policy.get("Version").cloned().unwrap_or_else(|| json!("2008-10-17"));
    let mut statements: Vec<Value> = statements(policy).iter().map(statement).collect();
    statements.sort_by_key(ToString::to_string);
    sorted(&json!({ "Version": version, "Statement": statements }))
}

/// The policy that allows whatever either allows: for as long as its users change from one to the other.
pub fn widest(before: &Value, after: &Value) -> Value {
    let (before, after) = match (before, after) {
        (Value::Null, only) | (only, Value::Null) => return only.clone(),
        both => both,
    };
    let (old, new) = (statements(before), statements(after));
    let denies = |statement: &Value| statement["Effect"] == "Deny";
    let mut all: Vec<Value> = new.iter().filter(|one| !denies(one) || old.contains(one)).cloned().collect();
    let sids: BTreeSet<String> = new.iter().map(|one| sid(one).to_owned()).collect();
    for mut one in old.into_iter().filter(|one| !denies(one) && !new.contains(one)) {
        // No two statements of a policy may have one Sid.
        if sids.contains(sid(&one)) {
            one["Sid"] = json!(format!("{}Before", sid(&one)));
        }
        all.push(one);
    }
    let version = after.get("Version").cloned().unwrap_or(Value::Null);
    canonical(&json!({ "Version": version, "Statement": all }))
}

/// A policy's text taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Shared {
    /// The policy of our statements, canonical; `Null` where there are none.
    pub ours: Value,
    /// Others' statements, as they are.
    pub foreign: Vec<Value>,
}

impl Shared {
    /// Reads a policy that others may write into too. What is no JSON is nobody's statement.
    pub fn read(text: Option<&str>) -> Self {
        let policy = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
        let (ours, foreign): (Vec<_>, Vec<_>) = statements(&policy)
            .into_iter()
            .filter(|statement| sid(statement) != SNS_DEFAULT)
            .partition(|statement| sid(statement).starts_with(OURS));
        if ours.is_empty() {
            return Self { ours: Value::Null, foreign };
        }
        let version = policy.get("Version").cloned().unwrap_or(Value::Null);
        Self { ours: canonical(&json!({ "Version": version, "Statement": ours })), foreign }
    }

    /// The text to be written: our statements and what was kept of others'.
    pub fn text(ours: &Value, foreign: &Value) -> String {
        let mut all = statements(ours);
        all.extend(foreign.as_array().cloned().unwrap_or_default());
        if all.is_empty() {
            return String::new();
        }
        json!({ "Version": "2012-10-17", "Statement": all }).to_string()
    }

    /// The Sids of others' statements, for people.
    pub fn foreign_sids(&self) -> Vec<String> {
        self.foreign.iter().map(|statement| format!("`{}`", sid(statement))).collect()
    }
}

/// A statement that the file adds to the role's policy.
pub fn from_file(statement: &Statement) -> Value {
    let effect = match statement.effect {
        Effect::Allow => "Allow",
        Effect::Deny => "Deny",
    };
    let mut members = json!({
        "Sid": statement.sid, "Effect": effect, "Action": statement.action, "Resource": statement.resource,
    });
    if let (Some(condition), Some(members)) = (&statement.condition, members.as_object_mut()) {
        members.insert("Condition".into(), Value::Object(condition.clone()));
    }
    members
}

/// Denies plain HTTP for these actions on this resource.
pub fn tls_only(actions: &[&str], arn: &str) -> Value {
    json!({
        "Sid": "PipewrightTlsOnly", "Effect": "Deny", "Principal": "*", "Action": actions, "Resource": arn,
        "Condition": { "Bool": { "aws:SecureTransport": "false" } },
    })
}

/// Allows others to call this action: accounts and ARNs as they are, services only on behalf of this account.
pub fn allow_others<'a>(
    sid: &str,
    principals: impl Iterator<Item = &'a str>,
    action: &str,
    arn: &str,
    account: &str,
) -> Vec<Value> {
    let (services, identities): (Vec<&str>, Vec<&str>) = principals.partition(|principal| is_service(principal));
    let mut statements = Vec::new();
    if !identities.is_empty() {
        statements.push(json!({
            "Sid": sid, "Effect": "Allow", "Principal": { "AWS": identities }, "Action": action, "Resource": arn,
        }));
    }
    if !services.is_empty() {
        statements.push(json!({
            "Sid": format!("{sid}Services"), "Effect": "Allow", "Principal": { "Service": services },
            "Action": action, "Resource": arn,
            "Condition": { "StringEquals": { "aws:SourceAccount": account } },
        }));
    }
    statements
}

fn is_service(principal: &str) -> bool {
    principal.ends_with(".amazonaws.com") || principal.ends_with(".amazonaws.com.cn")
}

fn sid(statement: &Value) -> &str {
    statement.get("Sid").and_then(Value::as_str).unwrap_or("(no Sid)")
}

fn statements(policy: &Value) -> Vec<Value> {
    match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.clone(),
        Some(Value::Null) | None => Vec::new(),
        Some(single) => vec![single.clone()],
    }
}

fn statement(statement: &Value) -> Value {
    let Value::Object(members) = statement else { return statement.clone() };
    let members: Map<String, Value> = members
        .iter()
        .map(|(key, value)| {
            let value = match key.as_str() {
                "Action" | "NotAction" => set(value, spelled),
                "Resource" | "NotResource" => set(value, str::to_owned),
                "Principal" | "NotPrincipal" => principal(value),
                "Condition" => condition(value),
                _ => value.clone(),
            };
            (key.clone(), value)
        })
        .collect();
    Value::Object(members)
}

fn spelled(action: &str) -> String {
    let known = KNOWN_ACTIONS.iter().find(|known| known.eq_ignore_ascii_case(action));
    known.map_or_else(|| action.to_owned(), |known| (*known).to_owned())
}

/// A value or a list of values, as a sorted list without repetition.
fn set(value: &Value, spell: impl Fn(&str) -> String) -> Value {
    let values = match value {
        Value::Array(values) => values.clone(),
        single => vec![single.clone()],
    };
    let texts: BTreeSet<String> = values.iter().map(|value| spell(&text(value))).collect();
    json!(texts)
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn principal(value: &Value) -> Value {
    let Value::Object(kinds) = value else { return value.clone() };
    let kinds: Map<String, Value> = kinds
        .iter()
        .map(|(kind, value)| (kind.clone(), set(value, if kind == "AWS" { root_of_account } else { str::to_owned })))
        .collect();
    if kinds.len() == 1 && kinds.get("AWS") == Some(&json!(["*"])) {
        return json!("*");
    }
    Value::Object(kinds)
}

/// The ARN of an account's root as the account's id: the shorter of two spellings of one principal.
fn root_of_account(principal: &str) -> String {
    let parts: Vec<&str> = principal.split(':').collect();
    match parts[..] {
        ["arn", _, "iam", "", account, "root"] => account.to_owned(),
        _ => principal.to_owned(),
    }
}

fn condition(value: &Value) -> Value {
    let Value::Object(operators) = value else { return value.clone() };
    let operators: Map<String, Value> = operators
        .iter()
        .map(|(operator, keys)| {
            let Value::Object(keys) = keys else { return (operator.clone(), keys.clone()) };
            let keys = keys.iter().map(|(key, value)| (key.clone(), set(value, str::to_owned)));
            (operator.clone(), Value::Object(keys.collect()))
        })
        .collect();
    Value::Object(operators)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: Value, b: Value) {
        let whole = |statement: Value| json!({ "Version": "2012-10-17", "Statement": statement });
        assert_eq!(canonical(&whole(a)), canonical(&whole(b)));
    }

    #[test]
    fn two_spellings_of_one_statement_are_equal() {
        same(json!({"Action": "sqs:sendmessage"}), json!([{"Action": ["sqs:SendMessage"]}]));
        same(json!({"Resource": ["b", "a", "a"]}), json!({"Resource": ["a", "b"]}));
        same(json!({"Principal": {"AWS": "*"}}), json!({"Principal": "*"}));
        same(
            json!({"Principal": {"AWS": ["arn:aws:iam::123456789012:root"]}}),
            json!({"Principal": {"AWS": "123456789012"}}),
        );
        same(
            json!({"Condition": {"Bool": {"aws:SecureTransport": false}}}),
            json!({"Condition": {"Bool": {"aws:SecureTransport": ["false"]}}}),
        );
        same(json!([{"Sid": "A"}, {"Sid": "B"}]), json!([{"Sid": "B"}, {"Sid": "A"}]));
    }

    #[test]
    fn a_missing_version_is_the_old_one() {
        assert_ne!(canonical(&json!({"Statement": []})), canonical(&json!({"Version": "2012-10-17", "Statement": []})));
        assert_eq!(canonical(&json!({"Statement": []})), canonical(&json!({"Version": "2008-10-17", "Statement": []})));
    }

    #[test]
    fn others_statements_are_told_from_ours_and_survive_a_write() {
        let ours = policy(vec![tls_only(&["sqs:*"], "arn")]);
        let foreign = json!([{"Sid": "Theirs", "Effect": "Allow"}]);
        let shared = Shared::read(Some(&Shared::text(&ours, &foreign)));
        assert_eq!(shared.ours, ours);
        assert_eq!(json!(shared.foreign), foreign);
        assert_eq!(shared.foreign_sids(), ["`Theirs`"]);
    }

    #[test]
    fn the_default_statement_of_a_topic_is_nobody_s() {
        let text = r#"{"Version":"2008-10-17","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow"}]}"#;
        assert_eq!(Shared::read(Some(text)), Shared { ours: Value::Null, foreign: vec![] });
    }

    #[test]
    fn no_statement_at_all_is_the_empty_text_which_resets() {
        assert_eq!(Shared::text(&Value::Null, &Value::Null), "");
    }

    #[test]
    fn the_widest_of_two_policies_allows_what_either_allows_and_denies_only_what_both_deny() {
        let one = |sid: &str, effect: &str, resource: &str| json!({ "Sid": sid, "Effect": effect, "Action": "sqs:SendMessage", "Resource": resource });
        let before = policy(vec![one("Poll", "Allow", "old"), one("Same", "Allow", "x"), one("Gone", "Deny", "y")]);
        let after = policy(vec![one("Poll", "Allow", "new"), one("Same", "Allow", "x"), one("New", "Deny", "z")]);
        let expected =
            policy(vec![one("Poll", "Allow", "new"), one("PollBefore", "Allow", "old"), one("Same", "Allow", "x")]);
        assert_eq!(widest(&before, &after), expected);
        assert_eq!(widest(&Value::Null, &after), after);
        let more = policy(vec![one("Poll", "Allow", "old"), one("More", "Allow", "x"), one("Gone", "Deny", "y")]);
        let less = policy(vec![one("Poll", "Allow", "old"), one("Gone", "Deny", "y")]);
        assert_eq!(widest(&more, &less), more, "what is only taken away is there already");
        assert_eq!(widest(&less, &more), more, "what is only added is the goal already");
    }

    #[test]
    fn services_may_call_only_on_behalf_of_this_account() {
        let statements =
            allow_others("S", ["events.amazonaws.com", "123456789012"].into_iter(), "sqs:SendMessage", "arn", "1");
        assert_eq!(statements[0]["Principal"]["AWS"], json!(["123456789012"]));
        assert_eq!(statements[1]["Condition"]["StringEquals"]["aws:SourceAccount"], "1");
    }
}
