//! How long messages took, kept in the same little space however many they are.

use std::collections::BTreeMap;

use serde::Serialize;

/// Counts by duration, to two significant digits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Latency {
    /// How many took up to so many milliseconds.
    counts: BTreeMap<u64, u64>,
}

/// Milliseconds within which that share of the messages came to their end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    pub p50: u64,
    pub p95: u64,
    pub p99: u64,
}

impl Latency {
    pub fn add(&mut self, milliseconds: u64) {
        *self.counts.entry(rounded_up(milliseconds)).or_default() += 1;
    }

    /// `None`: there is nothing to measure.
    pub fn percentiles(&self) -> Option<Percentiles> {
        Some(Percentiles { p50: self.at(50)?, p95: self.at(95)?, p99: self.at(99)? })
    }

    /// The least duration within which this percentage came (nearest rank).
    fn at(&self, percent: u64) -> Option<u64> {
        let total: u64 = self.counts.values().sum();
        let rank = (total * percent).div_ceil(100);
        let mut reached = 0;
        self.counts.iter().find_map(|(milliseconds, count)| {
            reached += count;
            (reached >= rank).then_some(*milliseconds)
        })
    }
}

/// 1,234 becomes 1,300.
fn rounded_up(milliseconds: u64) -> u64 {
    let mut unit = 1;
    while milliseconds / unit >= 100 {
        unit *= 10;
    }
    milliseconds.div_ceil(unit) * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_values_to_two_digits() {
        let mut latency = Latency::default();
        assert_eq!(latency.percentiles(), None);
        (1..=1_000).for_each(|milliseconds| latency.add(milliseconds));
        assert_eq!(latency.percentiles(), Some(Percentiles { p50: 500, p95: 950, p99: 990 }));
        let mut one = Latency::default();
        one.add(1_234);
        assert_eq!(one.percentiles(), Some(Percentiles { p50: 1_300, p95: 1_300, p99: 1_300 }));
    }

    #[test]
    fn a_million_values_take_little_space() {
        let mut latency = Latency::default();
        (0..1_000_000).for_each(|milliseconds| latency.add(milliseconds));
        assert!(latency.counts.len() < 600, "{}", latency.counts.len());
    }
}
