//! What the transactions of a drill are made from. It is small enough to be noted, and tells their ids: so what they became
//! can be removed by whoever comes later.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::generate::{Generator, begins};
use super::mix::Mix;
use crate::config::Pipeline;

/// A seed, a moment and a mix. As text, `<seed> <moment> <fresh> <large> <invalid> <duplicate> <conflicting>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipe {
    pub seed: u64,
    pub at: Timestamp,
    pub mix: Mix,
}

/// What the ids of a drill's transactions begin with.
const PREFIX: &str = "drill";

impl Recipe {
    /// What its ids begin with.
    pub fn begins(&self) -> String {
        begins(PREFIX, self.seed, self.at)
    }

    /// # Errors
    /// The pipeline's limits leave no order to make up.
    pub fn generator(&self, pipeline: &Pipeline) -> Result<Generator, String> {
        Generator::new(pipeline, self.mix, PREFIX, self.seed, self.at)
    }
}

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, at, mix: Mix { fresh, large, invalid, duplicate, conflicting } } = self;
        write!(f, "{seed} {at} {fresh} {large} {invalid} {duplicate} {conflicting}")
    }
}

impl FromStr for Recipe {
    /// It is no recipe.
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let words: Vec<&str> = text.split(' ').collect();
        let [seed, at, counts @ ..] = &words[..] else { return Err(()) };
        let counts: Result<Vec<u64>, _> = counts.iter().map(|count| count.parse()).collect();
        let [fresh, large, invalid, duplicate, conflicting] = counts.map_err(|_| ())?[..] else { return Err(()) };
        Ok(Self {
            seed: seed.parse().map_err(|_| ())?,
            at: at.parse().map_err(|_| ())?,
            mix: Mix { fresh, large, invalid, duplicate, conflicting },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operate::mix::Shares;

    #[test]
    fn a_recipe_reads_back_from_its_text() {
        let at = "2026-11-26T10:00:00.123456789Z".parse().unwrap();
        let recipe = Recipe { seed: 7, at, mix: Mix::new(200, Shares::DRILL).unwrap() };
        assert_eq!(recipe.to_string().parse(), Ok(recipe));
        assert_eq!("drill-7 200".parse::<Recipe>(), Err(()));
    }
}
