//! A plan as a comment in a pull request: the summary to see, the steps to unfold.

use super::plan::{View, plan as text, summary};
use super::style::Style;
use crate::reconcile::Plan;

/// GitHub-flavoured Markdown; `diff` colours the signs.
pub fn plan(plan: &Plan, style: Style) -> String {
    let head = format!("### pipewright · `{}` · {} / {}\n\n", plan.pipeline, plan.scope.account, plan.scope.region);
    let body = text(plan, View { style: style.plain(), verbose: false, width: usize::MAX });
    if plan.is_empty() && plan.findings.is_empty() {
        return format!("{head}**{}**\n", summary(plan));
    }
    // A fence longer than any run of backticks inside.
    let longest = body.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!(
        "{head}**{}**\n\n<details open><summary>Steps</summary>\n\n{fence}diff\n{body}{fence}\n\n</details>\n",
        summary(plan)
    )
}
