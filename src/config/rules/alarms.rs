//! Alarms: limit and statistic must fit the metric, and the time that is watched must fit CloudWatch.

use super::super::alarm::{Alarm, Limit, RawMetric, Statistic, Watched};
use super::super::metric::{LimitUnit, Metric};
use super::super::pipeline::{Billing, Pipeline};
use super::super::tree::Path;
use super::Breach;

const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

/// CloudWatch's limit of dimensions.
const MOST_DIMENSIONS: usize = 30;

pub(super) fn check(pipeline: &Pipeline) -> Vec<Breach> {
    let each = pipeline.alarms.iter();
    each.flat_map(|(key, alarm)| {
        let at = Path::of("alarms").key(key.as_str());
        let of_watched = match &alarm.watched {
            Watched::Catalogue(metric) => catalogue(pipeline, alarm, *metric, &at),
            Watched::Raw(raw) => self::raw(alarm, raw, &at),
        };
        of_watched.into_iter().chain(watched_time(alarm, &at))
    })
    .collect()
}

fn limit_at(alarm: &Alarm, at: &Path) -> Path {
    at.clone().key(alarm.condition.key())
}

fn catalogue(pipeline: &Pipeline, alarm: &Alarm, metric: Metric, at: &Path) -> Vec<Breach> {
    let breaches = [
        unit(alarm, metric, at),
        share(pipeline, alarm, metric, at),
        sensible_limit(alarm, metric, at),
        statistic(alarm, metric, at),
        resolution(alarm, metric, at),
        missing_data(alarm, metric, at),
    ];
    let metric_at = at.clone().key("metric");
    breaches.into_iter().flatten().map(|breach| breach.involving(metric_at.clone())).collect()
}

fn unit(alarm: &Alarm, metric: Metric, at: &Path) -> Option<Breach> {
    let (fits, wanted, example) = match metric.limit_unit() {
        LimitUnit::Number => (matches!(alarm.limit, Limit::Number(_)), "a number", "`0`"),
        LimitUnit::Duration => (matches!(alarm.limit, Limit::Duration(_)), "a duration", "`5m` or `250ms`"),
        LimitUnit::Percent => (matches!(alarm.limit, Limit::Percent(_)), "a share", "`5%`"),
        LimitUnit::NumberOrPercent => {
            (!matches!(alarm.limit, Limit::Duration(_)), "a number or a share", "`300` or `80%`")
        }
    };
    (!fits).then(|| {
        let message = format!("the limit of `{metric}` is {wanted}, not `{}`", alarm.limit);
        Breach::error(limit_at(alarm, at), message, format!("such as {example}"))
    })
}

/// A share of the table's capacity needs a capacity, and is compared with what a period consumes in sum.
fn share(pipeline: &Pipeline, alarm: &Alarm, metric: Metric, at: &Path) -> Option<Breach> {
    if metric.limit_unit() != LimitUnit::NumberOrPercent || !matches!(alarm.limit, Limit::Percent(_)) {
        return None;
    }
    match (pipeline.table.billing, alarm.statistic) {
        (Billing::Provisioned(_), None | Some(Statistic::Sum)) => None,
        (Billing::Provisioned(_), Some(other)) => {
            let message = format!("a share of the capacity is compared with the `sum`, not with `{other}`");
            Some(Breach::error(at.clone().key("statistic"), message, "leave `statistic` out"))
        }
        (Billing::OnDemand | Billing::ManagedElsewhere, _) => {
            let message =
                format!("`{}` is a share of nothing: the table's capacity is not provisioned here", alarm.limit);
            let hint = "a number of units in a period, or `table: { billing: { provisioned: … } }`";
            Some(Breach::error(limit_at(alarm, at), message, hint).involving(Path::of("table.billing")))
        }
    }
}

