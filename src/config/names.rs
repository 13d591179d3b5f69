//! Names and other texts that AWS limits: each type admits only what its service takes, so past the loader a name is
//! a valid name.
//!
//! The rules stand in one table below. Each is said three times, and a test holds the three together: as a check, as a
//! pattern for the schema, and in words for the message.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use super::words::quoted;

/// What a kind of text must look like.
pub(super) struct Rule {
    /// With the article: `a queue name`.
    pub noun: &'static str,
    /// The rule in words; shown in messages.
    pub words: &'static str,
    /// The same as a regular expression (ECMA 262); shown in the schema.
    pub pattern: &'static str,
    /// Shortest and longest, in characters.
    pub length: (usize, usize),
    /// The same as code; the length is checked apart.
    pub holds: fn(&str) -> bool,
}

impl Rule {
    fn check(&self, text: &str) -> Result<(), String> {
        let (shortest, longest) = self.length;
        let length = text.chars().count();
        if length > longest {
            return Err(format!(
                "{} has {length} characters, too many for {}\nhint: at most {longest}",
                quoted(text),
                self.noun
            ));
        }
        if length < shortest || !(self.holds)(text) {
            return Err(format!("{} is not {}\nhint: {}", quoted(text), self.noun, self.words));
        }
        Ok(())
    }
}

macro_rules! texts {
    ($($(#[$doc:meta])+ $name:ident: $noun:literal, $length:expr, $pattern:literal, $words:literal, $holds:expr;)*) => {
        $(
            $(#[$doc])+
            #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name(Cow<'static, str>);

            impl $name {
                pub(super) const RULE: Rule =
                    Rule { noun: $noun, words: $words, pattern: $pattern, length: $length, holds: $holds };

                /// A text that the code states; tests check it, for it is in nobody's file.
                #[must_use]
                pub const fn of(text: &'static str) -> Self {
                    Self(Cow::Borrowed(text))
                }

                /// A text that somebody wrote.
                ///
                /// # Errors
                /// Says which rule it breaks.
                pub fn parse(text: &str) -> Result<Self, String> {
                    Self::RULE.check(text)?;
                    Ok(Self(Cow::Owned(text.to_owned())))
                }

                #[must_use]
                pub fn as_str(&self) -> &str {
                    &self.0
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                    out.write_str(&self.0)
                }
            }

            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_str(&self.0)
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    deserializer.deserialize_str(Checked(&Self::RULE)).map(|text| Self(Cow::Owned(text)))
                }
            }

            impl JsonSchema for $name {
                fn inline_schema() -> bool {
                    true
                }

                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    Self::RULE.schema()
                }
            }
        )*

        #[cfg(test)]
        const RULES: &[Rule] = &[$($name::RULE),*];
    };
}

impl Rule {
    fn schema(&self) -> Schema {
        let (shortest, longest) = self.length;
        json_schema!({ "type": "string", "pattern": self.pattern, "minLength": shortest, "maxLength": longest })
    }
}

/// Reads a text that holds to a rule.
struct Checked<'a>(&'a Rule);

impl Visitor<'_> for Checked<'_> {
    type Value = String;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0.noun)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        self.0.check(text).map_err(E::custom)?;
        Ok(text.to_owned())
    }
}

