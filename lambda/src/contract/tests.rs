//! The contract as a specification: what is written can be read, and every problem is named.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::{btree_map, btree_set};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use rust_decimal::Decimal;

use super::*;
use crate::currency;

fn example() -> Settings {
    Settings {
        pipeline: "shop-prod".into(),
        table: TableSettings {
            name: "shop-prod-transactions".into(),
            key: "transaction_id".into(),
            attributes: Attributes::default(),
            time_to_live: None,
        },
        quarantine_url: "https://sqs.us-east-1.amazonaws.com/123456789012/shop-prod-quarantine".into(),
        large_orders: Some(LargeOrders {
            topic_arn: "arn:aws:sns:us-east-1:123456789012:shop-prod-large-orders".into(),
            thresholds: BTreeMap::from([("USD".into(), Decimal::new(100_000, 2))]),
        }),
        limits: Limits::default(),
        log_level: LogLevel::Info,
        function_timeout_seconds: 30,
    }
}

fn read(variables: &BTreeMap<String, String>) -> Result<Settings, SettingsError> {
    Settings::from_environment(|name| variables.get(name).cloned())
}

fn read_with(variable: &str, value: &str) -> Result<Settings, SettingsError> {
    let mut variables = example().to_environment();
    variables.insert(variable.into(), value.into());
    read(&variables)
}

fn currency_code() -> impl Strategy<Value = String> {
    select(currency::codes().collect::<Vec<_>>()).prop_map(str::to_owned)
}

fn amounts() -> impl Strategy<Value = BTreeMap<String, Decimal>> {
    let amount = (1..i64::MAX, 0..10_u32).prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale));
    btree_map(currency_code(), amount, 0..5)
}

prop_compose! {
    fn any_limits()(currencies in btree_set(currency_code(), 0..5), largest_amount in amounts(),
        oldest_seconds in option::of(any::<u64>()), items_required: bool, items_must_add_up: bool) -> Limits {
        Limits { currencies, largest_amount, oldest_seconds, items_required, items_must_add_up }
    }
}

prop_compose! {
    fn any_table()(names in btree_set("\\PC{1,12}", 12).prop_map(Vec::from_iter).prop_shuffle(), renamed: bool,
        after in option::of(any::<u64>())) -> TableSettings {
        let [name, key, customer_id, amount, currency, timestamp, items, metadata, extra, digest, announcement, judged_by] =
            names.try_into().unwrap();
        let own = Attributes { customer_id, amount, currency, timestamp, items, metadata, extra, digest, announcement,
            judged_by };
        let attributes = if renamed { own } else { Attributes::default() };
        let time_to_live = after.map(|after_seconds| TimeToLive { attribute: "expires = at".into(), after_seconds });
        TableSettings { name, key: format!("key {key}"), attributes, time_to_live }
    }
}

