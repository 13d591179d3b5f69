//! Every option as data: two files that state them all with different values, and what taking a line out comes to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use pipewright::aws::identity;
use pipewright::config::{self, Pipeline};
use pipewright::reconcile::{Action, Address, Graph, Options, Plan, Scope, Snapshot};
use pipewright::resources::{Blueprint, desired};
use serde_json::Value;

use crate::backend::{REGION, account};
use crate::golden::root;
use crate::world::{applied, scope};

/// A pipeline's file as a tree, without its environments. A place in it is a JSON pointer.
#[derive(Debug, Clone, PartialEq)]
pub struct File(Value);

impl File {
    /// The normative example, in this account.
    pub fn every_option(scope: &Scope) -> Self {
        Self::read("examples/every-option.yaml", scope)
    }

    /// The same options, each with another value.
    pub fn changed(scope: &Scope) -> Self {
        Self::read("tests/options/changed.yaml", scope)
    }

    /// Only what is required.
    pub fn bare() -> Self {
        Self(serde_json::json!({ "version": 1, "pipeline": "orders", "function": { "source": "lambda" } }))
    }

    fn read(name: &str, scope: &Scope) -> Self {
        let text = std::fs::read_to_string(root().join(name)).unwrap();
        let mut tree: Value = serde_saphyr::from_str(&text).unwrap();
        tree.as_object_mut().unwrap().remove("environments");
        tree["account"] = scope.account.clone().into();
        tree["region"] = scope.region.clone().into();
        tree["function"]["source"] = "lambda".into();
        Self(tree)
    }

    pub fn at(&self, place: &str) -> Option<&Value> {
        self.0.pointer(place)
    }

    /// JSON is YAML.
    fn load(&self) -> Option<Pipeline> {
        config::load_text("pipeline.yaml", &self.0.to_string(), None).ok().map(|loaded| loaded.pipeline)
    }

    pub fn pipeline(&self) -> Pipeline {
        crate::world::pipeline(&self.0.to_string())
    }

    /// Every line that says something: scalars, lists of scalars, empty mappings.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        lines_of(&self.0, "", &mut lines);
        lines
    }

    /// Without the line at this place, or, where it must not miss in what it is part of, without the whole part.
    /// `None`: the file needs it.
    pub fn without(&self, place: &str) -> Option<(String, File)> {
        let mut place = place;
        while let Some((parent, key)) = place.rsplit_once('/') {
            let mut file = self.clone();
            match file.0.pointer_mut(parent)? {
                Value::Object(members) => drop(members.remove(key)),
                Value::Array(elements) => drop(elements.remove(key.parse().ok()?)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
            }
            if file.load().is_some() {
                return Some((place.to_owned(), file));
            }
            place = parent;
        }
        None
    }

    /// Without several parts at once, if that is still a file.
    fn without_all(&self, places: &BTreeSet<String>) -> Option<File> {
        let mut file = self.clone();
        // Backwards: a list's later elements first, so that the others stay where they are.
        for place in places.iter().rev() {
            let (parent, key) = place.rsplit_once('/')?;
            match file.0.pointer_mut(parent)? {
                Value::Object(members) => drop(members.remove(key)?),
                Value::Array(elements) => drop(elements.remove(key.parse().ok()?)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
            }
        }
        file.load().map(|_| file)
    }
}

fn lines_of(value: &Value, place: &str, lines: &mut Vec<String>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            members.iter().for_each(|(key, member)| lines_of(member, &format!("{place}/{key}"), lines));
        }
        Value::Array(elements) if elements.iter().any(Value::is_object) => {
            elements.iter().enumerate().for_each(|(at, one)| lines_of(one, &format!("{place}/{at}"), lines));
        }
        _ => lines.push(place.to_owned()),
    }
}

/// What a plan comes to: for each resource and property the value that it gets; `create` and `delete` stand for all.
pub type Effects = BTreeMap<(Address, String), Value>;

pub fn effects(plan: &Plan) -> Effects {
    let of_step = |step: &pipewright::reconcile::Step| -> Vec<_> {
        match step.action {
            Action::Create | Action::Delete => {
                vec![((step.address.clone(), step.action.word().to_owned()), Value::Null)]
            }
            Action::Update | Action::Replace | Action::Adopt => step
                .changes
                .iter()
                .map(|change| ((step.address.clone(), change.path.clone()), change.after.clone()))
                .collect(),
        }
    };
    plan.steps.iter().flat_map(of_step).collect()
}

pub fn graph(file: &File, scope: &Scope) -> Graph {
    desired(&Blueprint { pipeline: &file.pipeline(), scope, code: "sources:test" }).unwrap()
}

/// The effects of an edit, by the pure core alone: where AWS is as the one file says, and the other one is planned.
pub fn edit(from: &Graph, to: &Graph, scope: &Scope) -> Effects {
    let snapshot = Snapshot { resources: applied(from), ..Snapshot::default() };
    effects(&Plan::new("orders", scope, to, &snapshot, &Options::default()))
}

