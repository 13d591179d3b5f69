//! What people see of a running pipeline, from fixed data: on terminals of 80 and 200 columns, with colour and without,
//! as a page, as drawings. Golden files under `tests/screens`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pipewright::config::Pipeline;
use pipewright::operate::drawing::Drawing;
use pipewright::operate::health::{Read, State, Status};
use pipewright::operate::log_line::Line;
use pipewright::operate::redrive::{By, Redriven};
use pipewright::operate::series::{Metrics, Window};
use pipewright::operate::{Groups, Parked};
use pipewright::reconcile::{
    Address, CloudError, ErrorKind, Finding, Graph, Kind, Live, Options, Plan, Severity, Snapshot,
};
use pipewright::render::parked::{Looked, Sheet};
use pipewright::render::{Style, dot, logs, mermaid, page, parked, status, svg, tree};
use pipewright_processor::contract::REASONS_ATTRIBUTE;
use pipewright_processor::ports::{MessageAttribute, MessageValue};
use serde_json::{Value, json};

use crate::golden::{check, compare, root};
use crate::world::{applied, graph, pipeline, scope};

fn golden(name: &str, actual: &str) -> Result<(), String> {
    compare(&root().join("tests/screens").join(name), actual)
}

/// Every width, with colour and without.
fn sheets(name: &str, draw: impl Fn(Sheet) -> String) -> Vec<Result<(), String>> {
    let mut outcomes = Vec::new();
    for width in [80, 200] {
        let plain = draw(Sheet { style: Style::PLAIN, width });
        let coloured = draw(Sheet { style: Style::new(true), width });
        assert_eq!(without_colour(&coloured), plain, "colour only repeats what is said without it");
        let widest = plain.lines().map(|line| line.chars().count()).max().unwrap_or_default();
        assert!(widest <= width, "{name}: a line of {widest} columns on {width}:\n{plain}");
        outcomes.push(golden(&format!("{name}-{width}.txt"), &plain));
        outcomes.push(golden(&format!("{name}-{width}-colour.txt"), &coloured));
    }
    for width in [60, 40] {
        let narrow = draw(Sheet { style: Style::PLAIN, width });
        let widest = narrow.lines().map(|line| line.chars().count()).max().unwrap_or_default();
        assert!(widest <= width, "{name}: a line of {widest} columns on {width}:\n{narrow}");
    }
    outcomes
}

fn without_colour(text: &str) -> String {
    let mut plain = String::new();
    let mut parts = text.split('\u{1b}');
    plain.push_str(parts.next().unwrap());
    for part in parts {
        plain.push_str(part.split_once('m').unwrap().1);
    }
    plain
}

fn shop() -> Pipeline {
    pipeline(&std::fs::read_to_string(root().join("pipeline.yaml")).unwrap().replace("region: us-east-1 ", ""))
}

fn now() -> Timestamp {
    "2026-11-26T12:00:30Z".parse().unwrap()
}

/// A pipeline as an apply leaves it, with nothing to do.
struct Fixture {
    pipeline: Pipeline,
    graph: Graph,
    snapshot: Snapshot,
    metrics: Metrics,
}

impl Fixture {
    fn healthy() -> Self {
        let pipeline = shop();
        let graph = graph(&pipeline, "sources:1");
        let mut fixture = Self {
            snapshot: Snapshot { resources: applied(&graph), ..Snapshot::default() },
            pipeline,
            graph,
            metrics: Metrics::new(),
        };
        for name in ["queue", "dead-letter", "quarantine"] {
            fixture.observe(Kind::Queue, name, &[("messages_waiting", json!(0)), ("messages_in_flight", json!(0))]);
        }
        fixture.observe(Kind::Table, "transactions", &[("status", json!("ACTIVE")), ("items", json!(18_204))]);
        fixture.observe(
            Kind::Function,
            "processor",
            &[("state", json!("Active")), ("last_update", json!("Successful"))],
        );
        let mapping = fixture.live(Kind::EventSourceMapping, "queue/ecommerce-transactions-processor");
        mapping.observations =
            BTreeMap::from([("state".into(), json!("Enabled")), ("last_result".into(), json!("OK"))]);
        for alarm in ["failed-messages", "function-errors", "oldest-message", "dead-letters", "write-capacity"] {
            fixture.observe(Kind::Alarm, alarm, &[("state", json!("OK"))]);
        }
        fixture
    }