prop_compose! {
    fn any_settings()(pipeline in "[a-z-]{1,20}", table in any_table(), limits in any_limits(),
        large in option::of(amounts()), log_level in select(LogLevel::ALL.to_vec()), timeout in 1..=900_u32) -> Settings {
        let topic_arn = "arn:aws:sns:eu-west-1:123456789012:large".to_owned();
        let large_orders = large.map(|thresholds| LargeOrders { topic_arn, thresholds });
        Settings { pipeline, table, large_orders, limits, log_level, function_timeout_seconds: timeout, ..example() }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(settings in any_settings()) {
        prop_assert_eq!(read(&settings.to_environment()), Ok(settings));
    }

    #[test]
    fn any_text_is_read_or_refused_without_panic(text in "\\PC{0,40}") {
        for variable in example().to_environment().keys() {
            let _ = read_with(variable, &text);
        }
    }
}

#[test]
fn an_empty_environment_names_every_variable() {
    let error = Settings::from_environment(|_| None).unwrap_err();
    assert_eq!(error.problems.len(), example().to_environment().len());
    for variable in example().to_environment().keys() {
        assert!(error.to_string().contains(&format!("`{variable}` is not set")), "{variable} in {error}");
    }
}

#[test]
fn each_malformed_variable_is_named_with_its_cause() {
    let cases = [
        ("PIPEWRIGHT_PIPELINE", "", "must not be empty"),
        ("PIPEWRIGHT_TABLE", "", "must not be empty"),
        ("PIPEWRIGHT_TABLE_KEY", "", "must not be empty"),
        ("PIPEWRIGHT_ATTRIBUTES", "amount", "must be a JSON object"),
        ("PIPEWRIGHT_ATTRIBUTES", "{\"sum\":\"x\"}", "there is no attribute `sum`"),
        ("PIPEWRIGHT_ATTRIBUTES", "{\"amount\":\"\"}", "must not be empty"),
        ("PIPEWRIGHT_ATTRIBUTES", "{\"amount\":\"items\"}", "two attributes of an item are called `items`"),
        ("PIPEWRIGHT_TIME_TO_LIVE", "3600", "must be `<seconds> <attribute>`"),
        ("PIPEWRIGHT_TIME_TO_LIVE", "soon expires_at", "must be whole seconds"),
        ("PIPEWRIGHT_QUARANTINE_URL", "shop-quarantine", "must be a queue's URL"),
        ("PIPEWRIGHT_LARGE_ORDER_TOPIC", "large-orders", "must be a topic's ARN"),
        ("PIPEWRIGHT_LARGE_ORDER_TOPIC", "none", "so there must be a topic"),
        ("PIPEWRIGHT_LARGE_ORDER_THRESHOLDS", "1000", "must be `<currency>=<amount>,…`"),
        ("PIPEWRIGHT_LARGE_ORDER_THRESHOLDS", "USD=1e3", "`1e3` is no decimal number"),
        ("PIPEWRIGHT_LARGE_ORDER_THRESHOLDS", "USD=0", "must be greater than zero"),
        ("PIPEWRIGHT_LARGE_ORDER_THRESHOLDS", "USD=1,USD=2", "`USD` is there twice"),
        ("PIPEWRIGHT_LARGEST_AMOUNT", "XXX=1", "`XXX` is no currency"),
        ("PIPEWRIGHT_CURRENCIES", "EUR,", "`` is no currency"),
        ("PIPEWRIGHT_OLDEST_SECONDS", "-1", "must be whole seconds"),
        ("PIPEWRIGHT_ITEMS_REQUIRED", "yes", "must be `true` or `false`"),
        ("PIPEWRIGHT_ITEMS_MUST_ADD_UP", "1", "must be `true` or `false`"),
        ("PIPEWRIGHT_LOG_LEVEL", "INFO", "must be `debug`"),
        ("PIPEWRIGHT_FUNCTION_TIMEOUT_SECONDS", "901", "1 to 900"),
    ];
    for (variable, value, cause) in cases {
        let error = read_with(variable, value).expect_err(variable);
        assert_eq!(error.problems.len(), 1, "{variable}: {error}");
        assert!(matches!(&error.problems[0], SettingProblem::Malformed { variable: named, .. } if *named == variable));
        assert!(error.to_string().contains(cause), "{variable}={value}: {error}");
    }
}

#[test]
fn a_key_that_is_called_like_an_attribute_is_refused() {
    let error = read_with("PIPEWRIGHT_TABLE_KEY", "amount").unwrap_err();
    assert!(error.to_string().contains("two attributes of an item are called `amount`"), "{error}");
}

#[test]
fn problems_of_several_variables_come_together() {
    let mut variables = example().to_environment();
    variables.remove("PIPEWRIGHT_TABLE");
    variables.insert("PIPEWRIGHT_LOG_LEVEL".into(), "loud".into());
    variables.insert("PIPEWRIGHT_CURRENCIES".into(), "USD,ABC".into());
    assert_eq!(read(&variables).unwrap_err().problems.len(), 3);
}

#[test]
fn decisions_are_stated_also_where_they_have_their_default() {
    let variables = Settings { large_orders: None, ..example() }.to_environment();
    let stated = |name: &str| variables.get(&format!("PIPEWRIGHT_{name}")).map(String::as_str);
    assert_eq!(stated("CURRENCIES"), Some("all"));
    assert_eq!(stated("LARGEST_AMOUNT"), Some("none"));
    assert_eq!(stated("OLDEST_SECONDS"), Some("none"));
    assert_eq!(stated("LARGE_ORDER_THRESHOLDS"), Some("none"));
    assert_eq!(stated("LARGE_ORDER_TOPIC"), Some("none"));
    assert_eq!(stated("ITEMS_REQUIRED"), Some("false"));
    assert_eq!(stated("ATTRIBUTES"), None, "default names need no room");
}

#[test]
fn a_pipeline_with_rules_for_every_currency_fits_the_environment() {
    let every =
        || currency::codes().map(|code| (code.to_owned(), Decimal::new(100_000, 0))).collect::<BTreeMap<_, _>>();
    let settings = Settings { limits: Limits { largest_amount: every(), ..Limits::default() }, ..example() };
    let bytes: usize = settings.to_environment().iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(bytes < 4_096, "{bytes} bytes");
}

#[test]
fn the_digest_tells_rules_apart_and_nothing_else() {
    let base = example();
    let limits = |change: fn(&mut Limits)| {
        let mut settings = example();
        change(&mut settings.limits);
        settings.digest()
    };
    let different = BTreeSet::from([
        base.digest(),
        limits(|limits| limits.items_required = true),
        limits(|limits| limits.items_must_add_up = true),
        limits(|limits| limits.oldest_seconds = Some(60)),
        limits(|limits| limits.currencies = BTreeSet::from(["USD".into()])),
        limits(|limits| limits.largest_amount = BTreeMap::from([("USD".into(), Decimal::ONE)])),
        Settings { large_orders: None, ..example() }.digest(),
    ]);
    assert_eq!(different.len(), 7);

    let mut same = Settings { pipeline: "other".into(), log_level: LogLevel::Debug, ..example() };
    same.large_orders.as_mut().unwrap().thresholds.insert("USD".into(), Decimal::new(1_000, 0));
    assert_eq!(same.digest(), base.digest(), "1000.00 and 1000 are one rule");
    assert_eq!(base.digest().len(), 16);
}
