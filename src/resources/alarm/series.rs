//! What CloudWatch is asked to show how a pipeline was: every metric of the catalogue that stands for itself.

use super::derive::{catalogued, statistic_word};
use super::{Query, VALUE};
use crate::aws::metrics::SeriesQuery;
use crate::config::metric::Metric;
use crate::resources::Blueprint;

/// The series of these keys: names of the catalogue, and `function.invocations`, which has none, for nobody watches it
/// by itself: it is half of the error rate.
pub fn queries<'k>(blueprint: &Blueprint<'_>, keys: impl Iterator<Item = &'k str>) -> Vec<SeriesQuery> {
    keys.filter_map(|key| {
        let (metric, id) = match key {
            "function.invocations" => (Metric::FunctionErrorRate, "invocations"),
            name => (*Metric::ALL.iter().find(|metric| metric.name() == name)?, VALUE),
        };
        // The period is that of the window that is asked for.
        let mut queries = catalogued(blueprint, metric, &statistic_word(metric.default_statistic()), 60);
        match queries.remove(id)? {
            Query::Metric { namespace, metric, dimensions, statistic, .. } => {
                Some(SeriesQuery { key: key.to_owned(), namespace, metric, dimensions, statistic })
            }
            Query::Expression { .. } => None,
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::operate::series::PLOTTED;
    use crate::resources::tests::{blueprint_of, pipeline};

    #[test]
    fn everything_that_is_plotted_can_be_asked_for() {
        let pipeline = pipeline(json!({}));
        let queries = blueprint_of(&pipeline, |blueprint| queries(blueprint, PLOTTED.iter().map(|(key, _, _)| *key)));
        assert_eq!(queries.len(), PLOTTED.len());
        let invocations = queries.iter().find(|query| query.key == "function.invocations").unwrap();
        assert_eq!((invocations.metric.as_str(), invocations.statistic.as_str()), ("Invocations", "Sum"));
        assert!(invocations.dimensions.contains_key("FunctionName"));
    }
}