    /// Much is wrong at once.
    fn troubled() -> Self {
        let mut fixture = Self::healthy();
        fixture.observe(Kind::Queue, "queue", &[("messages_waiting", json!(1_204)), ("messages_in_flight", json!(40))]);
        fixture.observe(Kind::Queue, "dead-letter", &[("messages_waiting", json!(12))]);
        fixture.observe(Kind::Queue, "quarantine", &[("messages_waiting", json!(3))]);
        let reason = "Threshold Crossed: 1 out of the last 1 datapoints [12.0 (26/11/26 11:59:00)] was greater than the threshold (0.0).";
        let raised = [("state", json!("ALARM")), ("reason", json!(reason))];
        fixture.observe(Kind::Alarm, "dead-letters", &raised);
        let mapping = fixture.live(Kind::EventSourceMapping, "queue/ecommerce-transactions-processor");
        mapping.observations.insert("state".into(), json!("Disabled"));
        let words = "the pipeline is stopped: the mapping is Disabled (User action); messages pile up in the queue";
        mapping.findings.push(Finding::new(Severity::Warning, "mapping-disabled", words));
        let subscriber = fixture.live(Kind::Subscription, "alerts/email/oncall@example.com");
        subscriber.findings.push(Finding::new(Severity::Warning, "subscription-pending", "pending"));
        fixture.set(Kind::Queue, "queue", "retention_seconds", &json!(60));
        fixture.metrics = metrics();
        fixture
    }

    fn live(&mut self, kind: Kind, name: &str) -> &mut Live {
        self.snapshot.resources.get_mut(&Address::new(kind, format!("ecommerce-transactions-{name}"))).unwrap()
    }

