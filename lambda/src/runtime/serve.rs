//! Serving Lambda: batch after batch, until the environment ends.

use std::future::Future;
use std::io::Write;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use jiff::Timestamp;
use lambda_runtime::tower::Layer;
use lambda_runtime::{Error, LambdaEvent, LambdaInvocation, Runtime, Service, service_fn};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Mutex;

use super::Aws;
use crate::contract::Settings;
use crate::event::{BatchResponse, SqsEvent};
use crate::process::{Invocation, Processor};

/// Serves until Lambda ends the environment: then the batch at hand is finished and answered first.
///
/// Lambda says so (SIGTERM) only where an extension is registered, and kills idle environments without a word elsewhere.
/// Either is safe: nothing is kept from one batch to the next.
pub async fn serve(settings: Settings, aws: Aws) -> Result<(), Error> {
    let busy = Arc::new(Mutex::new(()));
    let mut terminate = signal(SignalKind::terminate())?;
    let processor = Rc::new(Processor::new(settings, aws));
    let handler = service_fn(move |event: LambdaEvent<SqsEvent>| answer(processor.clone(), event));
    let runtime = Runtime::new(handler).layer(Busy(busy.clone()));
    let terminated = async {
        terminate.recv().await;
        let _ = busy.lock().await;
    };
    tokio::select! {
        ended = runtime.run() => ended,
        () = terminated => Ok(()),
    }
}

async fn answer(processor: Rc<Processor<Aws>>, event: LambdaEvent<SqsEvent>) -> Result<BatchResponse, Error> {
    let context = &event.context;
    let invocation = Invocation {
        request_id: &context.request_id,
        trace_id: context.xray_trace_id.as_deref(),
        deadline: Timestamp::from_millisecond(i64::try_from(context.deadline)?)?,
    };
    let time_is_up = tokio::time::sleep(processor.time_left(&invocation));
    let processed = processor.process(&event.payload, &invocation, time_is_up).await;
    std::io::stdout().lock().write_all(processed.output.as_bytes())?;
    Ok(processed.response)
}

/// Holds a lock from the moment a batch is there until its answer is out.
struct Busy(Arc<Mutex<()>>);

impl<S> Layer<S> for Busy {
    type Service = WhileBusy<S>;

    fn layer(&self, inner: S) -> Self::Service {
        WhileBusy { busy: self.0.clone(), inner }
    }
}

struct WhileBusy<S> {
    busy: Arc<Mutex<()>>,
    inner: S,
}

impl<S> Service<LambdaInvocation> for WhileBusy<S>
where
    S: Service<LambdaInvocation, Response = (), Error = Error>,
    S::Future: 'static,
{
    type Response = ();
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let answered = self.inner.call(invocation);
        // Nobody else holds the lock yet: it is taken at once.
        let busy = self.busy.clone().try_lock_owned();
        Box::pin(async move {
            let result = answered.await;
            drop(busy);
            result
        })
    }
}
