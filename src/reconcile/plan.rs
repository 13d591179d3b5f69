//! What is to be done to get from live AWS to the desired state: plain data, pure, comparable.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::address::{Address, Kind};
use super::diff::{Change, Changes, Trait, diff};
use super::document::{Document, canonical};
use super::finding::{Finding, Severity};
use super::graph::{Graph, Node};
use super::snapshot::{Live, Owner, Snapshot};

/// The observation by which a resource says that somebody stopped it by hand. `--resume` starts it again.
pub const STOPPED_BY_HAND: &str = "stopped_by_hand";
/// The path of the change by which it is started again: an observation, not a property.
pub const RESUMED: &str = "state";

/// The observation by which a resource says that nothing can be done to it now, such as a subscription that waits for its
/// confirmation. It gets no step, only its findings.
pub const LOCKED: &str = "locked";

/// The observation by which a resource says that it is nobody's: ours to claim, but not to remove.
pub const UNCLAIMED: &str = "unclaimed";

/// Where the resources live: enough to compute every ARN before anything exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Scope {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// 12 digits.
    pub account: String,
    pub region: String,
}

impl Scope {
    /// `arn:<partition>:<service>:<region>:<account>:<resource>`
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition, self.region, self.account)
    }

    /// The ARN of something that has no region, such as a role.
    pub fn global_arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}::{}:{resource}", self.partition, self.account)
    }
}

/// What the user allows beyond the plain convergence.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Take over foreign resources that have our names.
    pub adopt: bool,
    /// Start again what somebody stopped by hand.
    pub resume: bool,
    /// Data that may be lost.
    pub allow_data_loss: DataLoss,
    /// Says of a step why the backend would not keep it: then it is a finding and no step.
    pub gap: Option<fn(&Step) -> Option<&'static str>>,
}

/// Resources whose data may be lost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DataLoss {
    #[default]
    None,
    Of(BTreeSet<Address>),
    All,
}

impl DataLoss {
    fn allows(&self, address: &Address) -> bool {
        match self {
            DataLoss::None => false,
            DataLoss::Of(addresses) => addresses.contains(address),
            DataLoss::All => true,
        }
    }
}

/// What happens to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    Create,
    Update,
    /// Deleted, then created again.
    Replace,
    Delete,
    /// Taken over from somebody else, and made as desired.
    Adopt,
}

impl Action {
    pub fn word(self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Update => "update",
            Action::Replace => "replace",
            Action::Delete => "delete",
            Action::Adopt => "adopt",
        }
    }
}

/// What would be lost with a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Loss {
    /// In words, with live counts.
    pub holds: String,
    /// Whether the user gave the word for it (`--allow-data-loss`).
    pub allowed: bool,
}

/// What is to be done with one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    pub address: Address,
    pub action: Action,
    /// Property by property, before and after.
    pub changes: Changes,
    /// The steps that must be done before this one.
    pub after: BTreeSet<Address>,
    /// What is lost with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,
}

impl Step {
    /// The same, without the live counts of what is lost: on a busy queue they change with every message.
    fn without_counts(&self) -> Self {
        let loss = self.loss.as_ref().map(|loss| Loss { holds: String::new(), allowed: loss.allowed });
        Self { loss, ..self.clone() }
    }
}

/// What differs from live AWS, and what will be done about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// The version of this shape: 1.
    pub version: u32,
    /// `<pipeline>[-<environment>]`: the ownership mark.
    pub pipeline: String,
    pub scope: Scope,
    /// SHA-256 over pipeline, scope and steps: `apply <plan file>` does exactly these steps or nothing.
    pub digest: String,
    pub steps: Vec<Step>,
    /// Resources that are as desired.
    pub unchanged: Vec<Address>,
    /// What to know beside the steps; the worst first.
    pub findings: Vec<Finding>,
}