    fn observe(&mut self, kind: Kind, name: &str, observations: &[(&str, Value)]) {
        let live = self.live(kind, name);
        live.observations.extend(observations.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    }

    fn status(&self, gap: Option<&str>) -> Status {
        self.status_of(Window::last(3, now()), &Metrics::new(), gap)
    }

    fn status_of(&self, window: Window, recent: &Metrics, gap: Option<&str>) -> Status {
        let plan = Plan::new("ecommerce-transactions", &scope(), &self.graph, &self.snapshot, &Options::default());
        Status::of(Read {
            pipeline: &self.pipeline,
            plan: &plan,
            snapshot: &self.snapshot,
            metrics: Ok(&self.metrics),
            recent,
            gap,
            window,
            at: now(),
        })
    }

    fn drawing(&self) -> Drawing {
        Drawing::live("ecommerce-transactions", &self.graph, &self.snapshot)
    }

    fn lose(&mut self, kind: Kind, name: &str) {
        let lost = self.snapshot.resources.remove(&Address::new(kind, format!("ecommerce-transactions-{name}")));
        assert!(lost.is_some(), "{kind} {name}");
    }

    /// Writes a property.
    fn set(&mut self, kind: Kind, name: &str, property: &str, value: &Value) {
        let live = self.live(kind, name);
        let kept = live.document.properties().filter(|(name, _)| *name != property);
        let written = (property.to_owned(), value.clone());
        live.document = kept.map(|(name, value)| (name.to_owned(), value.clone())).chain([written]).collect();
    }

    /// The drawing with states, as a tree.
    fn tree(&self) -> String {
        tree::drawing(&self.drawing().with(&self.status(None)), Sheet { style: Style::PLAIN, width: 200 })
    }
}

/// Three hours that tell a story: traffic, a standstill since half an hour.
fn metrics() -> Metrics {
    let window = Window::last(3, now());
    let at = |minute: i64| Timestamp::from_second(window.from.as_second() + minute * 60).unwrap();
    let wave = |minute: i64| ((minute * 37) % 23) as f64 + 30.0 * f64::from(u8::try_from(minute % 60 / 20).unwrap());
    let series = |value: &dyn Fn(i64) -> Option<f64>| {
        (0..180).filter_map(|minute| Some((at(minute), value(minute)?))).collect::<Vec<_>>()
    };
    let working = |minute: i64| minute < 150;
    Metrics::from([
        ("queue.visible".into(), series(&|m| Some(if working(m) { (m % 7) as f64 } else { (m - 149) as f64 * 40.0 }))),
        ("queue.oldest_message_age".into(), series(&|m| Some(if working(m) { 1.0 } else { (m - 149) as f64 * 60.0 }))),
        ("queue.in_flight".into(), series(&|m| working(m).then(|| wave(m) / 4.0))),
        ("dead_letter.visible".into(), series(&|m| Some(if m < 120 { 0.0 } else { 12.0 }))),
        ("quarantine.visible".into(), series(&|m| Some(if m < 40 { 1.0 } else { 3.0 }))),
        ("function.invocations".into(), series(&|m| working(m).then(|| wave(m)))),
        ("function.errors".into(), series(&|m| working(m).then_some(if m == 118 { 6.0 } else { 0.0 }))),
        ("function.throttles".into(), series(&|m| working(m).then_some(0.0))),
        ("function.duration".into(), series(&|m| (working(m) && m % 50 > 4).then(|| 40.0 + wave(m)))),
        ("table.consumed_writes".into(), series(&|m| working(m).then(|| wave(m) * 1.5))),
        ("processor.stored".into(), series(&|m| working(m).then(|| wave(m)))),
        ("processor.rejected".into(), series(&|m| working(m).then_some(if m % 45 == 39 { 1.0 } else { 0.0 }))),
    ])
}

#[test]
fn a_healthy_pipeline_and_a_troubled_one_on_a_terminal() {
    let gap = "the local AWS emits no metrics of queues";
    let healthy = Fixture::healthy().status(Some(gap));
    assert!(healthy.healthy && healthy.state == State::Good, "{healthy:#?}");
    let troubled = Fixture::troubled().status(None);
    assert!(!troubled.healthy && troubled.state == State::Bad);
    let mut outcomes = sheets("healthy", |sheet| status::status(&healthy, sheet));
    outcomes.extend(sheets("troubled", |sheet| status::status(&troubled, sheet)));
    outcomes.push(golden("troubled.json", &(serde_json::to_string_pretty(&troubled).unwrap() + "\n")));
    check(outcomes.into_iter());
}

#[test]
fn a_page_and_drawings() {
    let (healthy, troubled) = (Fixture::healthy(), Fixture::troubled());
    let status = troubled.status(None);
    let drawing = troubled.drawing().with(&status);
    let configured = healthy.drawing();
    check(
        [
            golden(
                "healthy.html",
                &page::page(&healthy.status(None), &healthy.drawing().with(&healthy.status(None)), Style::PLAIN),
            ),
            golden("troubled.html", &page::page(&status, &drawing, Style::PLAIN)),
            golden("configured.svg", &svg::file(&configured)),
            golden("troubled.svg", &svg::file(&drawing)),
            golden("configured.mmd", &mermaid::drawing(&configured)),
            golden("troubled.mmd", &mermaid::drawing(&drawing)),
            golden("configured.dot", &dot::drawing(&configured)),
            golden("troubled.dot", &dot::drawing(&drawing)),
        ]
        .into_iter()
        .chain(sheets("graph", |sheet| tree::drawing(&configured, sheet)))
        .chain(sheets("graph-troubled", |sheet| tree::drawing(&drawing, sheet))),
    );
}

/// Texts of strangers (names of adopted resources, alarms' reasons, endpoints) are nowhere markup.
#[test]
fn nothing_that_strangers_wrote_is_markup() {
    const EVIL: &str = "<script>\"'&]]>%%{init}%%\\\u{1b}[31m\u{202e}";
    let mut fixture = Fixture::troubled();
    let raised = [("state", json!(EVIL)), ("reason", json!(EVIL))];
    fixture.observe(Kind::Alarm, "dead-letters", &raised);
    let foreign = Address::new(Kind::Subscription, format!("ecommerce-transactions-alerts/https/{EVIL}"));
    let document = fixture.live(Kind::Subscription, "alerts/email/oncall@example.com").document.clone();
    let mut live = Live::ours(document);
    live.findings.push(Finding::new(Severity::Warning, "subscription-pending", EVIL));
    fixture.snapshot.resources.insert(foreign, live);
    let status = fixture.status(Some(EVIL));
    let drawing = fixture.drawing().with(&status);
    for text in [page::page(&status, &drawing, Style::PLAIN), svg::file(&drawing), mermaid::drawing(&drawing)] {
        assert!(text.contains("script") && !text.contains("<script>"), "{text}");
        assert!(!text.contains('\u{1b}'));
    }
    assert!(!mermaid::drawing(&drawing).contains("%%{"));
    let dot = dot::drawing(&drawing);
    assert!(dot.contains("<script>\\\"'&]]>%%{init}%%\\\\") && !dot.contains('\u{1b}'), "{dot}");
    let sheet = Sheet { style: Style::PLAIN, width: 200 };
    for text in [status::status(&status, sheet), tree::drawing(&drawing, sheet)] {
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text}");
    }
}