texts! {
    /// The pipeline's name: part of every name, so its alphabet is what all of them share.
    PipelineName: "a pipeline name", (1, 48), "^[A-Za-z][A-Za-z0-9-]*$",
        "a letter, then letters, digits and `-`; at most 48", is_plain_name;
    /// An environment's name.
    EnvironmentName: "an environment name", (1, 32), "^[A-Za-z][A-Za-z0-9-]*$",
        "a letter, then letters, digits and `-`; at most 32", is_plain_name;
    /// The name that a topic or an alarm has in the file.
    TopicKey: "a name in this file", (1, 64), "^[A-Za-z0-9_-]+$",
        "letters, digits, `-` and `_`; at most 64", |text| all(text, "-_");
    /// An SQS queue's name.
    QueueName: "a queue name", (1, 80), "^[A-Za-z0-9_-]+$",
        "letters, digits, `-` and `_`; at most 80", |text| all(text, "-_");
    /// An SNS topic's name.
    TopicName: "a topic name", (1, 256), "^[A-Za-z0-9_-]+$",
        "letters, digits, `-` and `_`; at most 256", |text| all(text, "-_");
    /// A DynamoDB table's name.
    TableName: "a table name", (3, 255), "^[A-Za-z0-9_.-]+$",
        "3 to 255 letters, digits, `-`, `_` and `.`", |text| all(text, "-_.");
    /// A Lambda function's name.
    FunctionName: "a function name", (1, 64), "^[A-Za-z0-9_-]+$",
        "letters, digits, `-` and `_`; at most 64", |text| all(text, "-_");
    /// An IAM role's name.
    RoleName: "a role name", (1, 64), "^[A-Za-z0-9_+=,.@-]+$",
        "letters, digits and `_+=,.@-`; at most 64", |text| all(text, "_+=,.@-");
    /// A CloudWatch alarm's name.
    AlarmName: "an alarm name", (1, 255), "^[^\\u0000-\\u001f\\u007f]+$",
        "any characters but control characters; at most 255", has_no_control;
    /// A CloudWatch dashboard's name.
    DashboardName: "a dashboard name", (1, 255), "^[A-Za-z0-9_-]+$",
        "letters, digits, `-` and `_`; at most 255", |text| all(text, "-_");
    /// A log group's name.
    LogGroupName: "a log group name", (1, 512), "^(?!aws/)[A-Za-z0-9_/.#-]+$",
        "letters, digits and `_/.#-`, not beginning with `aws/`; at most 512",
        |text| all(text, "_/.#-") && !text.starts_with("aws/");
    /// The name of an attribute of the table's items.
    AttributeName: "an attribute name", (1, 255), "^[^\\u0000-\\u001f\\u007f]+$",
        "any characters but control characters; at most 255", has_no_control;
    /// A tag's key.
    TagKey: "a tag key", (1, 128), "^(?![Aa][Ww][Ss]:|pipewright:)[\\p{L}\\p{N} _.:/=+@-]+$",
        "letters, digits, spaces and `_.:/=+-@`; `aws:` and `pipewright:` are reserved", is_tag_key;
    /// A tag's value.
    TagValue: "a tag value", (0, 256), "^[\\p{L}\\p{N} _.:/=+@-]*$",
        "letters, digits, spaces and `_.:/=+-@`; at most 256", is_tag_text;
    /// An e-mail address.
    Email: "an e-mail address", (3, 320), "^[^@\\s\\u0000-\\u001f\\u007f]+@[^@\\s\\u0000-\\u001f\\u007f]+$",
        "as in `oncall@example.com`", is_email;
    /// A telephone number.
    Phone: "a telephone number", (3, 16), "^\\+[1-9][0-9]{1,14}$",
        "E.164: `+`, country code and number, digits only, as in `+14155550100`", is_phone;
    /// An HTTPS address.
    HttpsUrl: "an HTTPS address", (9, 2048), "^https://[^\\s/@\\u0000-\\u001f\\u007f]+(/[^\\s\\u0000-\\u001f\\u007f]*)?$",
        "it begins with `https://`, and has no spaces and no user or password", is_https;
    /// The ARN of a resource.
    ResourceArn: "an ARN", (20, 2048), "^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12}|aws)?:[^\\s\\u0000-\\u001f\\u007f]+$",
        "as in `arn:aws:sqs:us-east-1:123456789012:orders`", is_arn;
    /// A KMS key: its id, ARN or alias.
    KmsKey: "a KMS key", (7, 2048),
        "^(alias/[A-Za-z0-9/_-]+|(mrk-)?[0-9a-f-]{32,36}|arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:(key|alias)/[A-Za-z0-9/_-]+)$",
        "a key's id, its ARN, or `alias/…`", is_kms_key;
    /// Somebody whom a resource policy admits.
    Principal: "a principal", (12, 2048),
        "^([0-9]{12}|arn:aws[a-z-]*:(iam|sts)::[0-9]{12}:[^\\s*\\u0000-\\u001f\\u007f]+|[a-z0-9.-]+\\.amazonaws\\.com(\\.cn)?)$",
        "an account id in quotes, the ARN of a role or user, or a service such as `events.amazonaws.com`", is_principal;
    /// An AWS account's id.
    AccountId: "an account id", (12, 12), "^[0-9]{12}$",
        "12 digits, in quotes", |text| text.bytes().all(|digit| digit.is_ascii_digit());
    /// An AWS region's name.
    RegionName: "a region", (9, 32), "^[a-z]{2,4}(-[a-z]+)+-[0-9]$",
        "as in `us-east-1`", is_region;
    /// A currency of ISO 4217.
    Currency: "a currency of ISO 4217", (3, 3), "^[A-Z]{3}$",
        "three capital letters, as in `USD`", |text| pipewright_processor::currency::minor_digits(text).is_some();
    /// The name of an environment variable.
    VariableName: "a variable name", (2, 256), "^(?!AWS_|LAMBDA_|PIPEWRIGHT_)[A-Za-z][A-Za-z0-9_]+$",
        "a letter, then letters, digits and `_`; `AWS_`, `LAMBDA_` and `PIPEWRIGHT_` are reserved", is_variable;
}

