//! How fast messages go: at most so many a second, spread evenly.

use std::time::Duration;

/// SQS takes this many messages in one call.
pub const MOST_TOGETHER: usize = 10;

/// When the next messages may go.
#[derive(Debug, Clone)]
pub struct Pace {
    per_second: Option<u32>,
    /// Since the beginning: from when on the next may go.
    next: Duration,
}

impl Pace {
    /// `None`: as fast as it goes.
    pub fn new(per_second: Option<u32>) -> Self {
        Self { per_second, next: Duration::ZERO }
    }

    /// How many messages go together: at a slow pace few, so that they do not come in bursts of ten.
    pub fn together(&self) -> usize {
        let tenth = |rate: u32| usize::try_from(rate.div_ceil(10)).unwrap_or(MOST_TOGETHER);
        self.per_second.map_or(MOST_TOGETHER, |rate| tenth(rate).clamp(1, MOST_TOGETHER))
    }

    /// Takes the turn of `count` messages at `now` (since the beginning); how long they have to wait for it.
    pub fn turn(&mut self, count: usize, now: Duration) -> Duration {
        let Some(per_second) = self.per_second else { return Duration::ZERO };
        let start = self.next.max(now);
        self.next = start + Duration::from_secs_f64(count as f64 / f64::from(per_second));
        start - now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_spread_and_time_that_was_lost_is_not_made_up_in_a_burst() {
        let mut pace = Pace::new(Some(50));
        let second = Duration::from_secs(1);
        assert_eq!(pace.together(), 5);
        assert_eq!(pace.turn(5, Duration::ZERO), Duration::ZERO);
        assert_eq!(pace.turn(5, Duration::ZERO), second / 10);
        assert_eq!(pace.turn(5, Duration::ZERO), second / 5);
        assert_eq!(pace.turn(5, 10 * second), Duration::ZERO);
        assert_eq!(pace.turn(5, 10 * second), second / 10);
    }

    #[test]
    fn without_a_rate_nobody_waits() {
        let mut pace = Pace::new(None);
        let turns = [pace.turn(10, Duration::ZERO), pace.turn(10, Duration::ZERO)];
        assert_eq!((pace.together(), turns), (10, [Duration::ZERO; 2]));
    }
}