#[test]
fn what_could_not_be_read_is_not_called_healthy() {
    let mut fixture = Fixture::healthy();
    let denied = CloudError::new(ErrorKind::Denied, "not allowed: cloudwatch:DescribeAlarms");
    fixture.snapshot.resources.retain(|address, _| address.kind != Kind::Alarm);
    fixture.snapshot.unread.insert(Kind::Alarm, denied);
    let status = fixture.status(None);
    assert_eq!((status.healthy, status.state), (false, State::Unknown));
    assert!(status.notes[0].contains("cloudwatch:DescribeAlarms"), "{:?}", status.notes);

    let mut fixture = Fixture::healthy();
    fixture.snapshot.resources.remove(&Address::new(Kind::Table, "ecommerce-transactions-transactions"));
    let status = fixture.status(None);
    assert_eq!(status.state, State::Bad);
    assert!(status.drift.differs);
}

const SALES: &str = "large-orders/email/sales@example.com";
const ONCALL: &str = "alerts/email/oncall@example.com";

#[test]
fn every_sort_of_trouble_has_its_state() {
    type Edit = fn(&mut Fixture);
    const PROCESSOR: &str = "processor-eu-west-1";
    let cases: [(&str, Edit, State); 16] = [
        ("role missing", |f| f.lose(Kind::Role, PROCESSOR), State::Bad),
        ("topic missing", |f| f.lose(Kind::Topic, "large-orders"), State::Bad),
        (
            "function stopped by its concurrency",
            |f| f.set(Kind::Function, "processor", "reserved_concurrency", &json!(0)),
            State::Bad,
        ),
        ("a topic without a subscriber", |f| f.lose(Kind::Subscription, SALES), State::Bad),
        ("a subscriber missing", |f| f.lose(Kind::Subscription, ONCALL), State::Attention),
        (
            "an alarm that nobody hears",
            |f| {
                let alarm = Address::new(Kind::Alarm, "ecommerce-transactions-dead-letters");
                let finding = Finding::new(Severity::Warning, "alarm-unheard", "nobody hears this alarm");
                f.snapshot.findings.push(finding.at(&alarm));
            },
            State::Attention,
        ),
        (
            "what an apply would lead to",
            |f| {
                let queue = Address::new(Kind::Queue, "ecommerce-transactions-queue");
                let finding = Finding::new(Severity::Warning, "messages-expire", "messages would expire");
                f.snapshot.findings.push(finding.at(&queue));
            },
            State::Good,
        ),
        (
            "paused on purpose",
            |f| {
                let mapping = f.live(Kind::EventSourceMapping, "queue/ecommerce-transactions-processor");
                mapping.findings.push(Finding::new(Severity::Warning, "mapping-paused", "paused"));
            },
            State::Attention,
        ),
        ("update failed", |f| f.observe(Kind::Function, "processor", &[("last_update", json!("Failed"))]), State::Bad),
        ("table gone wrong", |f| f.observe(Kind::Table, "transactions", &[("status", json!("ARCHIVED"))]), State::Bad),
        ("table busy", |f| f.observe(Kind::Table, "transactions", &[("status", json!("UPDATING"))]), State::Good),
        ("quarantine", |f| f.observe(Kind::Queue, "quarantine", &[("messages_waiting", json!(1))]), State::Attention),
        ("dead letters", |f| f.observe(Kind::Queue, "dead-letter", &[("messages_waiting", json!(1))]), State::Bad),
        (
            "alarm without data",
            |f| f.observe(Kind::Alarm, "dead-letters", &[("state", json!("INSUFFICIENT_DATA"))]),
            State::Good,
        ),
        (
            "mapping in trouble",
            |f| {
                let mapping = f.live(Kind::EventSourceMapping, "queue/ecommerce-transactions-processor");
                mapping.observations.insert("last_result".into(), json!("PROBLEM: Function call failed"));
            },
            State::Bad,
        ),
        (
            "throttled writes",
            |f| {
                f.metrics.insert("table.throttled_writes".into(), vec![(now(), 2.0)]);
            },
            State::Attention,
        ),
    ];
    for (name, edit, state) in cases {
        let mut fixture = Fixture::healthy();
        edit(&mut fixture);
        let status = fixture.status(None);
        assert_eq!(status.state, state, "{name}");
        let told = status.parts.iter().any(|part| part.state == state && !part.problems.is_empty());
        assert!(told || state == State::Good, "{name}: the part says so: {status:#?}");
    }
}