/// What taking out the optional parts of a file does, each alone: the smallest part that may miss, for every line.
pub struct Removals {
    pub file: File,
    /// By line: the part that is taken out with it.
    pub parts: BTreeMap<String, String>,
    /// By part.
    pub effects: BTreeMap<String, Effects>,
}

impl Removals {
    /// Of both files, computed once for all tests: it takes seconds.
    pub fn of_both() -> &'static (Scope, [Removals; 2]) {
        static BOTH: LazyLock<(Scope, [Removals; 2])> = LazyLock::new(|| {
            let scope = identity::pinned(&account(), REGION);
            let both = [File::every_option(&scope), File::changed(&scope)].map(|file| Removals::of(file, &scope));
            (scope, both)
        });
        &BOTH
    }

    fn of(file: File, scope: &Scope) -> Self {
        let from = graph(&file, scope);
        let (mut parts, mut effects) = (BTreeMap::new(), BTreeMap::new());
        for line in file.lines() {
            let Some((part, rest)) = file.without(&line) else { continue };
            effects.entry(part.clone()).or_insert_with(|| edit(&from, &graph(&rest, scope), scope));
            parts.insert(line, part);
        }
        Self { file, parts, effects }
    }

    pub fn governs(&self, line: &str) -> bool {
        // Where the other file has a choice with parts of its own, the line is itself such a part.
        let part = self.parts.get(line).map_or(line, String::as_str);
        self.effects.get(part).is_some_and(|effects| !effects.is_empty())
    }

    /// Parts that can be taken out together and still be told apart: together they do what each does alone.
    pub fn rounds(&self, parts: impl IntoIterator<Item = String>, scope: &Scope) -> Vec<Round> {
        let from = graph(&self.file, scope);
        let mut rounds: Vec<Round> = Vec::new();
        for part in parts {
            let joined = rounds.iter().enumerate().find_map(|(at, round)| {
                let mut parts = round.parts.clone();
                parts.insert(part.clone());
                Some((at, self.round(parts, &from, scope)?))
            });
            match joined {
                Some((at, round)) => rounds[at] = round,
                None => rounds.push(self.round([part].into(), &from, scope).unwrap()),
            }
        }
        rounds
    }

    fn round(&self, parts: BTreeSet<String>, from: &Graph, scope: &Scope) -> Option<Round> {
        let mut effects = Effects::new();
        for (place, value) in parts.iter().flat_map(|part| &self.effects[part]) {
            if effects.insert(place.clone(), value.clone()).is_some() {
                return None;
            }
        }
        let graph = graph(&self.file.without_all(&parts)?, scope);
        (edit(from, &graph, scope) == effects).then_some(Round { parts, graph, effects })
    }
}

/// Several parts taken out at once.
pub struct Round {
    pub parts: BTreeSet<String>,
    pub graph: Graph,
    pub effects: Effects,
}

/// What no value but the stated one is possible for, or what says nothing about AWS.
const UNCHANGEABLE: [(&str, &str); 5] = [
    ("/version", "there is one"),
    ("/pipeline", "another name is another pipeline"),
    ("/account", "a pin: it must be the account that is there"),
    ("/region", "a pin: it must be the region that is there"),
    ("/function/source", "the repository has one processor"),
];

/// What governs no property, or cannot be taken out of these files.
const WITHOUT_EFFECT: [(&str, &str); 8] = [
    ("/version", "required"),
    ("/pipeline", "required"),
    ("/function/source", "required"),
    ("/account", "a pin is a check"),
    ("/region", "a pin is a check"),
    ("/ignore_tags", "it says at what not to look"),
    ("/drills", "it says what `drill` may do"),
    ("/topics/operations", "alarms notify it"),
];

#[test]
fn the_second_file_states_every_option_with_another_value() {
    let (every, changed) = (File::every_option(&scope()), File::changed(&scope()));
    let lines = every.lines();
    assert!(lines.len() > 150, "{}", lines.len());
    let same = lines.iter().filter(|line| changed.at(line).is_none_or(|value| Some(value) == every.at(line)));
    let same: BTreeSet<&str> = same.map(String::as_str).collect();
    assert_eq!(same, UNCHANGEABLE.map(|(line, _)| line).into());
}

/// In one file or the other every line is away from its default, so taking it out there must change AWS.
#[test]
fn every_line_that_may_miss_governs_something() {
    let (_, [every, changed]) = Removals::of_both();
    let idle: BTreeSet<String> =
        every.file.lines().into_iter().filter(|line| !every.governs(line) && !changed.governs(line)).collect();
    assert_eq!(idle, WITHOUT_EFFECT.map(|(line, _)| line.to_owned()).into());
}
