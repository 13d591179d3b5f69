//! What is to be done to get from live AWS to the desired state: plain data, pure, comparable.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::address::Address;
use super::diff::Changes;
use super::document::canonical;
use super::finding::{Finding, Severity};
use super::graph::Graph;
use super::planner::{Planned, planned};
use super::snapshot::Snapshot;

/// The observation by which a resource says that somebody stopped it by hand. `--resume` starts it again.
pub const STOPPED_BY_HAND: &str = "stopped_by_hand";
/// The path of the change by which it is started again: an observation, not a property.
pub const RESUMED: &str = "state";

/// The observation by which a resource says that an apply stopped it for the time of a change, and did not come back to
/// start it. Any apply does.
pub const INTERRUPTED: &str = "interrupted";

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
    pub(super) fn allows(&self, address: &Address) -> bool {
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
    /// What of it is written only when others have changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub narrowing: Option<Narrowing>,
}

/// A change that takes away room that others work within: they change first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Narrowing {
    /// What is written before the others change: room for them as they are and as they will be. Empty: nothing is.
    pub first: Changes,
    /// What is written after they have.
    pub last: Changes,
    /// The steps that must be done before the last write.
    pub after: BTreeSet<Address>,
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
        let Planned { steps, unchanged, findings } = planned(desired, snapshot, options);
        let mut plan = Self {
            version: 1,
            pipeline: pipeline.to_owned(),
            scope: scope.clone(),
            digest: String::new(),
            steps,
            unchanged,
            findings,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::address::Kind;
    use crate::reconcile::cloud::{CloudError, ErrorKind};
    use crate::reconcile::diff::{Change, Property, Trait};
    use crate::reconcile::document::Document;
    use crate::reconcile::graph::Node;
    use crate::reconcile::snapshot::{Live, Owner};

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