#[test]
fn the_page_lists_what_the_verdict_counts() {
    let mut fixture = Fixture::healthy();
    fixture.set(Kind::Queue, "queue", "retention_seconds", &json!(60));
    fixture.observe(Kind::Queue, "quarantine", &[("messages_waiting", json!(1))]);
    let status = fixture.status(None);
    assert_eq!(status.verdict(), "healthy, with 2 things to look at");
    let page = page::page(&status, &fixture.drawing(), Style::PLAIN);
    assert_eq!(page.matches("<li class=\"attention\">").count(), 2, "{page}");
    assert!(page.contains("<b>drift</b> AWS is not as the file says: 1 to do"), "{page}");
    assert!(page.contains("1 invalid message: see"), "{page}");
}

#[test]
fn a_missing_part_is_drawn_as_the_file_says() {
    let mut fixture = Fixture::healthy();
    fixture.lose(Kind::Topic, "large-orders");
    fixture.lose(Kind::Subscription, ONCALL);
    let tree = fixture.tree();
    assert!(tree.contains("✗ topic large-orders  [large orders] · missing"), "{tree}");
    assert!(tree.contains("! subscriber oncall@example.com  missing"), "{tree}");
    for (kind, name, word) in [
        (Kind::EventSourceMapping, "queue/ecommerce-transactions-processor", "mapping missing"),
        (Kind::Role, "processor-eu-west-1", "role missing"),
    ] {
        let mut fixture = Fixture::healthy();
        fixture.lose(kind, name);
        let tree = fixture.tree();
        assert!(tree.contains(&format!("✗ function processor  [batches of 10] · Active · {word}")), "{tree}");
    }
}

#[test]
fn what_stops_the_function_is_drawn_at_it() {
    let mut fixture = Fixture::healthy();
    fixture.set(Kind::Function, "processor", "reserved_concurrency", &json!(0));
    let tree = fixture.tree();
    assert!(tree.contains("✗ function processor  [batches of 10] · Active · reserved concurrency 0"), "{tree}");
}

#[test]
fn what_is_not_applied_is_said_in_a_sentence_and_drawn_as_the_file_says() {
    let mut fixture = Fixture::healthy();
    fixture.snapshot = Snapshot::default();
    let status = fixture.status(None);
    assert_eq!((status.applied, status.healthy, status.verdict().as_str()), (false, false, "not applied yet"));
    let text = status::status(&status, Sheet { style: Style::PLAIN, width: 80 });
    assert_eq!(text.lines().count(), 4, "{text}");
    let drawing = fixture.drawing().with(&status);
    assert_eq!(drawing, Fixture::healthy().drawing(), "nothing is missing where nothing is");
    let page = page::page(&status, &drawing, Style::PLAIN);
    assert!(page.contains("<title>ecommerce-transactions: not applied yet</title>") && page.contains("<svg"), "{page}");
    let one = Address::new(Kind::Queue, "ecommerce-transactions-queue");
    fixture.snapshot.resources =
        Fixture::healthy().snapshot.resources.into_iter().filter(|(at, _)| *at == one).collect();
    assert!(fixture.status(None).applied, "an apply that did not finish is one");
    fixture.snapshot.resources =
        Fixture::healthy().snapshot.resources.into_iter().filter(|(at, _)| at.kind == Kind::LogGroup).collect();
    assert_eq!(fixture.snapshot.resources.len(), 1);
    assert!(!fixture.status(None).applied, "a destroy leaves the log group");
}

