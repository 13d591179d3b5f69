//! What the transactions of a drill are made from. It is small enough to be noted, and makes the same ones again: so what
//! they became can be removed by whoever comes later.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::account::hash;
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

    /// Its first so many messages, to be told from those of others.
    ///
    /// # Errors
    /// The pipeline's limits leave no order to make up.
    pub fn bodies(&self, pipeline: &Pipeline, count: u64) -> Result<Bodies, String> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        Ok(Bodies(self.generator(pipeline)?.take(count).map(|made| hash(&made.body)).collect()))
    }
}

/// The bodies of messages, by their digests.
#[derive(Debug)]
pub struct Bodies(HashSet<u64>);

impl Bodies {
    pub fn contains(&self, body: &str) -> bool {
        self.0.contains(&hash(body))
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
    fn a_recipe_reads_back_from_its_text_and_knows_its_own_messages() {
        let yaml = "version: 1\npipeline: shop\nregion: us-east-1\nfunction: { source: lambda }\n";
        let pipeline = crate::config::load_text("pipeline.yaml", yaml, None).map(|loaded| loaded.pipeline);
        let pipeline = pipeline.unwrap_or_else(|problems| panic!("{}", problems.render(false)));
        let at = "2026-11-26T10:00:00.123456789Z".parse().unwrap();
        let recipe = Recipe { seed: 7, at, mix: Mix::new(200, Shares::DRILL).unwrap() };
        assert_eq!(recipe.to_string().parse(), Ok(recipe));
        assert_eq!("drill-7 200".parse::<Recipe>(), Err(()));

        let sent: Vec<String> = recipe.generator(&pipeline).unwrap().map(|made| made.body).collect();
        let noted: Recipe = recipe.to_string().parse().unwrap();
        let bodies = noted.bodies(&pipeline, 150).unwrap();
        assert!(sent[..150].iter().all(|body| bodies.contains(body)) && !bodies.contains("{}"));
        assert!(sent[150..].iter().any(|body| !bodies.contains(body)), "only the first 150");
    }
}
