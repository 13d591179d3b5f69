//! Messages that others have in hand: SQS shows them to nobody else, and so nobody says that they are not there. Who looks
//! at messages keeps them from others no longer than it looks, also where it is interrupted.

use std::time::Duration;

use serde_json::json;

use crate::backend::run;
use crate::cli::{refused, stdout};
use crate::parked::{put, transaction};
use crate::running::{Running, signal};

/// Longer than a test.
const LONG: Duration = Duration::from_secs(3_600);

#[test]
fn what_others_have_in_hand_is_counted_and_never_taken_for_gone() {
    run(async {
        let running = Running::new(|yaml| yaml).await;
        let queue = running.pipeline.quarantine_name();
        put(&running.aws, &queue, (0..3).map(|index| transaction(&format!("t-{index}"), "-1"))).await;
        assert_eq!(running.aws.take(&queue, 10, LONG).await.unwrap().len(), 3);

        let why = running.json(&["why", "t-0"], 1);
        assert_eq!(
            (&why["verdict"], &why["hidden"]),
            (&json!("unknown"), &json!({ "quarantine": 3, "dead_letters": 0 }))
        );
        let said = stdout(&running.run(&["why", "t-0"]));
        assert!(said.contains("no trace so far") && said.contains("not looked at: 3 messages of quarantine"), "{said}");
        refused(&running.run(&["quarantine", "show", "t-0"]), &["3 messages were in the hands of others"]);
        let said = stdout(&running.run(&["quarantine", "list"]));
        assert!(said.contains("none to be seen, 3 more in the hands of others"), "{said}");

        let status = stdout(&running.run(&["status"]));
        assert!(status.contains("3 invalid messages: see `pipewright quarantine list"), "{status}");

        put(&running.aws, &queue, [transaction("t-3", "-1")].into_iter()).await;
        let redriven = running.json(&["quarantine", "redrive", "--wait", "0"], 0);
        assert_eq!([&redriven["sent"], &redriven["hidden"]], [1, 3]);
        put(&running.aws, &queue, [transaction("t-4", "-1")].into_iter()).await;
        let purged = running.json(&["quarantine", "purge", "--yes", "--save", "kept.jsonl"], 0);
        assert_eq!((&purged["hidden"], &purged["is_all"]), (&json!(3), &json!(false)), "{purged:#}");
    });
}

#[test]
fn a_look_that_is_interrupted_shows_again_what_it_saw() {
    run(async {
        let running = Running::new(|yaml| yaml).await;
        let queue = running.pipeline.quarantine_name();
        put(&running.aws, &queue, (0..30).map(|index| transaction(&format!("t-{index}"), "-1"))).await;
        let child = running.spawn(&["why", "t-0"]);
        while running.aws.depth(&queue).await.unwrap().in_flight == 0 {
            tokio::task::yield_now().await;
        }
        signal(&child, "-INT");
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
        let depth = running.aws.depth(&queue).await.unwrap();
        assert_eq!((depth.waiting, depth.in_flight), (30, 0));
    });
}

#[test]
fn a_message_is_found_behind_many_others_and_these_are_shown_again() {
    run(async {
        let running = Running::new(|yaml| yaml).await;
        let queue = running.pipeline.quarantine_name();
        let others = (0..500).map(|index| transaction(&format!("other-{index}"), "-1"));
        put(&running.aws, &queue, others.chain([transaction("wanted", "-1")])).await;
        let found = running.aws.received(&queue, "wanted").await.unwrap();
        assert_eq!(found.transaction_id().as_deref(), Some("wanted"));
        let depth = running.aws.depth(&queue).await.unwrap();
        assert_eq!((depth.waiting, depth.in_flight), (500, 0));
    });
}

#[test]
fn a_dead_letter_that_is_rejected_is_found_in_the_other_queue() {
    run(async {
        let running = Running::new(|yaml| yaml).await;
        put(&running.aws, &running.pipeline.dead_letter_name(), [transaction("bad", "-1")].into_iter()).await;
        let redriven = running.json(&["dead-letters", "redrive"], 0);
        assert_eq!([&redriven["sent"], &redriven["came_back"], &redriven["came_elsewhere"]], [1, 1, 1], "{redriven:#}");
    });
}

#[test]
fn ids_of_any_kind_are_asked_about_and_shown_without_effect_on_the_terminal() {
    run(async {
        let running = Running::new(|yaml| yaml).await;
        let odd = ["q\"uote", "new\nline", "esc\u{1b}[31m"];
        let file = running.file("odd.jsonl", &odd.map(|id| json!({ "transaction_id": id }).to_string()).join("\n"));
        running.json(&["send", file.to_str().unwrap(), "--wait", "--patience", "60s"], 0);
        for id in odd {
            let why = running.json(&["why", id], 0);
            assert_eq!((&why["verdict"], &why["last_word"]), (&json!("rejected"), &json!("rejected")), "{why:#}");
            let said = stdout(&running.run(&["why", id]));
            assert!(said.contains("rejected: it is in quarantine"), "{said}");
            assert!(said.chars().all(|character| character == '\n' || !character.is_control()), "{said:?}");
            let logged = stdout(&running.run(&["logs", "--transaction", id]));
            assert!(logged.contains("rejected"), "{id:?}: {logged}");
        }
        for none in ["", &"x".repeat(3_000)] {
            assert_eq!(running.json(&["why", none], 1)["verdict"], "unknown");
        }
    });
}