#[test]
fn an_empty_drawing_is_a_drawing() {
    let nothing = Drawing { title: "shop".into(), nodes: Vec::new(), edges: Vec::new() };
    assert!(!svg::file(&nothing).contains(" -"), "no negative size: {}", svg::file(&nothing));
    let status = Fixture::healthy().status(None);
    assert!(!page::page(&status, &nothing, Style::PLAIN).contains("class=\"drawing\""));
}

#[test]
fn numbers_of_long_ago_do_not_tell_how_it_is_now() {
    let mut fixture = Fixture::healthy();
    let ago = |minutes: i64| Timestamp::from_second(now().as_second() - minutes * 60).unwrap();
    let ages = vec![(ago(50), 2_700.0), (ago(49), 2_760.0)];
    fixture.metrics.insert("queue.oldest_message_age".into(), ages.clone());
    let text = status::status(&fixture.status(None), Sheet { style: Style::PLAIN, width: 200 });
    assert!(text.contains("oldest not told") && text.contains("now –, most 46 min"), "{text}");
    fixture.metrics.insert("queue.oldest_message_age".into(), [ages, vec![(ago(2), 5.0)]].concat());
    let text = status::status(&fixture.status(None), Sheet { style: Style::PLAIN, width: 200 });
    assert!(text.contains("oldest 5 s") && text.contains("now 5 s, most 46 min"), "{text}");
}

/// What an hour came to is no number of now, and a value that shows twice is the same twice.
#[test]
fn days_are_plotted_by_hour_and_now_is_the_last_minute() {
    let mut fixture = Fixture::healthy();
    let one = |age, invocations| {
        Metrics::from([
            ("queue.oldest_message_age".into(), vec![(now(), age)]),
            ("function.invocations".into(), vec![(now(), invocations)]),
        ])
    };
    fixture.metrics = one(5_400.0, 34_300.0);
    let status = fixture.status_of(Window::last(336, now()), &one(690.0, 1_001.0), None);
    let text = status::status(&status, Sheet { style: Style::PLAIN, width: 200 });
    for words in [
        "oldest 12 min",
        "now 12 min, most 90 min",
        "now 1001, most 34.3k",
        "plots and most: the last 14 days by hour; now: the last minute;",
        "no values in the last 14 days: ",
    ] {
        assert!(text.contains(words), "`{words}` is missing in {text}");
    }
}

/// On a window that is too low, trouble stands above what is good; on one that is high enough nothing moves.
#[test]
fn what_does_not_fit_a_window_has_the_worst_first() {
    let troubled = Fixture::troubled().status(None);
    let sheet = Sheet { style: Style::PLAIN, width: 80 };
    assert_eq!(status::fitted(&troubled, sheet, 200), status::status(&troubled, sheet));
    let low = status::fitted(&troubled, sheet, 24);
    let signs: Vec<_> =
        low.lines().filter_map(|line| line.chars().next()).filter(|sign| "✗!✓".contains(*sign)).collect();
    let sorted: String = signs.iter().collect();
    assert!(sorted.starts_with("✗✗✗!!!!✓"), "{sorted}\n{low}");
}

#[test]
fn what_was_seen_last_does_not_pass_for_what_is() {
    let healthy = Fixture::healthy().status(None);
    let why = "cannot reach AWS: connection refused\nhint: is it there?";
    let since: Timestamp = "2026-11-26T12:00:35Z".parse().unwrap();
    let plain = Sheet { style: Style::PLAIN, width: 80 };
    let never = status::unanswered(since, None, None, plain, 30);
    assert_eq!(never, "? no answer since 2026-11-26T12:00:35Z\n");
    check(sheets("unanswered", |sheet| status::unanswered(since, Some(why), Some(&healthy), sheet, 30)).into_iter());
}