impl Plan {
    /// What it takes to get from `snapshot` to `desired`.
    pub fn new(pipeline: &str, scope: &Scope, desired: &Graph, snapshot: &Snapshot, options: &Options) -> Self {
        let mut planner =
            Planner { desired, snapshot, options, steps: BTreeMap::new(), unchanged: vec![], findings: vec![] };
        planner.compare_all();
        planner.check_consents();
        planner.leave_gaps();
        planner.order();
        planner.findings.sort();
        planner.findings.dedup();
        let mut plan = Self {
            version: 1,
            pipeline: pipeline.to_owned(),
            scope: scope.clone(),
            digest: String::new(),
            steps: in_reading_order(planner.steps.into_values().collect()),
            unchanged: planner.unchanged,
            findings: planner.findings,
        };
        plan.digest = plan.compute_digest();
        plan
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Why this plan must not be applied as it is; empty: it may.
    pub fn refusals(&self) -> Vec<Finding> {
        let errors = self.findings.iter().filter(|finding| finding.severity == Severity::Error).cloned();
        let losses = self.steps.iter().filter_map(|step| {
            let loss = step.loss.as_ref().filter(|loss| !loss.allowed)?;
            Some(
                Finding::new(Severity::Error, "data-loss", format!("would lose {}", loss.holds))
                    .at(&step.address)
                    .hint(format!("allow it with `--allow-data-loss {}`", step.address)),
            )
        });
        errors.chain(losses).collect()
    }

    pub fn count(&self, action: Action) -> usize {
        self.steps.iter().filter(|step| step.action == action).count()
    }

    /// SHA-256, in hex, over what the plan does: not over findings, live counts, what is unchanged, or time.
    pub fn compute_digest(&self) -> String {
        let steps: Vec<_> = self.steps.iter().map(Step::without_counts).collect();
        let covered = json!({ "pipeline": self.pipeline, "scope": self.scope, "steps": steps });
        let text = canonical(&covered).to_string();
        Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn in_reading_order(mut steps: Vec<Step>) -> Vec<Step> {
    let rank = |kind: Kind| Kind::ALL.iter().position(|known| *known == kind);
    steps.sort_by(|a, b| (rank(a.address.kind), &a.address.name).cmp(&(rank(b.address.kind), &b.address.name)));
    steps
}

struct Planner<'a> {
    desired: &'a Graph,
    snapshot: &'a Snapshot,
    options: &'a Options,
    steps: BTreeMap<Address, Step>,
    unchanged: Vec<Address>,
    findings: Vec<Finding>,
}

impl Planner<'_> {
    fn compare_all(&mut self) {
        self.findings.extend(self.snapshot.findings.iter().cloned());
        for (kind, error) in &self.snapshot.unread {
            self.findings.push(
                Finding::new(Severity::Error, "not-checked", format!("no {kind} could be checked: {}", error.message))
                    .hint(error.hint.clone().unwrap_or_else(|| "nothing is applied until it can be read".into())),
            );
        }
        let addresses: BTreeSet<_> = self.desired.addresses().union(&self.snapshot.addresses()).cloned().collect();
        for address in addresses.iter().filter(|address| !self.snapshot.unread.contains_key(&address.kind)) {
            match (self.desired.get(address), self.snapshot.resources.get(address)) {
                (Some(node), None) => self.create(node),
                (Some(node), Some(live)) => self.converge(node, live),
                (None, Some(live)) => self.remove(address, live),
                (None, None) => {}
            }
        }
    }

    /// A word for a loss that does not happen is a slip of the hand, or out of date.
    fn check_consents(&mut self) {
        let DataLoss::Of(named) = &self.options.allow_data_loss else { return };
        for address in named.iter().filter(|at| self.steps.get(at).is_none_or(|step| step.loss.is_none())) {
            let finding = Finding::new(
                Severity::Warning,
                "consent-unused",
                "`--allow-data-loss` names it, but nothing is lost with it",
            );
            self.findings.push(finding.at(address).hint("check the name; the plan shows each loss with the right one"));
        }
    }

    fn leave_gaps(&mut self) {
        let Some(gap) = self.options.gap else { return };
        let in_vain: Vec<_> = self.steps.values().filter_map(|step| Some((step.address.clone(), gap(step)?))).collect();
        for (address, reason) in in_vain {
            self.steps.remove(&address);
            self.findings.push(Finding::new(Severity::Note, "not-kept", reason).at(&address));
            self.unchanged.push(address);
        }
    }

    fn create(&mut self, node: &Node) {
        let changes = self.diff(node.address.kind, &Document::default(), &node.document);
        self.push(&node.address, Action::Create, changes, None);
    }

    fn converge(&mut self, node: &Node, live: &Live) {
        let address = &node.address;
        self.observe(address, live);
        if is(live, LOCKED) {
            self.unchanged.push(address.clone());
            return;
        }
        let mut changes = self.diff(address.kind, &live.document, &node.document);
        if self.options.resume && is(live, STOPPED_BY_HAND) {
            changes.0.push(Change::plain(RESUMED, "stopped by hand", "running"));
        }
        match &live.owner {
            Owner::Foreign { pipeline } if !self.options.adopt => {
                self.findings.push(foreign(address, pipeline.as_deref(), &changes));
            }
            Owner::Foreign { .. } if changes.iter().any(|change| change.replaces.is_some()) => {
                self.findings.push(not_adoptable(address, &changes));
            }
            Owner::Foreign { .. } => self.push(address, Action::Adopt, changes, None),
            Owner::Ours if changes.is_empty() => self.unchanged.push(address.clone()),
            Owner::Ours if changes.iter().any(|change| change.replaces.is_some()) => {
                changes.0.extend(self.lifted(address.kind, live).0);
                self.push(address, Action::Replace, changes, self.loss(address, live));
            }
            Owner::Ours => self.push(address, Action::Update, changes, None),
        }
    }

    fn remove(&mut self, address: &Address, live: &Live) {
        if live.owner == Owner::Ours || address.kind.concerns_us_when_foreign() {
            self.observe(address, live);
        }
        if live.owner != Owner::Ours || is(live, LOCKED) || is(live, UNCLAIMED) {
            return;
        }
        let loss = self.loss(address, live);
        if address.kind == Kind::LogGroup && loss.as_ref().is_some_and(|loss| !loss.allowed) {
            let message = format!("is kept, with {}", loss.map(|loss| loss.holds).unwrap_or_default());
            let hint = format!("delete it with `--allow-data-loss {address}`");
            self.findings.push(Finding::new(Severity::Note, "log-group-kept", message).at(address).hint(hint));
            return;
        }
        self.push(address, Action::Delete, self.lifted(address.kind, live), loss);
    }

    /// Protections that a delete lifts first: shown as changes of their own.
    fn lifted(&self, kind: Kind, live: &Live) -> Changes {
        let guards = self.desired.unusual(kind).iter().filter(|property| property.is == Trait::Guard);
        let on = guards.filter(|guard| live.document.get(guard.path) == &Value::Bool(true));
        Changes(on.map(|guard| Change::plain(guard.path, true, false)).collect())
    }

    fn observe(&mut self, address: &Address, live: &Live) {
        self.findings.extend(live.findings.iter().cloned().map(|finding| finding.at(address)));
    }

    fn loss(&self, address: &Address, live: &Live) -> Option<Loss> {
        let holds = live.holds.clone()?;
        Some(Loss { holds, allowed: self.options.allow_data_loss.allows(address) })
    }

    fn diff(&self, kind: Kind, before: &Document, after: &Document) -> Changes {
        diff(self.desired.unusual(kind), before, after)
    }

    fn push(&mut self, address: &Address, action: Action, changes: Changes, loss: Option<Loss>) {
        let step = Step { address: address.clone(), action, changes, after: BTreeSet::new(), loss };
        self.steps.insert(address.clone(), step);
    }

    /// Writes into each step which others come first. What is written waits for what it needs; what is deleted waits
    /// until nothing that might refer to it is left to change. Written steps never wait for deleted ones, so there is
    /// no circle.
    fn order(&mut self) {
        let planned: Vec<(Address, Action)> =
            self.steps.iter().map(|(address, step)| (address.clone(), step.action)).collect();
        for (address, step) in &mut self.steps {
            step.after = match (step.action, self.desired.get(address)) {
                (Action::Delete, _) | (_, None) => planned
                    .iter()
                    .filter(|(other, _)| address.kind.referrers().contains(&other.kind))
                    .map(|(other, _)| other.clone())
                    .collect(),
                (_, Some(node)) => {
                    planned.iter().map(|(other, _)| other).filter(|other| node.after.contains(other)).cloned().collect()
                }
            };
        }
        self.order_through_unplanned();
    }

    /// An edge that leads over resources without a step still holds between the steps at its ends.
    fn order_through_unplanned(&mut self) {
        let planned: BTreeSet<Address> = self.steps.keys().cloned().collect();
        for (address, step) in &mut self.steps {
            let (Some(node), true) = (self.desired.get(address), step.action != Action::Delete) else { continue };
            let mut open: Vec<&Address> = node.after.iter().collect();
            let mut seen: BTreeSet<&Address> = BTreeSet::new();
            while let Some(next) = open.pop() {
                if !seen.insert(next) {
                    continue;
                }
                if planned.contains(next) {
                    step.after.insert(next.clone());
                } else if let Some(node) = self.desired.get(next) {
                    open.extend(node.after.iter());
                }
            }
        }
    }
}

fn is(live: &Live, observation: &str) -> bool {
    live.observations.get(observation) == Some(&Value::Bool(true))
}

fn foreign(address: &Address, pipeline: Option<&str>, changes: &Changes) -> Finding {
    let whose = match pipeline {
        Some(pipeline) => format!("belongs to the pipeline `{pipeline}`"),
        None => "does not belong to this pipeline".into(),
    };
    let differs = match changes.0.len() {
        0 => "it is as this file wants it".to_owned(),
        1 => format!("one property differs (`{}`)", changes.0[0].path),
        count => format!("{count} properties differ"),
    };
    Finding::new(Severity::Error, "foreign-in-the-way", format!("exists and {whose}; {differs}"))
        .at(address)
        .hint("take it over with `--adopt` (the plan then shows every difference), or choose another `name:`")
}

fn not_adoptable(address: &Address, changes: &Changes) -> Finding {
    let fixed: Vec<_> =
        changes.iter().filter(|change| change.replaces.is_some()).map(|change| format!("`{}`", change.path)).collect();
    let message = format!("cannot be adopted: {} cannot be changed", fixed.join(", "));
    Finding::new(Severity::Error, "not-adoptable", message)
        .at(address)
        .hint("make the file say what is live there, or choose another `name:`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::cloud::{CloudError, ErrorKind};
    use crate::reconcile::diff::Property;

    const UNUSUAL: &[Property] = &[
        Property { path: "key", is: Trait::Immutable, why: "it is fixed at creation" },
        Property { path: "guard", is: Trait::Guard, why: "" },
    ];

    fn at(kind: Kind, name: &str) -> Address {
        Address::new(kind, name)
    }

    fn node(address: &Address, size: u32, after: &[&Address]) -> Node {
        Node {
            address: address.clone(),
            document: Document::from([("size", json!(size)), ("key", json!("id"))]),
            after: after.iter().map(|address| (*address).clone()).collect(),
        }
    }

    fn live(size: u32) -> Live {
        Live::ours(Document::from([("size", json!(size)), ("key", json!("id"))]))
    }

    fn plan(nodes: Vec<Node>, lives: Vec<(Address, Live)>, options: &Options) -> Plan {
        let graph = Graph::new(nodes, |_| UNUSUAL).unwrap();
        let snapshot = Snapshot { resources: lives.into_iter().collect(), ..Snapshot::default() };
        let scope = Scope { partition: "aws".into(), account: "123456789012".into(), region: "eu-west-1".into() };
        Plan::new("shop", &scope, &graph, &snapshot, options)
    }

    fn only(plan: &Plan) -> &Step {
        assert_eq!(plan.steps.len(), 1, "{plan:?}");
        &plan.steps[0]
    }

    #[test]
    fn what_is_missing_is_created_and_what_is_equal_left_alone() {
        let (a, b) = (at(Kind::Topic, "a"), at(Kind::Topic, "b"));
        let plan = plan(vec![node(&a, 1, &[]), node(&b, 1, &[])], vec![(b.clone(), live(1))], &Options::default());
        assert_eq!((only(&plan).address.clone(), only(&plan).action), (a, Action::Create));
        assert_eq!(plan.unchanged, [b]);
    }

    #[test]
    fn a_foreign_resource_in_the_way_is_no_step_but_stops_the_apply() {
        let a = at(Kind::Topic, "a");
        let foreign = Live { owner: Owner::Foreign { pipeline: Some("other".into()) }, ..live(2) };
        let plan = plan(vec![node(&a, 1, &[])], vec![(a, foreign)], &Options::default());
        assert!(plan.is_empty());
        assert_eq!(plan.refusals()[0].code, "foreign-in-the-way");
        assert!(plan.refusals()[0].message.contains("`other`"));
    }

    #[test]
    fn adopt_takes_a_foreign_resource_over_with_the_full_difference() {
        let a = at(Kind::Topic, "a");
        let foreign = Live { owner: Owner::Foreign { pipeline: None }, ..live(2) };
        let options = Options { adopt: true, ..Options::default() };
        let plan = plan(vec![node(&a, 1, &[])], vec![(a, foreign)], &options);
        assert_eq!(only(&plan).action, Action::Adopt);
        assert_eq!(only(&plan).changes.0[0].before, json!(2));
        assert!(plan.refusals().is_empty());
    }

    #[test]
    fn a_foreign_resource_that_would_have_to_be_replaced_is_not_adopted() {
        let a = at(Kind::Table, "a");
        let document = Document::from([("size", json!(1)), ("key", json!("other"))]);
        let foreign = Live { owner: Owner::Foreign { pipeline: None }, ..Live::ours(document) };
        let options = Options { adopt: true, ..Options::default() };
        let plan = plan(vec![node(&a, 1, &[])], vec![(a, foreign)], &options);
        assert!(plan.is_empty());
        assert_eq!(plan.refusals()[0].code, "not-adoptable");
    }

    #[test]
    fn ours_and_no_longer_wanted_is_deleted_but_a_foreign_one_never() {
        let (a, b) = (at(Kind::Topic, "a"), at(Kind::Topic, "b"));
        let foreign = Live { owner: Owner::Foreign { pipeline: None }, ..live(1) };
        let plan = plan(vec![], vec![(a.clone(), live(1)), (b, foreign)], &Options::default());
        assert_eq!((only(&plan).address.clone(), only(&plan).action), (a, Action::Delete));
    }

    #[test]
    fn a_replacement_names_its_reason_and_what_is_lost_and_needs_the_word() {
        let a = at(Kind::Table, "a");
        let document = Document::from([("size", json!(1)), ("key", json!("old"))]);
        let full = Live { holds: Some("1,204 items".into()), ..Live::ours(document) };
        let refused = plan(vec![node(&a, 1, &[])], vec![(a.clone(), full.clone())], &Options::default());
        assert_eq!(only(&refused).action, Action::Replace);
        assert_eq!(only(&refused).changes.0[0].replaces.as_deref(), Some("it is fixed at creation"));
        assert!(refused.refusals()[0].message.contains("1,204 items"));

        let allow = DataLoss::Of(BTreeSet::from([a.clone()]));
        let options = Options { allow_data_loss: allow, ..Options::default() };
        assert!(plan(vec![node(&a, 1, &[])], vec![(a, full)], &options).refusals().is_empty());
    }

    #[test]
    fn a_log_group_is_kept_unless_it_is_named() {
        let a = at(Kind::LogGroup, "a");
        let full = Live { holds: Some("its log lines".into()), ..live(1) };
        let kept = plan(vec![], vec![(a.clone(), full.clone())], &Options::default());
        assert!(kept.is_empty() && kept.refusals().is_empty());
        assert_eq!(kept.findings[0].code, "log-group-kept");
        let options = Options { allow_data_loss: DataLoss::All, ..Options::default() };
        assert_eq!(only(&plan(vec![], vec![(a, full)], &options)).action, Action::Delete);
    }

    #[test]
    fn a_protection_that_a_delete_must_lift_is_shown() {
        let a = at(Kind::Table, "a");
        let document = Document::from([("guard", json!(true))]);
        let plan = plan(vec![], vec![(a, Live::ours(document))], &Options::default());
        assert_eq!(only(&plan).changes.0, [Change::plain("guard", true, false)]);
    }

    #[test]
    fn a_kind_that_could_not_be_read_gets_no_step_and_stops_the_apply() {
        let graph = Graph::new([node(&at(Kind::Alarm, "a"), 1, &[])], |_| UNUSUAL).unwrap();
        let denied = CloudError::new(ErrorKind::Denied, "cloudwatch:DescribeAlarms is denied");
        let snapshot = Snapshot { unread: [(Kind::Alarm, denied)].into(), ..Snapshot::default() };
        let scope = Scope { partition: "aws".into(), account: "1".into(), region: "r".into() };
        let plan = Plan::new("shop", &scope, &graph, &snapshot, &Options::default());
        assert!(plan.is_empty());
        assert!(plan.refusals()[0].message.contains("DescribeAlarms"));
    }

    #[test]
    fn what_was_stopped_by_hand_starts_again_only_with_resume() {
        let a = at(Kind::EventSourceMapping, "a");
        let mut stopped = live(1);
        stopped.observations.insert(STOPPED_BY_HAND.into(), json!(true));
        let lives = vec![(a.clone(), stopped)];
        assert!(plan(vec![node(&a, 1, &[])], lives.clone(), &Options::default()).is_empty());
        let options = Options { resume: true, ..Options::default() };
        assert_eq!(only(&plan(vec![node(&a, 1, &[])], lives, &options)).action, Action::Update);
    }

    #[test]
    fn what_cannot_be_touched_now_is_a_finding_and_no_step() {
        let a = at(Kind::Subscription, "a");
        let mut pending = live(2);
        pending.observations.insert(LOCKED.into(), json!(true));
        pending.findings.push(Finding::new(Severity::Warning, "subscription-pending", "not confirmed"));
        let lives = vec![(a.clone(), pending)];
        for nodes in [vec![node(&a, 1, &[])], vec![]] {
            let plan = plan(nodes, lives.clone(), &Options::default());
            assert!(plan.is_empty() && plan.refusals().is_empty());
            assert_eq!(plan.findings[0].address.as_ref(), Some(&a));
        }
    }

    #[test]
    fn what_the_backend_would_not_keep_is_told_and_not_written() {
        let a = at(Kind::Topic, "a");
        let options = Options { gap: Some(|_| Some("it does not keep sizes")), ..Options::default() };
        let plan = plan(vec![node(&a, 1, &[])], vec![(a.clone(), live(2))], &options);
        assert!(plan.is_empty());
        assert_eq!((plan.findings[0].code.as_str(), &plan.unchanged[0]), ("not-kept", &a));
    }

    #[test]
    fn an_order_that_leads_over_an_unchanged_resource_still_holds() {
        let (table, role, function) = (at(Kind::Table, "t"), at(Kind::Role, "r"), at(Kind::Function, "f"));
        let nodes = vec![node(&table, 1, &[]), node(&role, 1, &[&table]), node(&function, 1, &[&role])];
        let plan = plan(nodes, vec![(role, live(1))], &Options::default());
        let step = plan.steps.iter().find(|step| step.address == function).unwrap();
        assert!(step.after.contains(&table));
    }

    #[test]
    fn live_counts_do_not_make_a_plan_stale_but_the_word_for_a_loss_does() {
        let a = at(Kind::Queue, "a");
        let holding = |count: &str| vec![(a.clone(), Live { holds: Some(count.into()), ..live(1) })];
        let allowed = Options { allow_data_loss: DataLoss::All, ..Options::default() };
        let three = plan(vec![], holding("3 messages"), &allowed).digest;
        assert_eq!(three, plan(vec![], holding("4 messages"), &allowed).digest);
        assert_ne!(three, plan(vec![], holding("3 messages"), &Options::default()).digest);
    }

    #[test]
    fn what_is_nobody_s_is_claimed_but_never_removed() {
        let a = at(Kind::LogGroup, "a");
        let mut unclaimed = live(2);
        unclaimed.observations.insert(UNCLAIMED.into(), json!(true));
        let lives = vec![(a.clone(), unclaimed)];
        let allowed = Options { allow_data_loss: DataLoss::All, ..Options::default() };
        assert!(plan(vec![], lives.clone(), &allowed).is_empty());
        assert_eq!(only(&plan(vec![node(&a, 1, &[])], lives, &allowed)).action, Action::Update);
    }

    #[test]
    fn the_findings_of_other_pipelines_are_not_ours() {
        let (alarm, mapping) = (at(Kind::Alarm, "a"), at(Kind::EventSourceMapping, "m"));
        let mut foreign = Live { owner: Owner::Foreign { pipeline: Some("shop-prod".into()) }, ..live(1) };
        foreign.findings.push(Finding::new(Severity::Warning, "x", "y"));
        let plan = plan(vec![], vec![(alarm, foreign.clone()), (mapping.clone(), foreign)], &Options::default());
        assert_eq!(plan.findings.len(), 1);
        assert_eq!(plan.findings[0].address, Some(mapping), "who else takes our messages does concern us");
    }

    #[test]
    fn the_digest_covers_what_is_done_and_not_what_is_merely_said() {
        let a = at(Kind::Topic, "a");
        let quiet = plan(vec![node(&a, 1, &[])], vec![(a.clone(), live(2))], &Options::default());
        let mut talking = live(2);
        talking.findings.push(Finding::new(Severity::Note, "x", "y"));
        talking.observations.insert("messages".into(), json!(7));
        let talking = plan(vec![node(&a, 1, &[])], vec![(a.clone(), talking)], &Options::default());
        assert_eq!(quiet.digest, talking.digest);
        let other = plan(vec![node(&a, 3, &[])], vec![(a, live(2))], &Options::default());
        assert_ne!(quiet.digest, other.digest);
    }
}
