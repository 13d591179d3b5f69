//! Values of one metric over time, and what a list of them comes to.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

/// How values are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Count,
    Seconds,
    Milliseconds,
    /// Capacity units.
    Units,
}

/// What is plotted, in the order of the pipeline: the key by which CloudWatch's answer is found, title and unit.
/// Keys are those of the catalogue of metrics, and `function.invocations`.
pub const PLOTTED: [(&str, &str, Unit); 17] = [
    ("queue.visible", "messages waiting", Unit::Count),
    ("queue.oldest_message_age", "age of the oldest message", Unit::Seconds),
    ("queue.in_flight", "messages in flight", Unit::Count),
    ("dead_letter.visible", "dead letters", Unit::Count),
    ("quarantine.visible", "in quarantine", Unit::Count),
    ("function.invocations", "invocations", Unit::Count),
    ("function.errors", "failed invocations", Unit::Count),
    ("function.throttles", "throttled invocations", Unit::Count),
    ("function.duration", "duration p99", Unit::Milliseconds),
    ("table.consumed_writes", "write units consumed", Unit::Units),
    ("table.throttled_writes", "throttled writes", Unit::Count),
    ("processor.stored", "transactions stored", Unit::Count),
    ("processor.rejected", "rejected", Unit::Count),
    ("processor.failed", "failed and retried", Unit::Count),
    ("processor.duplicates", "duplicates", Unit::Count),
    ("processor.conflicts", "conflicts", Unit::Count),
    ("processor.large_orders", "large orders announced", Unit::Count),
];

/// A stretch of time, cut into periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Window {
    #[schemars(with = "String")]
    pub from: Timestamp,
    #[schemars(with = "String")]
    pub to: Timestamp,
    pub period_seconds: u32,
}

/// A period whose values tell how it is now, in seconds.
const MINUTE: u32 = 60;
/// How many minutes old a value may be and still tell how it is now: CloudWatch has values some minutes late.
const CURRENT: usize = 10;

impl Window {
    /// The last so many hours, in whole periods: minutes for some hours, longer ones for more.
    pub fn last(hours: u32, now: Timestamp) -> Self {
        let period_seconds = match hours {
            ..=3 => MINUTE,
            4..=24 => 300,
            25.. => 3_600,
        };
        Self::until(now, i64::from(hours) * 3_600, period_seconds)
    }

    /// The last minutes by themselves, where the periods are too long to tell how it is now.
    pub fn recent(self, now: Timestamp) -> Option<Self> {
        (!self.is_by_minute()).then(|| Self::until(now, CURRENT as i64 * i64::from(MINUTE), MINUTE))
    }

    /// So many seconds, the last of them in the period that goes on.
    fn until(now: Timestamp, seconds: i64, period_seconds: u32) -> Self {
        let period = i64::from(period_seconds);
        let end = (now.as_second().div_euclid(period) + 1) * period;
        let at = |second| Timestamp::from_second(second).unwrap_or(now);
        Self { from: at(end - seconds), to: at(end), period_seconds }
    }

    pub fn periods(&self) -> usize {
        usize::try_from(self.seconds() / i64::from(self.period_seconds)).unwrap_or_default()
    }

    pub fn is_by_minute(&self) -> bool {
        self.period_seconds == MINUTE
    }

    /// `the last hour`, `the last 36 hours`, `the last 14 days`.
    pub fn words(&self) -> String {
        match self.seconds() / 3_600 {
            1 => "the last hour".into(),
            hours if hours > 24 && hours % 24 == 0 => format!("the last {} days", hours / 24),
            hours => format!("the last {hours} hours"),
        }
    }

    /// `minute`, `5 minutes`, `hour`.
    pub fn period_words(&self) -> String {
        match self.period_seconds {
            MINUTE => "minute".into(),
            3_600 => "hour".into(),
            seconds => format!("{} minutes", seconds / MINUTE),
        }
    }

    fn seconds(&self) -> i64 {
        self.to.as_second() - self.from.as_second()
    }
}

/// The values of every metric that was asked for, by key. A metric without a value has no entry.
pub type Metrics = BTreeMap<String, Vec<(Timestamp, f64)>>;

/// One metric to plot.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Plot {
    pub metric: String,
    pub title: String,
    pub unit: Unit,
    /// One a period; where there is none, `null`. In JSON all on one line.
    #[serde(serialize_with = "on_one_line")]
    pub values: Vec<Option<f64>>,
    /// Where a period is longer than a minute: the value of the last minute that was told of late.
    pub last_minute: Option<f64>,
}

impl Plot {
    /// The plots whose keys begin so, those without any value included. `recent`: the window's last minutes by themselves.
    pub fn all(prefix: &str, metrics: &Metrics, recent: &Metrics, window: Window) -> Vec<Self> {
        let ours = PLOTTED.iter().filter(|(key, _, _)| key.starts_with(prefix));
        ours.map(|(key, title, unit)| Self {
            metric: (*key).to_owned(),
            title: (*title).to_owned(),
            unit: *unit,
            values: by_period(metrics.get(*key).map(Vec::as_slice).unwrap_or_default(), window),
            last_minute: recent.get(*key).and_then(|points| points.last()).map(|(_, value)| *value),
        })
        .collect()
    }

