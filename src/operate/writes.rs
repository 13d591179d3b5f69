//! How fast and how long to write so that a write-capacity alarm goes off: from the alarm and the table's capacity.

use std::time::Duration;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::config::Pipeline;
use crate::config::alarm::{Alarm, Condition, Limit, Statistic, Watched};
use crate::config::metric::Metric;
use crate::config::names::TopicKey;
use crate::config::pipeline::Billing;

/// A drill of writes, worked out.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteDrill {
    /// Write capacity units a second that are just enough, less than the table has.
    pub units_per_second: f64,
    /// Capacity units of one write: large items where many units are needed.
    pub units_per_write: u32,
    /// How long it takes until the alarm can see enough, at most.
    pub duration: Duration,
    /// After so long the alarm should be over, once there are no more writes than a few.
    pub aftermath: Duration,
    /// All units written until it is over, at most.
    pub units: u64,
    /// In US dollars; `None`: nothing beyond the capacity that is paid for by the hour.
    pub dollars: Option<Decimal>,
}

/// So much above the limit, where the capacity leaves room.
const ABOVE: f64 = 1.2;
/// At most so many writes a second: above, the items get larger.
const MOST_WRITES: f64 = 25.0;
/// An item is at most 400 KB: with its key, 300 units are safe.
const MOST_UNITS: u32 = 300;
/// CloudWatch has a minute's numbers some minutes later.
const DELAY: Duration = Duration::from_secs(180);
/// After the alarm went off: a unit now and then, for an alarm on a table stays as it is where there is no data.
pub const TRICKLE: Duration = Duration::from_secs(10);
/// On demand, a million units cost this many hundredths of a cent: 0.625 dollars (DynamoDB's price list, us-east-1).
const DOLLARS_PER_MILLION: Decimal = Decimal::from_parts(625, 0, 0, false, 3);

impl WriteDrill {
    /// # Errors
    /// Writes cannot set this alarm off, or not without refusing writes of others.
    pub fn new(pipeline: &Pipeline, alarm: &Alarm) -> Result<Self, String> {
        let period = alarm.period.get();
        let capacity = match pipeline.table.billing {
            Billing::Provisioned(capacity) => Some(capacity.write.get()),
            Billing::OnDemand | Billing::ManagedElsewhere => None,
        };
        let limit = limit_per_second(alarm, capacity)?;
        let rate = rate(limit, capacity.map(|units| units as f64))?;
        let units_per_write = ((rate / MOST_WRITES).ceil() as u32).clamp(1, MOST_UNITS);
        let periods = u64::from(alarm.evaluation.datapoints);
        // The first period has begun already: what is written in it may not suffice.
        let duration = Duration::from_secs(period * (periods + 1)) + DELAY;
        let aftermath = Duration::from_secs(period * (u64::from(alarm.evaluation.periods) + 1)) + DELAY;
        let trickle = aftermath.as_secs() / TRICKLE.as_secs();
        let units = (rate * duration.as_secs_f64()).ceil() as u64 + trickle;
        let dollars = match pipeline.table.billing {
            Billing::OnDemand => Some(Decimal::from(units) * DOLLARS_PER_MILLION / Decimal::from(1_000_000)),
            Billing::Provisioned(_) | Billing::ManagedElsewhere => None,
        };
        Ok(Self { units_per_second: rate, units_per_write, duration, aftermath, units, dollars })
    }

    /// Between two writes.
    pub fn pause(&self) -> Duration {
        Duration::from_secs_f64(f64::from(self.units_per_write) / self.units_per_second)
    }
}

/// The limit in units a second.
fn limit_per_second(alarm: &Alarm, capacity: Option<u64>) -> Result<f64, String> {
    let watches_writes = matches!(alarm.watched, Watched::Catalogue(Metric::TableConsumedWrites));
    if !watches_writes || alarm.condition != Condition::Above || alarm.statistic() != Statistic::Sum {
        return Err("this alarm does not go off by many writes\nhint: one with `metric: table.consumed_writes` and `above:` does; `pipewright drill alarm` tests any alarm's message".into());
    }
    let per_second = match (alarm.limit, capacity) {
        (Limit::Percent(share), Some(capacity)) => share * Decimal::from(capacity) / Decimal::ONE_HUNDRED,
        (Limit::Percent(_), None) => return Err("a share of a capacity that the file does not state".into()),
        (Limit::Number(units) | Limit::Duration(units), _) => units / Decimal::from(alarm.period.get()),
    };
    per_second.to_f64().ok_or_else(|| "the alarm's limit is beyond any table".into())
}

