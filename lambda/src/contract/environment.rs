//! `Settings` as environment variables and back.
//!
//! The whole environment of a function must fit 4 KB, so values are compact: lists are `EUR,USD`, maps `EUR=900,USD=1000`,
//! absence is the word `none`. What decides over a transaction is always stated, also where it has its default: whoever
//! looks at the function sees the rules. Attribute names are sent only where they differ from the default.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rust_decimal::Decimal;

use super::{Attributes, LargeOrders, Limits, LogLevel, Settings, TableSettings, TimeToLive};
use crate::currency;

const PIPELINE: &str = "PIPEWRIGHT_PIPELINE";
const TABLE: &str = "PIPEWRIGHT_TABLE";
const TABLE_KEY: &str = "PIPEWRIGHT_TABLE_KEY";
const ATTRIBUTES: &str = "PIPEWRIGHT_ATTRIBUTES";
const TIME_TO_LIVE: &str = "PIPEWRIGHT_TIME_TO_LIVE";
const QUARANTINE_URL: &str = "PIPEWRIGHT_QUARANTINE_URL";
const LARGE_ORDER_TOPIC: &str = "PIPEWRIGHT_LARGE_ORDER_TOPIC";
const LARGE_ORDER_THRESHOLDS: &str = "PIPEWRIGHT_LARGE_ORDER_THRESHOLDS";
const CURRENCIES: &str = "PIPEWRIGHT_CURRENCIES";
const LARGEST_AMOUNT: &str = "PIPEWRIGHT_LARGEST_AMOUNT";
const OLDEST_SECONDS: &str = "PIPEWRIGHT_OLDEST_SECONDS";
const ITEMS_REQUIRED: &str = "PIPEWRIGHT_ITEMS_REQUIRED";
const ITEMS_MUST_ADD_UP: &str = "PIPEWRIGHT_ITEMS_MUST_ADD_UP";
const LOG_LEVEL: &str = "PIPEWRIGHT_LOG_LEVEL";
const FUNCTION_TIMEOUT_SECONDS: &str = "PIPEWRIGHT_FUNCTION_TIMEOUT_SECONDS";

const NONE: &str = "none";
const ALL: &str = "all";

/// The settings cannot be read: every problem there is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", Listed(problems))]
pub struct SettingsError {
    pub problems: Vec<SettingProblem>,
}