impl ResourceArn {
    /// The service that the resource is of: `sqs`.
    #[must_use]
    pub fn service(&self) -> &str {
        self.as_str().split(':').nth(2).unwrap_or_default()
    }
}

fn all(text: &str, besides: &str) -> bool {
    text.chars().all(|letter| letter.is_ascii_alphanumeric() || besides.contains(letter))
}

fn is_plain_name(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphabetic()) && all(text, "-")
}

fn is_variable(text: &str) -> bool {
    let reserved = ["AWS_", "LAMBDA_", "PIPEWRIGHT_"].iter().any(|prefix| text.starts_with(prefix));
    !reserved && text.starts_with(|letter: char| letter.is_ascii_alphabetic()) && all(text, "_")
}

fn has_no_control(text: &str) -> bool {
    !text.chars().any(|letter| letter.is_ascii_control())
}

fn has_no_space(text: &str) -> bool {
    !text.chars().any(|letter| letter.is_whitespace() || letter.is_ascii_control() || letter == '\u{feff}')
}

fn is_tag_text(text: &str) -> bool {
    text.chars().all(|letter| letter.is_alphanumeric() || " _.:/=+-@".contains(letter))
}

fn is_tag_key(text: &str) -> bool {
    let reserved =
        text.starts_with("pipewright:") || text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
    is_tag_text(text) && !reserved
}

fn is_email(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@')) && has_no_space(text)
}

fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (2..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|digit| digit.is_ascii_digit())
}

/// Without a user: SNS shows such an address with its password masked, so it would never be recognised again.
fn is_https(text: &str) -> bool {
    let host = text.strip_prefix("https://").and_then(|rest| rest.split('/').next());
    host.is_some_and(|host| !host.is_empty() && !host.contains('@')) && has_no_space(text)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|digit| digit.is_ascii_digit())
}

