//! What made-up transactions are like: exact numbers of each kind, from shares.

use super::share::Share;

/// How many of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mix {
    /// Of orders that are made up afresh, the large ones among them.
    pub fresh: u64,
    /// Of those, the large ones.
    pub large: u64,
    pub invalid: u64,
    /// Repeats with the same content, each of another order.
    pub duplicate: u64,
    /// Repeats of an id with other content, each of another order.
    pub conflicting: u64,
}

/// The shares that a mix is made from.
#[derive(Debug, Clone, Copy)]
pub struct Shares {
    pub large: Share,
    pub invalid: Share,
    pub duplicate: Share,
    pub conflicting: Share,
}

impl Shares {
    /// Of a day like any other.
    pub const USUAL: Self =
        Self { large: Share::percent(2), invalid: Share::NONE, duplicate: Share::NONE, conflicting: Share::NONE };
    /// Enough of each kind to see it in a few hundred.
    pub const DRILL: Self = Self {
        large: Share::percent(5),
        invalid: Share::percent(5),
        duplicate: Share::percent(3),
        conflicting: Share::percent(2),
    };
}

impl Mix {
    /// # Errors
    /// The shares leave too few orders to be repeated.
    pub fn new(count: u64, shares: Shares) -> Result<Self, String> {
        let [large, invalid, duplicate, conflicting] =
            [shares.large, shares.invalid, shares.duplicate, shares.conflicting].map(|share| share.count(count));
        let fresh = count.checked_sub(invalid + duplicate + conflicting).ok_or_else(|| {
            format!("{invalid} invalid, {duplicate} duplicate and {conflicting} conflicting are more than {count}\nhint: lower a share")
        })?;
        if duplicate + conflicting > fresh {
            return Err(format!(
                "{duplicate} duplicate and {conflicting} conflicting need as many others to repeat, and there are {fresh}\nhint: lower `--duplicate` or `--conflicting`"
            ));
        }
        if large > fresh {
            return Err(format!("{large} large orders are more than the {fresh} valid ones\nhint: lower `--large`"));
        }
        Ok(Self { fresh, large, invalid, duplicate, conflicting })
    }

    /// All of them.
    pub fn count(&self) -> u64 {
        self.fresh + self.invalid + self.repeats()
    }

    /// Those that repeat another.
    pub fn repeats(&self) -> u64 {
        self.duplicate + self.conflicting
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;

    fn shares(large: u32, invalid: u32, duplicate: u32, conflicting: u32) -> Shares {
        let share = |percent: u32| Share::of_percent(Decimal::from(percent)).unwrap();
        Shares {
            large: share(large),
            invalid: share(invalid),
            duplicate: share(duplicate),
            conflicting: share(conflicting),
        }
    }

    #[test]
    fn shares_become_exact_numbers() {
        let mix = Mix::new(20_000, shares(1, 5, 3, 2)).unwrap();
        assert_eq!(mix, Mix { fresh: 18_000, large: 200, invalid: 1_000, duplicate: 600, conflicting: 400 });
        assert_eq!(mix.count(), 20_000);
    }

    #[test]
    fn what_cannot_be_mixed_is_refused_with_a_hint() {
        for (large, invalid, duplicate, conflicting) in [(0, 60, 30, 20), (0, 0, 30, 30), (90, 20, 0, 0)] {
            assert!(Mix::new(100, shares(large, invalid, duplicate, conflicting)).unwrap_err().contains("hint:"));
        }
    }
}