/// What is wrong with one variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingProblem {
    #[error("`{variable}` is not set")]
    Missing { variable: &'static str },
    #[error("`{variable}` is `{value}`: {cause}")]
    Malformed { variable: &'static str, value: String, cause: String },
}

struct Listed<'a>(&'a [SettingProblem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(formatter, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl Settings {
    /// The variables that tell the processor these settings. Equal settings give equal text.
    pub fn to_environment(&self) -> BTreeMap<String, String> {
        let mut variables: BTreeMap<String, String> =
            decisions(self).into_iter().map(|(variable, value)| (variable.to_owned(), value)).collect();
        let mut set = |variable: &str, value: String| variables.insert(variable.to_owned(), value);
        set(PIPELINE, self.pipeline.clone());
        set(TABLE, self.table.name.clone());
        set(TABLE_KEY, self.table.key.clone());
        if self.table.attributes != Attributes::default() {
            set(ATTRIBUTES, print_attributes(&self.table.attributes));
        }
        set(TIME_TO_LIVE, print_time_to_live(self.table.time_to_live.as_ref()));
        set(QUARANTINE_URL, self.quarantine_url.clone());
        set(LARGE_ORDER_TOPIC, self.large_orders.as_ref().map_or(NONE.to_owned(), |large| large.topic_arn.clone()));
        set(LOG_LEVEL, self.log_level.to_string());
        set(FUNCTION_TIMEOUT_SECONDS, self.function_timeout_seconds.to_string());
        variables
    }

    /// Reads the settings; every missing or malformed variable is named at once.
    pub fn from_environment(get: impl Fn(&str) -> Option<String>) -> Result<Settings, SettingsError> {
        let mut reader = Reader { get, problems: Vec::new() };
        let settings = reader.settings();
        match settings {
            Some(settings) if reader.problems.is_empty() => Ok(settings),
            _ => Err(SettingsError { problems: reader.problems }),
        }
    }
}

/// The variables that decide what becomes of a transaction: what `Settings::digest` covers.
pub(super) fn decisions(settings: &Settings) -> Vec<(&'static str, String)> {
    let limits = &settings.limits;
    vec![
        (CURRENCIES, print_currencies(&limits.currencies)),
        (ITEMS_MUST_ADD_UP, limits.items_must_add_up.to_string()),
        (ITEMS_REQUIRED, limits.items_required.to_string()),
        (
            LARGE_ORDER_THRESHOLDS,
            settings.large_orders.as_ref().map_or(NONE.to_owned(), |large| print_amounts(&large.thresholds)),
        ),
        (LARGEST_AMOUNT, print_amounts(&limits.largest_amount)),
        (OLDEST_SECONDS, limits.oldest_seconds.map_or(NONE.to_owned(), |seconds| seconds.to_string())),
    ]
}

fn print_currencies(currencies: &BTreeSet<String>) -> String {
    if currencies.is_empty() {
        return ALL.to_owned();
    }
    currencies.iter().map(String::as_str).collect::<Vec<_>>().join(",")
}

/// Without trailing zeros, so that `1000` and `1000.00` are one text and one digest.
fn print_amounts(amounts: &BTreeMap<String, Decimal>) -> String {
    if amounts.is_empty() {
        return NONE.to_owned();
    }
    let pairs = amounts.iter().map(|(currency, amount)| format!("{currency}={}", amount.normalize()));
    pairs.collect::<Vec<_>>().join(",")
}

/// Seconds first: the name may hold anything.
fn print_time_to_live(time_to_live: Option<&TimeToLive>) -> String {
    time_to_live.map_or(NONE.to_owned(), |ttl| format!("{} {}", ttl.after_seconds, ttl.attribute))
}

/// A JSON object of the names that are not the default: names may hold any character.
fn print_attributes(attributes: &Attributes) -> String {
    let standard = fields(&Attributes::default()).map(|(_, name)| name.to_owned());
    let renamed = fields(attributes).into_iter().zip(standard).filter(|((_, name), standard)| name != standard);
    let object = renamed.map(|((field, name), _)| (field.to_owned(), name.into())).collect();
    serde_json::Value::Object(object).to_string()
}

fn fields(attributes: &Attributes) -> [(&'static str, &str); 10] {
    let Attributes {
        customer_id,
        amount,
        currency,
        timestamp,
        items,
        metadata,
        extra,
        digest,
        announcement,
        judged_by,
    } = attributes;
    [
        ("customer_id", customer_id),
        ("amount", amount),
        ("currency", currency),
        ("timestamp", timestamp),
        ("items", items),
        ("metadata", metadata),
        ("extra", extra),
        ("digest", digest),
        ("announcement", announcement),
        ("judged_by", judged_by),
    ]
}

/// Reads variables and gathers what is wrong with them.
struct Reader<Get> {
    get: Get,
    problems: Vec<SettingProblem>,
}

impl<Get: Fn(&str) -> Option<String>> Reader<Get> {
    /// Every variable is read before the first is missed: no `?` until all are asked for.
    fn settings(&mut self) -> Option<Settings> {
        let pipeline = self.required(PIPELINE, filled);
        let table = self.table();
        let quarantine_url = self.required(QUARANTINE_URL, url);
        let topic = self.required(LARGE_ORDER_TOPIC, topic);
        let thresholds = self.required(LARGE_ORDER_THRESHOLDS, amounts);
        let limits = self.limits();
        let log_level = self.required(LOG_LEVEL, log_level);
        let function_timeout_seconds = self.required(FUNCTION_TIMEOUT_SECONDS, timeout);
        let large_orders = self.large_orders(topic?, thresholds?);
        Some(Settings {
            pipeline: pipeline?,
            table: table?,
            quarantine_url: quarantine_url?,
            large_orders,
            limits: limits?,
            log_level: log_level?,
            function_timeout_seconds: function_timeout_seconds?,
        })
    }

    fn table(&mut self) -> Option<TableSettings> {
        let name = self.required(TABLE, filled);
        let key = self.required(TABLE_KEY, filled);
        let time_to_live = self.required(TIME_TO_LIVE, time_to_live);
        let attributes = match (self.get)(ATTRIBUTES) {
            Some(text) => self.parsed(ATTRIBUTES, text, attributes),
            None => Some(Attributes::default()),
        };
        let table = TableSettings { name: name?, key: key?, attributes: attributes?, time_to_live: time_to_live? };
        if let Some(name) = repeated_name(&table) {
            let cause = format!("two attributes of an item are called `{name}`");
            let value = print_attributes(&table.attributes);
            self.problems.push(SettingProblem::Malformed { variable: ATTRIBUTES, value, cause });
        }
        Some(table)
    }

    fn limits(&mut self) -> Option<Limits> {
        let currencies = self.required(CURRENCIES, currencies);
        let largest_amount = self.required(LARGEST_AMOUNT, amounts);
        let oldest_seconds = self.required(OLDEST_SECONDS, optional_seconds);
        let items_required = self.required(ITEMS_REQUIRED, boolean);
        let items_must_add_up = self.required(ITEMS_MUST_ADD_UP, boolean);
        Some(Limits {
            currencies: currencies?,
            largest_amount: largest_amount?,
            oldest_seconds: oldest_seconds?,
            items_required: items_required?,
            items_must_add_up: items_must_add_up?,
        })
    }

    fn large_orders(&mut self, topic: Option<String>, thresholds: BTreeMap<String, Decimal>) -> Option<LargeOrders> {
        if topic.is_none() && !thresholds.is_empty() {
            let cause = format!("`{LARGE_ORDER_THRESHOLDS}` is set, so there must be a topic");
            let value = NONE.to_owned();
            self.problems.push(SettingProblem::Malformed { variable: LARGE_ORDER_TOPIC, value, cause });
        }
        topic.map(|topic_arn| LargeOrders { topic_arn, thresholds })
    }

    fn required<T>(&mut self, variable: &'static str, parse: fn(&str) -> Result<T, String>) -> Option<T> {
        match (self.get)(variable) {
            Some(text) => self.parsed(variable, text, parse),
            None => {
                self.problems.push(SettingProblem::Missing { variable });
                None
            }
        }
    }

    fn parsed<T>(&mut self, variable: &'static str, text: String, parse: fn(&str) -> Result<T, String>) -> Option<T> {
        parse(&text)
            .map_err(|cause| self.problems.push(SettingProblem::Malformed { variable, value: text, cause }))
            .ok()
    }
}

fn repeated_name(table: &TableSettings) -> Option<&str> {
    let time_to_live = table.time_to_live.as_ref().map(|ttl| ttl.attribute.as_str());
    let attributes = fields(&table.attributes).map(|(_, name)| name);
    let mut seen = BTreeSet::from([table.key.as_str()]);
    attributes.into_iter().chain(time_to_live).find(|name| !seen.insert(name))
}

fn filled(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("must not be empty".into()) } else { Ok(text.to_owned()) }
}

fn url(text: &str) -> Result<String, String> {
    let web = text.starts_with("https://") || text.starts_with("http://");
    if web { Ok(text.to_owned()) } else { Err("must be a queue's URL, `https://…`".into()) }
}

fn topic(text: &str) -> Result<Option<String>, String> {
    match text {
        NONE => Ok(None),
        arn if arn.starts_with("arn:") => Ok(Some(arn.to_owned())),
        _ => Err(format!("must be a topic's ARN, or `{NONE}`")),
    }
}

fn boolean(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "must be `true` or `false`".into())
}

fn log_level(text: &str) -> Result<LogLevel, String> {
    let known = LogLevel::ALL.into_iter().find(|level| level.as_str() == text);
    known.ok_or_else(|| "must be `debug`, `info`, `warn` or `error`".into())
}

fn timeout(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(seconds @ 1..=900) => Ok(seconds),
        _ => Err("must be whole seconds, 1 to 900".into()),
    }
}

fn seconds(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "must be whole seconds".into())
}