fn is_arn(text: &str) -> bool {
    let lower =
        |part: &str| part.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-');
    let mut parts = text.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    let (scheme, partition, service, region, account, resource) = (next(), next(), next(), next(), next(), next());
    scheme == "arn"
        && partition.strip_prefix("aws").is_some_and(|rest| rest.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
        && !service.is_empty()
        && lower(service)
        && lower(region)
        && (account.is_empty() || account == "aws" || is_account(account))
        && !resource.is_empty()
        && has_no_space(resource)
}

fn is_kms_key(text: &str) -> bool {
    let path = |text: &str| !text.is_empty() && all(text, "/_-");
    if text.starts_with("arn:") {
        let mut parts = text.splitn(6, ':').skip(2);
        let mut next = || parts.next().unwrap_or_default();
        let (service, region, account, resource) = (next(), next(), next(), next());
        let name = resource.strip_prefix("key/").or(resource.strip_prefix("alias/")).unwrap_or_default();
        return is_arn(text) && service == "kms" && !region.is_empty() && is_account(account) && path(name);
    }
    let id = text.strip_prefix("mrk-").unwrap_or(text);
    let is_id =
        (32..=36).contains(&id.len()) && id.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    text.strip_prefix("alias/").is_some_and(path) || is_id
}

fn is_principal(text: &str) -> bool {
    if text.starts_with("arn:") {
        let mut parts = text.splitn(6, ':').skip(2);
        let mut next = || parts.next().unwrap_or_default();
        let (service, region, account) = (next(), next(), next());
        let of_iam = matches!(service, "iam" | "sts") && region.is_empty() && is_account(account);
        return is_arn(text) && of_iam && !text.contains('*');
    }
    let service = text.strip_suffix(".amazonaws.com").or(text.strip_suffix(".amazonaws.com.cn")).unwrap_or_default();
    let is_service = !service.is_empty()
        && service
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || ".-".contains(letter));
    is_account(text) || is_service
}

