//! The account: what counts, and what a word alone is worth.

use super::*;

fn body(id: &str, amount: &str) -> String {
    format!(
        r#"{{"transaction_id":"{id}","customer_id":"c","amount":"{amount}","currency":"USD","timestamp":"2026-01-01T00:00:00Z"}}"#
    )
}

fn account(bodies: &[(&str, &str)]) -> Account {
    account_of(Ids::PerhapsUsed, bodies)
}

fn account_of(ids: Ids, bodies: &[(&str, &str)]) -> Account {
    let mut account = Account::new(Attributes::default(), Duration::from_secs(30), ids);
    for (message_id, body) in bodies {
        account.send((*message_id).to_owned(), body, Timestamp::UNIX_EPOCH);
    }
    account
}

fn news(message_id: &str, said: Said) -> News {
    let at = Timestamp::from_millisecond(1_500).unwrap();
    News { message_id: message_id.into(), transaction_id: None, at, said }
}

fn rejected() -> Said {
    Said::Rejected(BTreeSet::from(["empty".to_owned(), "not_positive".to_owned()]))
}

/// What the table holds after this body was stored.
fn rows(body: &str, announcement: Option<&str>) -> BTreeMap<String, Row> {
    let identity = Identity::read(body);
    let mut row = Row::from([("digest".to_owned(), Attribute::Text(identity.digest.unwrap()))]);
    if let Some(state) = announcement {
        let members =
            [("state", state), ("owner", "o")].map(|(name, text)| (name.into(), Attribute::Text(text.into())));
        row.insert("announcement".into(), Attribute::Map(members.into()));
    }
    BTreeMap::from([(identity.transaction_id.unwrap(), row)])
}

#[test]
fn a_message_is_settled_when_word_and_table_agree() {
    let small = body("t", "1");
    let mut account = account(&[("a", &small), ("b", &small)]);
    account.hear(&news("a", Said::Stored));
    assert_eq!(account.to_look_up(), BTreeSet::from(["t".to_owned()]));
    account.look_up(&BTreeMap::new());
    assert_eq!(account.statement().unconfirmed, 1, "the word alone does not count");
    account.look_up(&rows(&small, None));
    account.hear(&news("b", Said::Duplicate));
    account.look_up(&rows(&small, None));
    let statement = account.statement();
    assert!(account.is_settled() && statement.is_clean());
    assert_eq!((statement.sent, statement.stored, statement.duplicate, statement.announced), (2, 1, 1, 0));
    assert_eq!(statement.latency_ms, Some(Percentiles { p50: 1_500, p95: 1_500, p99: 1_500 }));
}

/// The answer to the first write was lost, and the second found the item.
#[test]
fn a_new_order_that_was_taken_for_its_own_repeat_is_stored() {
    let (small, large) = (body("t", "1"), body("u", "5000"));
    let told = |ids: Ids| {
        let mut account = account_of(ids, &[("a", &small), ("b", &small), ("c", &large)]);
        for message in ["a", "b", "c"] {
            account.hear(&news(message, Said::Duplicate));
        }
        account.look_up(&rows(&small, None));
        account.look_up(&rows(&large, Some("sent")));
        let statement = account.statement();
        [statement.stored, statement.duplicate, statement.announced, statement.taken_for_repeats]
    };
    assert_eq!(told(Ids::New), [2, 1, 1, 2]);
    assert_eq!(told(Ids::PerhapsUsed), [0, 3, 0, 0]);
}

#[test]
fn another_content_in_the_table_is_no_confirmation() {
    let mut account = account(&[("a", &body("t", "1")), ("b", &body("t", "1"))]);
    account.hear(&news("a", Said::Stored));
    account.hear(&news("b", Said::Duplicate));
    account.look_up(&rows(&body("t", "2"), None));
    assert_eq!((account.statement().unaccounted, account.statement().unconfirmed), (2, 2));
}

#[test]
fn a_large_order_is_settled_when_its_announcement_is_out() {
    let large = body("t", "5000");
    let mut account = account(&[("a", &large)]);
    account.hear(&news("a", Said::Stored));
    account.look_up(&rows(&large, Some("pending")));
    assert!(!account.is_settled());
    account.look_up(&rows(&large, Some("sent")));
    assert_eq!((account.statement().stored, account.statement().announced), (1, 1));
}

#[test]
fn a_rejected_message_must_lie_in_the_quarantine_queue_once_for_each() {
    let mut account = account(&[("a", "nonsense"), ("b", "nonsense")]);
    account.hear(&news("a", rejected()));
    account.hear(&news("b", rejected()));
    assert!(account.waits_for_quarantine_only());
    assert!(account.find_in_quarantine("q-1", "nonsense", None));
    assert!(account.find_in_quarantine("q-1", "nonsense", None), "seen again, it is still ours");
    assert!(!account.find_in_quarantine("q-2", "another's", None));
    assert_eq!((account.statement().rejected, account.statement().unconfirmed), (1, 1));
    assert!(account.find_in_quarantine("q-3", "nonsense", None));
    let statement = account.statement();
    assert_eq!((statement.rejected, statement.unaccounted), (2, 0));
    assert_eq!(statement.rejected_by, BTreeMap::from([("empty".to_owned(), 2), ("not_positive".to_owned(), 2)]));
}

#[test]
fn what_lay_in_quarantine_before_stands_for_nobody() {
    let mut account = account(&[("a", "nonsense")]);
    account.hear(&news("a", rejected()));
    let earlier = Timestamp::UNIX_EPOCH - Duration::from_secs(40);
    assert!(!account.find_in_quarantine("q-0", "nonsense", Some(earlier)));
    assert!(account.find_in_quarantine("q-1", "nonsense", Some(Timestamp::UNIX_EPOCH)));
}

#[test]
fn a_conflict_needs_other_content_in_the_table_and_the_message_in_quarantine() {
    let ours = body("t", "2");
    let mut account = account(&[("a", &ours)]);
    account.hear(&news("a", Said::Conflict));
    assert!(!account.find_in_quarantine("q", &ours, None), "the table comes first");
    account.look_up(&rows(&ours, None));
    assert!(!account.waits_for_quarantine_only(), "the table holds the same: no conflict");
    account.look_up(&rows(&body("t", "1"), None));
    assert!(account.find_in_quarantine("q", &ours, None));
    assert_eq!((account.statement().conflict, account.statement().rejected), (1, 0));
}

#[test]
fn a_failure_is_not_the_end_and_the_first_last_word_is() {
    let small = body("t", "1");
    let mut account = account(&[("a", &small), ("b", &small)]);
    account.hear(&news("a", Said::Failed { cause: "throttled".into() }));
    assert_eq!(account.statement().in_flight, 2);
    assert_eq!(account.statement().failing, BTreeMap::from([("throttled".to_owned(), 1)]));
    account.hear(&news("a", Said::Stored));
    account.hear(&news("a", Said::Duplicate));
    account.look_up(&rows(&small, None));
    assert_eq!((account.statement().stored, account.statement().duplicate), (1, 0));
    account.find_in_dead_letters("b");
    let statement = account.statement();
    assert_eq!((statement.dead_letter, statement.unaccounted, statement.is_clean()), (1, 0, false));
}

#[test]
fn news_about_others_and_old_news_change_nothing() {
    let mut account = account(&[("a", "nonsense")]);
    account.hear(&news("a", rejected()));
    let before = account.changes();
    account.hear(&news("a", rejected()));
    account.hear(&news("stranger", Said::Stored));
    account.find_in_dead_letters("a");
    assert_eq!(account.changes(), before);
}
