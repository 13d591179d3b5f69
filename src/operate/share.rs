//! A share of a whole, decimal as written.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// A share between nothing and all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(Decimal);

impl Share {
    pub const NONE: Self = Self(Decimal::ZERO);

    /// A share that the program names itself.
    pub const fn percent(percent: u8) -> Self {
        Self(Decimal::from_parts(percent as u32, 0, 0, false, 2))
    }

    /// `None`: below 0 or above 100.
    pub fn of_percent(percent: Decimal) -> Option<Self> {
        (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(&percent).then(|| Self(percent / Decimal::ONE_HUNDRED))
    }

    /// That share of a number of things, rounded to whole ones.
    pub fn count(self, of: u64) -> u64 {
        (Decimal::from(of) * self.0).round().to_u64().unwrap_or_default()
    }
}
