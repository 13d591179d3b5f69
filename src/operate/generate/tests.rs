//! What made-up transactions are, held against the processor's own judgement.

use std::collections::{BTreeMap, BTreeSet};

use pipewright_processor::decision::judge;

use super::*;
use crate::config::load_text;

fn pipeline(processing: &str) -> Pipeline {
    let yaml = format!(
        "version: 1\npipeline: shop\nregion: us-east-1\ntopics: {{ big: {{}} }}\nfunction: {{ source: lambda }}\n{processing}"
    );
    load_text("pipeline.yaml", &yaml, None).unwrap_or_else(|problems| panic!("{}", problems.render(false))).pipeline
}

const LIMITS: &str = "processing:
  large_order: { threshold: { USD: 1000, JPY: 90000 }, notify: big }
  limits: { currencies: [USD, JPY, KWD], largest_amount: { USD: 2000, KWD: 3 }, oldest: 1h, items_required: true, items_must_add_up: true }
";
const MIX: Mix = Mix { fresh: 900, large: 40, invalid: 50, duplicate: 300, conflicting: 200 };

fn at() -> Timestamp {
    Timestamp::now()
}

fn made(processing: &str, seed: u64, at: Timestamp) -> Vec<Made> {
    Generator::new(&pipeline(processing), MIX, "made", seed, at).unwrap().collect()
}

#[test]
fn every_kind_comes_exactly_as_often_as_the_mix_says() {
    for seed in 0..20 {
        let made = made("", seed, at());
        let mut counts: BTreeMap<Kind, u64> = BTreeMap::new();
        made.iter().for_each(|made| *counts.entry(made.kind).or_default() += 1);
        let expected = [
            (Kind::Small, 860),
            (Kind::Large, 40),
            (Kind::Invalid, 50),
            (Kind::Duplicate, 300),
            (Kind::Conflicting, 200),
        ];
        assert_eq!(counts, BTreeMap::from(expected), "seed {seed}");
    }
}

#[test]
fn as_many_repeats_as_orders_still_find_one_each() {
    let mix = Mix { fresh: 2_000, large: 0, invalid: 0, duplicate: 1_000, conflicting: 1_000 };
    let made: Vec<_> = Generator::new(&pipeline(""), mix, "made", 3, at()).unwrap().collect();
    assert_eq!(made.len(), 4_000);
    let mut times: BTreeMap<String, u64> = BTreeMap::new();
    made.iter().for_each(|made| *times.entry(made.transaction_id.clone().unwrap()).or_default() += 1);
    assert!(times.values().all(|times| *times == 2), "every order is repeated once, so what comes of each is certain");
}

#[test]
fn a_seed_and_a_moment_make_the_same_bytes_again_and_another_seed_others() {
    let at = at();
    assert_eq!(made("", 7, at), made("", 7, at));
    let ids = |made: Vec<Made>| made.into_iter().filter_map(|made| made.transaction_id).collect::<BTreeSet<_>>();
    assert!(ids(made("", 7, at)).is_disjoint(&ids(made("", 8, at))));
}

#[test]
fn each_names_the_run_that_it_belongs_to() {
    let (at, others) = (at(), Mix { fresh: 0, large: 0, invalid: 500, duplicate: 0, conflicting: 0 });
    let invalid = Generator::new(&pipeline(""), others, "made", 7, at).unwrap();
    let begins = format!("{}-", begins("made", 7, at));
    assert!(made("", 7, at).into_iter().chain(invalid).all(|made| made.body.contains(&begins)));
}

#[test]
fn the_processor_judges_them_as_they_were_meant() {
    for processing in ["", LIMITS] {
        let pipeline = pipeline(processing);
        let settings = pipeline.settings("arn:aws:sns:us-east-1:1:big", "https://quarantine");
        for made in made(processing, 11, at()) {
            let judged = judge(made.body.as_bytes(), &settings, Timestamp::now());
            match (made.kind, &judged) {
                (Kind::Invalid, judged) => assert!(judged.is_err(), "{}", made.body),
                (_, Err(invalid)) => panic!("{} is invalid: {:?}", made.body, invalid.reasons),
                (Kind::Small, Ok(judged)) => assert_eq!(judged.large, None, "{}", made.body),
                (Kind::Large, Ok(judged)) => {
                    assert_eq!(judged.large.is_some(), !processing.is_empty(), "{}", made.body);
                }
                (Kind::Duplicate | Kind::Conflicting, Ok(_)) => {}
            }
        }
    }
}

#[test]
fn limits_that_leave_nothing_to_make_up_are_told() {
    let none = pipeline(
        "processing: { large_order: { threshold: { USD: 0.01 }, notify: big }, limits: { currencies: [USD] } }\n",
    );
    assert!(Generator::new(&none, MIX, "made", 1, at()).unwrap_err().contains("hint:"));
}
