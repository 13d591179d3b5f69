//! Queue and function together: a message must not come back while it is being processed, nor expire on its way.

use super::super::pipeline::{Function, Pipeline, Queue};
use super::super::tree::Path;
use super::super::units::Seconds;
use super::Breach;

const MIB: u64 = 1 << 20;

pub(super) fn check(pipeline: &Pipeline) -> Vec<Breach> {
    let Pipeline { queue, function, .. } = pipeline;
    let whole = |key, bytes| whole_mib(Path::of(key), bytes);
    [
        visibility(pipeline),
        batch(function),
        retention(queue),
        code(function),
        whole("function.memory", function.memory.get()),
        whole("function.ephemeral_storage", function.ephemeral_storage.get()),
        concurrency(function),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Below the function's timeout a message is delivered again while it is processed; below the recommendation, when
/// the batch is retried after throttling.
fn visibility(pipeline: &Pipeline) -> Option<Breach> {
    let (timeout, window) = (pipeline.function.timeout, pipeline.function.batch.window);
    let visible = Seconds::<0, 43_200>::of(pipeline.queue.visibility_timeout?.get());
    let recommended = 6 * timeout.get() + window.get();
    let at = Path::of("queue.visibility_timeout");
    let hint = |least: u64| format!("at least `{}`, or leave it out", Seconds::<0, 43_200>::of(least));
    let breach = if visible.get() < timeout.get() {
        let message = format!(
            "`{visible}` is shorter than the function's timeout of `{timeout}`: messages would be processed twice"
        );
        Breach::error(at, message, hint(timeout.get()))
    } else if visible.get() < recommended {
        let message = format!("`{visible}` is short: AWS recommends 6 × the function's timeout plus the batch window");
        Breach::warning(at, message, hint(recommended))
    } else {
        return None;
    };
    Some(breach.involving(Path::of("function.timeout")).involving(Path::of("function.batch")))
}

fn batch(function: &Function) -> Option<Breach> {
    let (size, window) = (function.batch.size, function.batch.window);
    let needs_window = size.get() > 10 && window.get() == 0;
    needs_window.then(|| {
        let message = format!("a batch of {size} messages needs a window");
        let hint = "add `window: 1s` or more, or lower the size to 10";
        Breach::error(Path::of("function.batch.size"), message, hint).involving(Path::of("function.batch.window"))
    })
}

/// A message's age counts from its first send: in a dead-letter queue of shorter retention it expires on arrival.
fn retention(queue: &Queue) -> Option<Breach> {
    let (waits, kept) = (queue.retention, queue.dead_letter.retention);
    (kept.get() < waits.get()).then(|| {
        let message =
            format!("dead letters are kept `{kept}`, shorter than the queue's `{waits}`: they could expire on arrival");
        let hint = format!("`{waits}` or longer");
        let at = Path::of("queue.dead_letter.retention");
        Breach::error(at, message, hint).involving(Path::of("queue.retention"))
    })
}

fn code(function: &Function) -> Option<Breach> {
    let hint = "`source: <folder of a cargo package>` or `zip: <file>`";
    let message = match (&function.source, &function.zip) {
        (Some(_), Some(_)) => "a function has `source` or `zip`, not both",
        (None, None) => "the function has no code: neither `source` nor `zip`",
        (Some(path), None) | (None, Some(path)) if path.is_empty() => "the function's code has an empty path",
        (Some(_), None) | (None, Some(_)) => return None,
    };
    let breach = Breach::error(Path::of("function"), message, hint);
    Some(breach.involving(Path::of("function.source")).involving(Path::of("function.zip")))
}

fn whole_mib(at: Path, bytes: u64) -> Option<Breach> {
    let down = bytes / MIB;
    (!bytes.is_multiple_of(MIB)).then(|| {
        let message = "Lambda takes whole MiB only";
        Breach::error(at, message, format!("`{down}MiB` or `{}MiB`", down + 1))
    })
}

/// What the queue may run at once beyond what is reserved would be throttled, and throttled messages end as dead ones.
fn concurrency(function: &Function) -> Option<Breach> {
    let (reserved, most) = (function.reserved_concurrency?, function.max_concurrency?);
    (reserved.get() < most.get()).then(|| {
        let message = format!("the queue may run {most} invocations at once, but only {reserved} are reserved: the rest would be throttled");
        let hint = format!("`reserved_concurrency: {most}` or more; to stop the processing, `enabled: false`");
        let at = Path::of("function.reserved_concurrency");
        Breach::error(at, message, hint).involving(Path::of("function.max_concurrency"))
    })
}
