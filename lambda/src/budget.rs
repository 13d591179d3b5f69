//! The function's time: until when work may be begun, and when the answer has to go out.
//!
//! A function that is cut off loses its answer, and the whole batch comes back. So what is not begun in time is given
//! back, and what is still under way shortly before the end is given up: whoever retries finds the state as it is.

use std::time::Duration;

use jiff::Timestamp;

/// A claim outlives the function that made it by this much, so that no two clocks disagree over it.
const CLAIM_MARGIN_SECONDS: i64 = 10;

/// How long one call may take in all, its retries included: several in a row must fit the function's timeout.
pub fn call_timeout(function_timeout_seconds: u32) -> Duration {
    (Duration::from_secs(u64::from(function_timeout_seconds)) / 5)
        .clamp(Duration::from_millis(150), Duration::from_secs(5))
}

/// How long before the deadline nothing new is begun.
fn reserve(function_timeout_seconds: u32) -> Duration {
    call_timeout(function_timeout_seconds)
}

/// How long before the deadline everything is given up.
fn farewell(function_timeout_seconds: u32) -> Duration {
    (Duration::from_secs(u64::from(function_timeout_seconds)) / 20)
        .clamp(Duration::from_millis(50), Duration::from_millis(500))
}

/// From when on nothing new is begun.
pub fn start_by(deadline: Timestamp, function_timeout_seconds: u32) -> Timestamp {
    deadline.checked_sub(reserve(function_timeout_seconds)).unwrap_or(deadline)
}

/// From now on, how long until everything is given up.
pub fn time_left(deadline: Timestamp, now: Timestamp, function_timeout_seconds: u32) -> Duration {
    let left = Duration::try_from(deadline.duration_since(now)).unwrap_or(Duration::ZERO);
    left.saturating_sub(farewell(function_timeout_seconds))
}

/// Until when a claim that is made now keeps others away: milliseconds since 1970.
pub fn claim_expiry(now: Timestamp, function_timeout_seconds: u32) -> i64 {
    now.as_millisecond() + (i64::from(function_timeout_seconds) + CLAIM_MARGIN_SECONDS) * 1_000
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::{call_timeout, claim_expiry, start_by, time_left};

    #[test]
    fn every_timeout_leaves_time_to_work_and_to_answer() {
        let now = Timestamp::UNIX_EPOCH;
        for seconds in 1..=900 {
            let timeout = Duration::from_secs(u64::from(seconds));
            let deadline = now + timeout;
            let until_start = Duration::try_from(start_by(deadline, seconds).duration_since(now)).unwrap();
            let left = time_left(deadline, now, seconds);
            assert!(until_start >= timeout / 2, "{seconds} s: most of the time is for work");
            assert!(until_start < left && left < timeout, "{seconds} s: begin, give up, end, in this order");
            assert!(call_timeout(seconds) * 3 < timeout, "{seconds} s: put, publish and mark fit");
            assert!(
                claim_expiry(now, seconds) > deadline.as_millisecond(),
                "{seconds} s: a claim outlives the function"
            );
        }
    }

    #[test]
    fn past_the_deadline_no_time_is_left() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(time_left(now - Duration::from_secs(5), now, 30), Duration::ZERO);
    }
}