    pub fn has_values(&self) -> bool {
        self.values.iter().any(Option::is_some)
    }

    /// How it is now, which is in the last minute that was told; `None`: nothing was told of late.
    pub fn current(&self, window: Window) -> Option<f64> {
        if window.is_by_minute() {
            self.values.iter().rev().take(CURRENT).copied().flatten().next()
        } else {
            self.last_minute
        }
    }

    /// The last value, however old.
    pub fn last(&self) -> Option<f64> {
        self.values.iter().rev().copied().flatten().next()
    }

    pub fn largest(&self) -> Option<f64> {
        self.values
            .iter()
            .copied()
            .flatten()
            .fold(None, |largest, value| Some(largest.map_or(value, |it: f64| it.max(value))))
    }

    /// `None`: there is no value.
    pub fn sum(&self) -> Option<f64> {
        self.has_values().then(|| self.values.iter().copied().flatten().sum())
    }
}

/// Hundreds of values, one below the other, would hide everything else.
fn on_one_line<S: Serializer>(values: &[Option<f64>], serializer: S) -> Result<S::Ok, S::Error> {
    let line: Box<RawValue> = to_raw_value(values).map_err(S::Error::custom)?;
    line.serialize(serializer)
}

fn by_period(points: &[(Timestamp, f64)], window: Window) -> Vec<Option<f64>> {
    let mut values = vec![None; window.periods()];
    for (at, value) in points {
        let seconds = at.as_second() - window.from.as_second();
        let place = usize::try_from(seconds.div_euclid(i64::from(window.period_seconds))).ok();
        if let Some(slot) = place.and_then(|place| values.get_mut(place)) {
            *slot = Some(*value);
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_window_ends_with_the_period_that_goes_on() {
        let hour = Window::last(1, at(7_230));
        assert_eq!((hour.from, hour.to, hour.periods()), (at(3_660), at(7_260), 60));
        assert_eq!(Window::last(24, at(7_230)).periods(), 288);
        assert_eq!(Window::last(168, at(7_230)).periods(), 168);
    }

    #[test]
    fn values_find_their_period_and_gaps_stay_gaps() {
        let window = Window { from: at(0), to: at(240), period_seconds: 60 };
        let points = vec![(at(60), 2.0), (at(185), 3.0), (at(-60), 9.0), (at(240), 9.0)];
        let metrics = Metrics::from([("queue.visible".to_owned(), points)]);
        let plots = Plot::all("queue.", &metrics, &Metrics::new(), window);
        assert_eq!(plots[0].values, [None, Some(2.0), None, Some(3.0)]);
        assert_eq!((plots[0].last(), plots[0].largest(), plots[0].sum()), (Some(3.0), Some(3.0), Some(5.0)));
        assert_eq!((plots[1].has_values(), plots[1].sum()), (false, None));
        let json = serde_json::to_string_pretty(&plots[0]).unwrap();
        assert!(json.contains("\"values\": [null,2.0,null,3.0]"), "{json}");
    }

    #[test]
    fn an_old_value_does_not_tell_how_it_is_now() {
        let now = at(36_000);
        for (age, current) in [(120, true), (49 * 60, false)] {
            let window = Window::last(1, now);
            let metrics = one(now, age, 7.0);
            let plot = &Plot::all("queue.", &metrics, &Metrics::new(), window)[0];
            assert_eq!((plot.current(window), plot.last()), (current.then_some(7.0), Some(7.0)), "{age} s");
            assert_eq!(window.recent(now), None, "it tells by itself");
        }
    }

    fn one(now: Timestamp, age: i64, value: f64) -> Metrics {
        Metrics::from([("queue.visible".to_owned(), vec![(at(now.as_second() - age), value)])])
    }

    #[test]
    fn what_a_long_period_comes_to_does_not_tell_how_it_is_now() {
        let now = at(36_000);
        for hours in [24, 336] {
            let window = Window::last(hours, now);
            let recent = window.recent(now).unwrap();
            assert_eq!((recent.from, recent.to, recent.periods()), (at(35_460), at(36_060), 10));
            let (long, minute) = (one(now, 0, 21_200.0), one(now, 60, 1_001.0));
            let plot = &Plot::all("queue.", &long, &minute, window)[0];
            assert_eq!((plot.current(window), plot.largest()), (Some(1_001.0), Some(21_200.0)), "{hours} h");
            let silent = &Plot::all("queue.", &long, &Metrics::new(), window)[0];
            assert_eq!(silent.current(window), None, "{hours} h");
        }
    }

    #[test]
    fn a_window_is_called_by_hours_or_by_days() {
        let words = |hours| {
            let window = Window::last(hours, at(7_230));
            format!("{} by {}", window.words(), window.period_words())
        };
        assert_eq!(words(1), "the last hour by minute");
        assert_eq!(words(24), "the last 24 hours by 5 minutes");
        assert_eq!(words(36), "the last 36 hours by hour");
        assert_eq!(words(336), "the last 14 days by hour");
    }
}