/// Above the limit, and below the capacity by as much: others keep what is left.
fn rate(limit: f64, capacity: Option<f64>) -> Result<f64, String> {
    // A limit of zero: one unit in ten seconds is above it.
    let wanted = (limit * ABOVE).max(limit + 0.1);
    match capacity {
        Some(capacity) if limit >= capacity => Err(format!(
            "the alarm's limit, {limit} units a second, is not below the table's capacity of {capacity}: it could go off only while writes are refused\nhint: lower the limit"
        )),
        Some(capacity) => Ok(wanted.min(limit + (capacity - limit) / 2.0)),
        None => Ok(wanted),
    }
}

/// The alarm of this name, or the one that watches writes.
///
/// # Errors
/// There is none.
pub fn choose<'a>(pipeline: &'a Pipeline, name: Option<&str>) -> Result<(&'a TopicKey, &'a Alarm), String> {
    let watches = |alarm: &Alarm| matches!(alarm.watched, Watched::Catalogue(Metric::TableConsumedWrites));
    let found = pipeline.alarms.iter().find(|(key, alarm)| match name {
        Some(name) => key.as_str() == name,
        None => watches(alarm),
    });
    found.ok_or_else(|| match name {
        Some(name) => format!("there is no alarm `{name}`\nhint: without a name, the one on `table.consumed_writes` is taken"),
        None => "no alarm of the file watches the table's writes\nhint: `alarms: { write-capacity: { metric: table.consumed_writes, above: 80%, notify: … } }`".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load_text;

    fn worked_out(billing: &str, alarm: &str) -> Result<WriteDrill, String> {
        let yaml = format!(
            "version: 1\npipeline: shop\nregion: us-east-1\ntopics: {{ alerts: {{}} }}\nfunction: {{ source: lambda }}\n\
             table: {{ billing: {billing} }}\nalarms: {{ writes: {{ {alarm}, notify: alerts }} }}\n"
        );
        let pipeline = load_text("pipeline.yaml", &yaml, None)
            .unwrap_or_else(|problems| panic!("{}", problems.render(false)))
            .pipeline;
        let (_, alarm) = choose(&pipeline, None)?;
        WriteDrill::new(&pipeline, alarm)
    }

    const PROVISIONED: &str = "{ provisioned: { read: 5, write: 5 } }";

    #[test]
    fn a_share_of_the_capacity_leaves_room_for_others() {
        let drill =
            worked_out(PROVISIONED, "metric: table.consumed_writes, above: 80%, period: 5m, for: 1 of 1").unwrap();
        assert!(drill.units_per_second > 4.0 && drill.units_per_second < 5.0, "{drill:?}");
        assert_eq!((drill.units_per_write, drill.dollars), (1, None));
        assert_eq!(drill.duration, Duration::from_secs(2 * 300 + 180));
        assert_eq!(drill.units, 2 * 1_350 + 810 + 78, "written all the time, and seldom until it is over");
        assert!((drill.pause().as_secs_f64() - 1.0 / 4.5).abs() < 1e-6);
    }

    #[test]
    fn many_units_take_large_items_and_on_demand_they_cost() {
        let drill =
            worked_out("on_demand", "metric: table.consumed_writes, above: 60000, period: 1m, for: 2 of 3").unwrap();
        assert!((drill.units_per_second - 1_200.0).abs() < 1e-6);
        assert_eq!((drill.units_per_write, drill.units), (48, 432_042));
        assert_eq!(drill.dollars.unwrap().to_string(), "0.27002625");
        assert_eq!(drill.aftermath, Duration::from_secs(4 * 60 + 180));
    }

    #[test]
    fn alarms_that_writes_do_not_set_off_are_refused_with_a_hint() {
        let cases = [
            (PROVISIONED, "metric: table.consumed_writes, above: 100%"),
            (PROVISIONED, "metric: table.consumed_writes, below: 1"),
            (PROVISIONED, "metric: table.consumed_reads, above: 1"),
        ];
        for (billing, alarm) in cases {
            assert!(worked_out(billing, alarm).unwrap_err().contains("hint:"), "{alarm}");
        }
    }
}