fn is_region(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let [first, middle @ .., last] = parts.as_slice() else { return false };
    let word = |part: &str| !part.is_empty() && part.bytes().all(|letter| letter.is_ascii_lowercase());
    (2..=4).contains(&first.len())
        && word(first)
        && !middle.is_empty()
        && middle.iter().all(|part| word(part))
        && last.len() == 1
        && last.bytes().all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    /// Texts that each kind of name takes, and some that it does not.
    const TAKEN: &[(&Rule, &[&str])] = &[
        (&PipelineName::RULE, &["shop", "a", "Shop-2"]),
        (&EnvironmentName::RULE, &["prod", "eu-1"]),
        (&TopicKey::RULE, &["large-orders", "on_call", "7"]),
        (&QueueName::RULE, &["orders", "a_b-C"]),
        (&TableName::RULE, &["a.b", "orders"]),
        (&RoleName::RULE, &["a+b=c,d.e@f-g_h"]),
        (&AlarmName::RULE, &["Orders: failed (prod) — now"]),
        (&LogGroupName::RULE, &["/aws/lambda/shop", "a#b"]),
        (&TagKey::RULE, &["team", "finance:unit", "kosten stelle"]),
        (&TagValue::RULE, &["", "a/b=c"]),
        (&Email::RULE, &["a@b", "on.call+aws@example.com"]),
        (&Phone::RULE, &["+14155550100"]),
        (&HttpsUrl::RULE, &["https://example.com/a?b=c#d"]),
        (
            &ResourceArn::RULE,
            &["arn:aws:sqs:us-east-1:123456789012:orders", "arn:aws-cn:iam::aws:policy/AdministratorAccess"],
        ),
        (
            &KmsKey::RULE,
            &[
                "alias/orders",
                "mrk-1234abcd12ab34cd56ef1234567890ab",
                "1234abcd-12ab-34cd-56ef-1234567890ab",
                "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
                "arn:aws:kms:us-east-1:123456789012:alias/orders",
            ],
        ),
        (
            &Principal::RULE,
            &["123456789012", "arn:aws:iam::123456789012:role/x", "events.amazonaws.com", "s3.amazonaws.com.cn"],
        ),
        (&AccountId::RULE, &["012345678901"]),
        (&RegionName::RULE, &["us-east-1", "us-gov-west-1", "ap-southeast-2", "us-isob-east-1"]),
        (&Currency::RULE, &["USD", "JPY"]),
        (&VariableName::RULE, &["RATES_BUCKET", "aB"]),
    ];

    const REFUSED: &[(&Rule, &[&str])] = &[
        (&PipelineName::RULE, &["", "1shop", "my_shop", "-a", "shöp"]),
        (&QueueName::RULE, &["", "orders.fifo", "a b"]),
        (&TableName::RULE, &["ab", "a/b"]),
        (&AlarmName::RULE, &["", "a\nb"]),
        (&LogGroupName::RULE, &["aws/lambda", "a b"]),
        (&TagKey::RULE, &["", "aws:x", "AWS:x", "pipewright:pipeline", "a|b"]),
        (&TagValue::RULE, &["a|b", "a\tb"]),
        (&Email::RULE, &["a", "@b", "a@", "a@b@c", "a b@c"]),
        (&Phone::RULE, &["14155550100", "+0123", "+1415-555", "+1234567890123456"]),
        (&HttpsUrl::RULE, &["http://a.example", "https://", "https:///path", "https://a b", "https://u@a.example"]),
        (
            &ResourceArn::RULE,
            &["orders", "arn:aws:sqs:us-east-1:1234:orders", "arn:gcp:sqs:us-east-1:123456789012:orders"],
        ),
        (&KmsKey::RULE, &["orders", "alias/", "arn:aws:kms:us-east-1:123456789012:grant/x"]),
        (
            &Principal::RULE,
            &["*", "1234", "arn:aws:iam::123456789012:*", "arn:aws:sqs:us-east-1:123456789012:x", ".com"],
        ),
        (&AccountId::RULE, &["12345678901", "1234567890123", "12345678901x"]),
        (&RegionName::RULE, &["us-east", "useast1", "us-east-12", "US-EAST-1", "us--east-1"]),
        (&Currency::RULE, &["usd", "XXX", "EURO", "€"]),
        (&VariableName::RULE, &["A", "AWS_REGION", "LAMBDA_X", "PIPEWRIGHT_TABLE", "1A", "A-B", "_A"]),
    ];

    #[test]
    fn names_that_aws_takes_are_taken_and_others_are_not() {
        for (rule, texts) in TAKEN {
            assert_eq!(
                texts.iter().filter(|text| rule.check(text).is_err()).collect::<Vec<_>>(),
                [&""; 0],
                "{}",
                rule.noun
            );
        }
        for (rule, texts) in REFUSED {
            assert_eq!(
                texts.iter().filter(|text| rule.check(text).is_ok()).collect::<Vec<_>>(),
                [&""; 0],
                "{}",
                rule.noun
            );
        }
    }

    #[test]
    fn names_have_a_greatest_length() {
        let message = QueueName::parse(&"q".repeat(81)).unwrap_err();
        assert!(message.ends_with("has 81 characters, too many for a queue name\nhint: at most 80"), "{message}");
        assert!(RULES.iter().all(|rule| rule.check(&"a".repeat(rule.length.1 + 1)).is_err()));
    }

    /// Whether the schema's side of the rule takes the text.
    fn schema_takes(rule: &Rule, text: &str) -> bool {
        jsonschema::is_valid(rule.schema().as_value(), &text.into())
    }

    #[test]
    fn the_schema_says_of_known_names_what_the_code_says() {
        for (rule, texts) in TAKEN.iter().chain(REFUSED) {
            // A pattern cannot know every currency.
            for text in texts.iter().filter(|text| rule.noun != Currency::RULE.noun || **text != "XXX") {
                assert_eq!(schema_takes(rule, text), rule.check(text).is_ok(), "{text} as {}", rule.noun);
            }
        }
    }

    static VALIDATORS: LazyLock<Vec<jsonschema::Validator>> = LazyLock::new(|| {
        RULES.iter().map(|rule| jsonschema::validator_for(rule.schema().as_value()).unwrap()).collect()
    });

    proptest! {
        /// Words of the names, mixed: near enough to names to be taken often.
        #[test]
        fn the_schema_says_of_any_name_what_the_code_says(
            parts in proptest::collection::vec(
                "[a-cA-Z0-9_.@:/ *+#~éß-]{0,3}|arn:aws:(iam|kms)::?|:?123456789012|alias/|(aws|pipewright):|https://|AWS_|\\.amazonaws\\.com",
                0..6,
            ),
        ) {
            let text = parts.concat();
            for (rule, schema) in RULES.iter().zip(VALIDATORS.iter()).filter(|(rule, _)| rule.noun != Currency::RULE.noun) {
                prop_assert_eq!(schema.is_valid(&text.as_str().into()), rule.check(&text).is_ok(), "{} as {}", text, rule.noun);
            }
        }
    }
}