fn optional_seconds(text: &str) -> Result<Option<u64>, String> {
    if text == NONE { Ok(None) } else { seconds(text).map(Some) }
}

fn time_to_live(text: &str) -> Result<Option<TimeToLive>, String> {
    if text == NONE {
        return Ok(None);
    }
    let (after, attribute) = text.split_once(' ').ok_or("must be `<seconds> <attribute>`, or `none`")?;
    Ok(Some(TimeToLive { after_seconds: seconds(after)?, attribute: filled(attribute)? }))
}

fn known_currency(code: &str) -> Result<String, String> {
    currency::minor_digits(code).map(|_| code.to_owned()).ok_or_else(|| format!("`{code}` is no currency of ISO 4217"))
}

fn currencies(text: &str) -> Result<BTreeSet<String>, String> {
    if text == ALL { Ok(BTreeSet::new()) } else { text.split(',').map(known_currency).collect() }
}

fn amounts(text: &str) -> Result<BTreeMap<String, Decimal>, String> {
    if text == NONE {
        return Ok(BTreeMap::new());
    }
    let mut amounts = BTreeMap::new();
    for pair in text.split(',') {
        let (code, amount) = pair.split_once('=').ok_or("must be `<currency>=<amount>,…`, or `none`")?;
        let amount = positive(amount)?;
        if amounts.insert(known_currency(code)?, amount).is_some() {
            return Err(format!("`{code}` is there twice"));
        }
    }
    Ok(amounts)
}

fn positive(text: &str) -> Result<Decimal, String> {
    let amount = Decimal::from_str_exact(text).map_err(|_| format!("`{text}` is no decimal number"))?;
    if amount > Decimal::ZERO { Ok(amount) } else { Err(format!("`{text}` must be greater than zero")) }
}

fn attributes(text: &str) -> Result<Attributes, String> {
    let renamed: BTreeMap<String, String> =
        serde_json::from_str(text).map_err(|_| "must be a JSON object of names".to_owned())?;
    let mut attributes = Attributes::default();
    for (field, name) in renamed {
        let slot = slot(&mut attributes, &field).ok_or_else(|| format!("there is no attribute `{field}`"))?;
        *slot = filled(&name)?;
    }
    Ok(attributes)
}

fn slot<'a>(attributes: &'a mut Attributes, field: &str) -> Option<&'a mut String> {
    Some(match field {
        "customer_id" => &mut attributes.customer_id,
        "amount" => &mut attributes.amount,
        "currency" => &mut attributes.currency,
        "timestamp" => &mut attributes.timestamp,
        "items" => &mut attributes.items,
        "metadata" => &mut attributes.metadata,
        "extra" => &mut attributes.extra,
        "digest" => &mut attributes.digest,
        "announcement" => &mut attributes.announcement,
        "judged_by" => &mut attributes.judged_by,
        _ => return None,
    })
}
