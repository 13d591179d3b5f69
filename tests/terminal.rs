//! On a terminal with somebody at it: questions and their answers, Ctrl-C, progress that moves and goes.

use std::fs;

use crate::backend::run;
use crate::cli::stdout;
use crate::drill::deafen;
use crate::parked::{put, transaction};
use crate::pty::{CTRL_C, Screen};
use crate::running::Running;

/// The program on a terminal of the usual size.
fn screen(running: &Running, arguments: &[&str]) -> Screen {
    Screen::new(running.command(arguments), 24, 80)
}

#[test]
fn only_yes_deletes() {
    run(async {
        let running = Running::new(|yaml| yaml).await;
        let parked = running.pipeline.quarantine_name();
        put(&running.aws, &parked, (0..3).map(|index| transaction(&format!("t-{index}"), "1"))).await;
        for (keys, status) in [("y\n", 1), ("\x04", 1), (CTRL_C, 130)] {
            let mut screen = screen(&running, &["quarantine", "purge"]);
            screen.shows("Delete about 3 messages").await;
            screen.shows("Only `yes` is accepted: ").await;
            screen.press(keys).await;
            let (shown, ended) = screen.end().await;
            assert_eq!((ended, shown.contains("nothing was deleted")), (status, status == 1), "{keys:?}: {shown}");
            assert_eq!(running.aws.depth(&parked).await.unwrap().waiting, 3);
        }
        let mut screen = screen(&running, &["quarantine", "purge"]);
        screen.shows("Only `yes` is accepted: ").await;
        screen.press("yes\n").await;
        let (shown, ended) = screen.end().await;
        assert!(ended == 0 && shown.contains("deleted about 3 messages"), "{shown}");
        assert_eq!(running.aws.depth(&parked).await.unwrap().all(), 0);
    });
}

#[test]
fn ctrl_c_in_a_purge_loses_no_message_that_was_not_saved() {
    const COUNT: usize = 1_500;
    run(async {
        let running = Running::new(|yaml| yaml).await;
        let parked = running.pipeline.quarantine_name();
        put(&running.aws, &parked, (0..COUNT).map(|index| transaction(&format!("t-{index}"), "1"))).await;
        let mut screen = screen(&running, &["quarantine", "purge", "--save", "kept.jsonl", "--yes"]);
        screen.shows("saved ").await;
        screen.press(CTRL_C).await;
        let (shown, ended) = screen.end().await;
        assert_eq!(ended, 130, "{shown}");
        let kept = fs::read_to_string(running.project.path().join("kept.jsonl")).unwrap_or_default().lines().count();
        let depth = running.aws.depth(&parked).await.unwrap();
        assert_eq!(depth.in_flight, 0, "what is still there is there for others: {shown}");
        assert!(depth.waiting == COUNT || kept == COUNT, "{kept} kept, {depth:?}: {shown}");
        assert_eq!(kept == 0, shown.contains("deleted 0 messages"), "{shown}");
    });
}

#[test]
fn what_is_said_at_ctrl_c_stands_above_the_progress() {
    run(async {
        let running = Running::new(|yaml| yaml).await;
        let mut screen = screen(&running, &["send", "--generate", "3000", "--rate", "50"]);
        screen.shows(" left").await;
        screen.press(CTRL_C).await;
        let (shown, ended) = screen.end().await;
        assert_eq!(ended, 130, "{shown}");
        let (before, _) = shown.split_once("stopping: ").unwrap();
        let (_, between) = before.rsplit_once(" left").unwrap();
        assert!(between.contains("\x1b[2K"), "the line of progress is gone before it: {shown:?}");
    });
}

#[test]
fn ctrl_c_while_a_drill_listens_is_no_fault_of_the_pipeline() {
    run(async {
        let running = Running::new(|yaml| yaml).await;
        let drill = ["drill", "pipeline", "-n", "150", "--rate", "50", "--large", "20%", "--yes"];
        let mut screen = screen(&running, &drill);
        deafen(&running, "large-orders").await;
        screen.shows("listening for the announcements").await;
        screen.press(CTRL_C).await;
        let (shown, ended) = screen.end().await;
        assert!(ended == 130 && shown.contains("interrupted: ") && !shown.contains("instead of"), "{shown}");
    });
}

#[test]
fn a_second_drill_that_began_while_the_first_was_asked_is_seen() {
    run(async {
        let running = Running::new(|yaml| yaml).await;
        let mut first = screen(&running, &["drill", "alarm", "dead-letters"]);
        first.shows("Only `yes` is accepted: ").await;
        let mut second = screen(&running, &["drill", "pipeline", "-n", "500", "--rate", "50", "--yes"]);
        second.shows(" a second, ").await;
        first.press("yes\n").await;
        let (shown, ended) = first.end().await;
        assert!(ended == 1 && shown.contains("a drill on this pipeline is under way"), "{shown}");
        second.press(CTRL_C).await;
        let (shown, ended) = second.end().await;
        assert_eq!(ended, 130, "{shown}");
    });
}

#[test]
fn progress_moves_on_its_line_and_is_gone_at_the_end() {
    run(async {
        let running = Running::new(|yaml| yaml).await;
        let mut screen = screen(&running, &["send", "--generate", "300", "--rate", "150", "--seed", "1"]);
        screen.shows(" a second, ").await;
        screen.shows(" left").await;
        let (shown, ended) = screen.end().await;
        assert_eq!(ended, 0, "{shown}");
        let (_, last) = shown.rsplit_once("\x1b[2K").unwrap();
        let sent = format!("sent 300 to `ecommerce-transactions` in account {}, ", running.world.scope.account);
        assert!(last.starts_with(&sent), "{last:?}");
    });
}

#[test]
fn a_plan_keeps_to_the_terminal_and_elsewhere_each_value_to_its_line() {
    run(async {
        let running = Running::new(|yaml| yaml).await;
        let alarm = "alarm/ecommerce-transactions-oldest-message";
        let yaml = fs::read_to_string(running.project.path().join("pipeline.yaml")).unwrap();
        running.file("pipeline.yaml", &yaml.replace("above: 5m, for: 3 of 5", "above: 10m, for: 3 of 5"));
        let piped = running.run(&["plan"]);
        let piped = stdout(&piped);
        let change = piped.lines().find(|line| line.trim_start().starts_with("description")).unwrap();
        assert!(piped.contains(alarm) && change.chars().count() > 160, "{piped}");
        let screen = screen(&running, &["plan", "--color", "never"]);
        let (shown, ended) = screen.end().await;
        assert_eq!(ended, 0, "{shown}");
        let shown = &shown[shown.find("` in account ").unwrap()..];
        // But for the code's digest, which is one word.
        let mut wide = shown.lines().filter(|line| line.trim_end().chars().count() > 80);
        assert!(wide.all(|line| line.trim_start().starts_with("sources:")), "{shown}");
        let below = shown.lines().skip_while(|line| !line.trim_start().starts_with("description")).nth(1).unwrap();
        assert!(below.starts_with(&" ".repeat(change.find("queue").unwrap())), "{shown}");
    });
}