fn message(id: &str, body: &str, reasons: Value) -> Parked {
    let value = MessageValue::Text(json!({ "reasons": reasons }).to_string());
    let ours = MessageAttribute { data_type: "String".into(), value };
    let color = MessageAttribute { data_type: "String".into(), value: MessageValue::Text("red\u{1b}[31m".into()) };
    Parked {
        message_id: id.into(),
        receipt: String::new(),
        body: body.into(),
        attributes: BTreeMap::from([(REASONS_ATTRIBUTE.into(), ours), ("color".into(), color)]),
        trace_header: Some("Root=1-5759e988-bd862e3fe1be46a994272793".into()),
        sent_at: Some(now()),
        cause: None,
    }
}

#[test]
fn parked_messages_by_reason_one_whole_and_put_back() {
    let missing = json!([{ "code": "missing_field", "at": "/amount" }, { "code": "missing_field", "at": "/currency" }]);
    let old = json!([{ "code": "too_old", "at": "/timestamp", "detail": "at most 1 day before it is processed" }]);
    let messages: Vec<_> = (0..5)
        .map(|index| {
            let id = format!("5a1c{index}d80-7f0e-4b3c-9f6e-8f3b0c1d2e3f");
            message(&id, &format!("{{\"transaction_id\":\"order-{index}\"}}"), missing.clone())
        })
        .chain([message("6b", "{\"transaction_id\":\"late\",\"amount\":1.10}", old)])
        .chain([message("6c", "{\"note\":\"\u{202e}\u{9b}31m\"}", json!([]))])
        .chain([message("7c", "\u{1b}[2Jnot JSON", json!([{ "code": "not_json", "at": "" }]))])
        .collect();
    let looked = Looked { messages: 7, waiting: 7, in_flight: 0, is_all: true };
    let part = Looked { messages: 1_000, waiting: 20_413, in_flight: 12, is_all: false };
    let groups = Groups::of(&messages);
    let redriven = Redriven {
        sent: 40,
        by: By::Messages,
        left: 3,
        hidden: 12,
        came_back: 2,
        came_elsewhere: 1,
        is_all: false,
        still_on_the_way: 1,
        not_removed: 1,
        refused: BTreeMap::from([("m-1".into(), "too long".into())]),
        interrupted: true,
    };
    let mut outcomes = sheets("quarantine", |sheet| parked::groups("shop-quarantine", &groups, looked, sheet));
    outcomes.push(golden(
        "quarantine-part.txt",
        &parked::groups("shop-quarantine", &Groups::default(), part, Sheet { style: Style::PLAIN, width: 80 }),
    ));
    let plain = Sheet { style: Style::PLAIN, width: 80 };
    let shown: Vec<_> = messages[4..].iter().map(|one| parked::message(one, plain)).collect();
    outcomes.push(golden("message.txt", &shown.join("\n")));
    outcomes.push(golden("redriven.txt", &parked::redriven("shop-dead-letter", "shop-queue", &redriven)));
    check(outcomes.into_iter());
}

#[test]
fn log_lines_are_readable() {
    let lines = [
        r#"{"timestamp":"2026-11-26T12:00:00.001Z","level":"info","message":"message processed","request_id":"r-1","message_id":"m-1","transaction_id":"order-1","decision":"stored","announced":true}"#,
        r#"{"timestamp":"2026-11-26T12:00:00.002Z","level":"warn","message":"message processed","request_id":"r-1","message_id":"m-2","decision":"rejected","reasons":["not_json","too_old"]}"#,
        r#"{"timestamp":"2026-11-26T12:00:00.003Z","level":"warn","message":"message processed","request_id":"r-1","message_id":"m-3","transaction_id":"a\u001b[31mb","decision":"failed","cause":"dynamodb:PutItem: ThrottlingException"}"#,
        r#"{"timestamp":"2026-11-26T12:00:00.004Z","level":"error","message":"every message fails until permissions and resources are put right","request_id":"r-1","operation":"dynamodb:PutItem","code":"AccessDeniedException","cause":"no"}"#,
        "START RequestId: r-1 Version: $LATEST",
        "RequestId: r-1 Error: Runtime exited with error: signal: killed",
    ];
    let draw = |style| {
        let drawn = lines.iter().map(|text| logs::line(&Line::read(text), text, now(), style) + "\n");
        drawn.collect::<String>()
    };
    check([golden("logs.txt", &draw(Style::PLAIN)), golden("logs-colour.txt", &draw(Style::new(true)))].into_iter());
}