/// No metric of the catalogue is ever below zero, and no failure rate above all.
fn sensible_limit(alarm: &Alarm, metric: Metric, at: &Path) -> Option<Breach> {
    let message = match alarm.limit {
        Limit::Number(number) if number.is_sign_negative() && !number.is_zero() => {
            format!("`{metric}` is never below zero")
        }
        Limit::Percent(share) if metric == Metric::FunctionErrorRate && share > 100.into() => {
            format!("`{metric}` is never above `100%`")
        }
        Limit::Number(_) | Limit::Percent(_) | Limit::Duration(_) => return None,
    };
    Some(Breach::error(limit_at(alarm, at), message, "choose a limit that the metric can reach"))
}

fn statistic(alarm: &Alarm, metric: Metric, at: &Path) -> Option<Breach> {
    let statistic = alarm.statistic?;
    let usual = metric.default_statistic();
    let message = if metric.statistic_is_fixed() && statistic != usual {
        format!("`{metric}` is computed from sums and has no `{statistic}`")
    } else if matches!(statistic, Statistic::Percentile(_)) && !metric.has_percentiles() {
        format!("`{metric}` has no percentiles")
    } else {
        return None;
    };
    Some(Breach::error(at.clone().key("statistic"), message, format!("leave it out: the usual one is `{usual}`")))
}

fn resolution(alarm: &Alarm, metric: Metric, at: &Path) -> Option<Breach> {
    alarm.period.is_below_a_minute().then(|| {
        let message = format!("`{metric}` is recorded once a minute, so `{}` is too short", alarm.period);
        Breach::error(at.clone().key("period"), message, "`1m` or more")
    })
}

fn missing_data(alarm: &Alarm, metric: Metric, at: &Path) -> Option<Breach> {
    (alarm.missing.is_some_and(|missing| missing != metric.default_missing()) && metric.is_of_table()).then(|| {
        let message = "alarms on DynamoDB's metrics ignore missing data whatever is set";
        Breach::warning(at.clone().key("missing"), message, "leave `missing` out")
    })
}

fn raw(alarm: &Alarm, raw: &RawMetric, at: &Path) -> Vec<Breach> {
    let mut breaches = vec![];
    if !matches!(alarm.limit, Limit::Number(_)) {
        let message = format!("the limit of a raw metric is a number in the metric's own unit, not `{}`", alarm.limit);
        breaches.push(Breach::error(limit_at(alarm, at), message, "such as `0`"));
    }
    let at_raw = at.clone().key("raw");
    let namespace = raw.namespace.as_str();
    for (key, text) in [("namespace", namespace), ("metric", &raw.metric)] {
        if text.is_empty() || text.chars().count() > 255 {
            let message = format!("a {key} has 1 to 255 characters");
            breaches.push(Breach::error(at_raw.clone().key(key), message, "name it as CloudWatch does"));
        }
    }
    if raw.dimensions.len() > MOST_DIMENSIONS {
        let message = format!("a metric has at most {MOST_DIMENSIONS} dimensions, not {}", raw.dimensions.len());
        breaches.push(Breach::error(at_raw.key("dimensions"), message, "state those that identify the metric"));
    }
    if alarm.period.is_below_a_minute() && namespace.starts_with("AWS/") {
        let message = format!("metrics of {namespace} are recorded once a minute, so `{}` is too short", alarm.period);
        breaches.push(Breach::error(at.clone().key("period"), message, "`1m` or more"));
    }
    breaches
}

/// CloudWatch looks back one day, or seven with periods of an hour and more.
fn watched_time(alarm: &Alarm, at: &Path) -> Option<Breach> {
    let (period, periods) = (alarm.period.get(), u64::from(alarm.evaluation.periods));
    let (longest, words) = if period < HOUR { (DAY, "a day") } else { (7 * DAY, "seven days") };
    (period.saturating_mul(periods) > longest).then(|| {
        let message = format!(
            "{periods} periods of `{}` are more than {words}, the most that CloudWatch looks back",
            alarm.period
        );
        let hint = format!("at most {} periods of `{}`", longest / period, alarm.period);
        Breach::error(at.clone().key("for"), message, hint).involving(at.clone().key("period"))
    })
}
