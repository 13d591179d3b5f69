//! The local AWS, of two makes, that end-to-end tests share, and what can be put between it and us: faults, and a count
//! of calls.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use pipewright::aws::rates::operation;
use pipewright::aws::{Aws, Pace, identity};
use pipewright::commands::interrupt::is_ignored;
use pipewright::config::Pipeline;
use pipewright::local::sdk_config;
use pipewright::package::{Artifact, Source, Target};
use pipewright::reconcile::plan::DataLoss;
use pipewright::reconcile::{Cloud, Event, Graph, Options, Plan, Report, Scope, Snapshot, apply, settle};
use pipewright::resources::gaps::{self, Backend};
use pipewright::resources::{Blueprint, desired};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use crate::golden::root;
use crate::local::Project;
use crate::moto::Moto;

pub const REGION: &str = "us-east-1";

/// A running local AWS, shared by all tests that run now; it ends with the last of them.
pub enum Server {
    MiniStack { endpoint: String, _project: Project },
    Moto(Moto),
}

/// The server of one make that runs, if one does.
type Running = tokio::sync::Mutex<Weak<Server>>;

impl Server {
    /// The one that `--local` runs.
    pub async fn shared() -> Arc<Self> {
        Self::of(Backend::MiniStack).await
    }

    pub async fn of(backend: Backend) -> Arc<Self> {
        static MINISTACK: Running = Running::const_new(Weak::new());
        static MOTO: Running = Running::const_new(Weak::new());
        let running = match backend {
            Backend::MiniStack => &MINISTACK,
            Backend::Moto => &MOTO,
        };
        let mut running = running.lock().await;
        if let Some(server) = running.upgrade() {
            return server;
        }
        let server = Arc::new(match backend {
            Backend::MiniStack => {
                let project = Project::new();
                Self::MiniStack { endpoint: project.start().await.unwrap().endpoint().to_owned(), _project: project }
            }
            Backend::Moto => Self::Moto(Moto::start().await),
        });
        *running = Arc::downgrade(&server);
        server
    }

    /// One of its own, that enforces permissions.
    pub async fn strict() -> Arc<Self> {
        let project = Project::new();
        let endpoint = project.start_strict().await.unwrap().endpoint().to_owned();
        Arc::new(Self::MiniStack { endpoint, _project: project })
    }

    pub fn endpoint(&self) -> &str {
        match self {
            Self::MiniStack { endpoint, .. } => endpoint,
            Self::Moto(moto) => moto.endpoint(),
        }
    }
}

/// An account of its own for every test: tests do not see each other.
pub fn account() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64 % 100_000_000_000;
    format!("{:012}", 100_000_000_000 + (seed + NEXT.fetch_add(1, Ordering::Relaxed) * 7_919) % 899_999_999_999)
}

/// What is answered instead of passing a call on.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Answer {
    /// An error of the JSON protocols (SQS, DynamoDB, Logs, tagging, Lambda).
    pub fn json(status: u16, code: &str, message: &str) -> Self {
        let body = serde_json::json!({ "__type": code, "message": message, "Message": message });
        let headers = vec![("x-amzn-errortype", code.to_owned()), ("content-type", "application/json".to_owned())];
        Self { status, headers, body: body.to_string().into_bytes() }
    }

    /// An error of the query protocol (SNS, IAM, STS).
    pub fn xml(status: u16, code: &str, message: &str) -> Self {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        );
        Self { status, headers: vec![("content-type", "text/xml".to_owned())], body: body.into_bytes() }
    }

    /// An error of rpc-v2-cbor (CloudWatch): a map of two texts, each shorter than 256 bytes.
    pub fn cbor(status: u16, code: &str, message: &str) -> Self {
        let mut body = vec![0xA2];
        for text in ["__type", code, "message", message] {
            body.extend([0x78, u8::try_from(text.len()).unwrap()]);
            body.extend(text.bytes());
        }
        let headers =
            vec![("content-type", "application/cbor".to_owned()), ("smithy-protocol", "rpc-v2-cbor".to_owned())];
        Self { status, headers, body }
    }

    /// A success of the query protocol.
    pub fn page(xml: &str) -> Self {
        Self { status: 200, headers: vec![("content-type", "text/xml".to_owned())], body: xml.as_bytes().to_vec() }
    }

    /// A success with this JSON.
    pub fn ok(body: &serde_json::Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { status: 200, headers, body: body.to_string().into_bytes() }
    }
}

/// How a connection ends, or the process behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Killed before the call was sent.
    KilledBefore,
    /// Killed after the call took effect and before its answer came.
    KilledAfter,
    /// No network any more.
    Lost,
}

/// Between us and the backend: counts every call, answers some itself, and ends.
#[derive(Debug, Default)]
pub struct Wire {
    calls: Mutex<Vec<String>>,
    faults: Mutex<BTreeMap<String, Vec<Answer>>>,
    /// How it ends, after so many more writes.
    end: Mutex<Option<(usize, End)>>,
    killed: Notify,
}

impl Wire {
    /// The next calls whose operation begins so are answered so, one after the other.
    pub fn fault(&self, operation: &str, answers: impl IntoIterator<Item = Answer>) {
        let mut answers: Vec<_> = answers.into_iter().collect();
        answers.reverse();
        self.faults.lock().unwrap().insert(operation.to_owned(), answers);
    }

    /// Every call since the last `clear`, in order.
    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Those that write.
    pub fn writes(&self) -> Vec<String> {
        self.calls().into_iter().filter(|call| is_write(call)).collect()
    }

    /// Ends with the write after `writes` more. What is killed stays killed, what is lost stays lost, until `mend`.
    pub fn end_after(&self, writes: usize, end: End) {
        *self.end.lock().unwrap() = Some((writes, end));
    }

    pub fn mend(&self) {
        *self.end.lock().unwrap() = None;
    }

    /// Resolves when it was killed.
    pub async fn killed(&self) {
        self.killed.notified().await;
    }

    /// How it ends with this call, and whether it has ended before.
    fn ends(&self, operation: &str) -> Option<(End, bool)> {
        let mut end = self.end.lock().unwrap();
        let (left, how) = end.as_mut()?;
        match (*left, is_write(operation)) {
            (usize::MAX, _) => Some((*how, true)),
            (0, true) => {
                *left = usize::MAX;
                Some((*how, false))
            }
            (_, true) => {
                *left -= 1;
                None
            }
            (_, false) => None,
        }
    }

    pub fn clear(&self) {
        self.calls.lock().unwrap().clear();
    }

    fn take(&self, operation: &str) -> Option<Answer> {
        let mut faults = self.faults.lock().unwrap();
        let (_, answers) = faults.iter_mut().find(|(start, left)| operation.starts_with(*start) && !left.is_empty())?;
        answers.pop()
    }
}

fn is_write(call: &str) -> bool {
    let operation = call.split_once('.').map_or("", |(_, operation)| operation);
    let reads = ["GET ", "Get", "List", "Describe"];
    !reads.iter().any(|verb| operation.starts_with(verb))
}

#[derive(Debug)]
struct Tapped {
    inner: SharedHttpConnector,
    wire: Arc<Wire>,
}

impl HttpConnector for Tapped {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = operation(&request);
        self.wire.calls.lock().unwrap().push(operation.clone());
        match self.wire.ends(&operation) {
            None => {}
            Some((End::Lost, _)) => {
                let error = std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "no network");
                return HttpConnectorFuture::ready(Err(ConnectorError::io(error.into())));
            }
            Some((End::KilledBefore, _) | (End::KilledAfter, true)) => {
                self.wire.killed.notify_one();
                return HttpConnectorFuture::new(std::future::pending());
            }
            Some((End::KilledAfter, false)) => {
                let (sent, wire) = (self.inner.call(request), Arc::clone(&self.wire));
                return HttpConnectorFuture::new(async move {
                    drop(sent.await);
                    wire.killed.notify_one();
                    std::future::pending().await
                });
            }
        }
        match self.wire.take(&operation) {
            None => self.inner.call(request),
            Some(answer) => {
                let mut response = HttpResponse::new(answer.status.try_into().unwrap(), SdkBody::from(answer.body));
                for (name, value) in answer.headers {
                    response.headers_mut().insert(name, value);
                }
                HttpConnectorFuture::ready(Ok(response))
            }
        }
    }
}

fn tapped(config: &SdkConfig, wire: &Arc<Wire>) -> SharedHttpClient {
    let (inner, wire) = (config.http_client().unwrap(), Arc::clone(wire));
    http_client_fn(move |settings, components| {
        let inner = inner.http_connector(settings, components);
        SharedHttpConnector::new(Tapped { inner, wire: Arc::clone(&wire) })
    })
}

/// One pipeline's world on a shared server: an account of its own, every call seen.
pub struct World {
    pub server: Arc<Server>,
    pub backend: Backend,
    pub wire: Arc<Wire>,
    pub config: SdkConfig,
    pub scope: Scope,
}

impl World {
    pub async fn new() -> Self {
        Self::on(Backend::MiniStack).await
    }

    pub async fn on(backend: Backend) -> Self {
        Self::of(backend, account()).await
    }

    /// In this account, which no other test on this backend has.
    pub async fn of(backend: Backend, account: String) -> Self {
        Self::at(Server::of(backend).await, backend, account)
    }

    /// On this server.
    pub fn at(server: Arc<Server>, backend: Backend, account: String) -> Self {
        let wire = Arc::new(Wire::default());
        let config = sdk_config(server.endpoint(), Some(&account), REGION);
        let http_client = tapped(&config, &wire);
        let config = config.into_builder().http_client(http_client).build();
        Self { server, backend, wire, config, scope: identity::pinned(&account, REGION) }
    }

    /// AWS as this pipeline sees it; the real processor is its code.
    pub fn aws(&self, pipeline: &Pipeline) -> Aws {
        let folder = root().join(pipeline.function.source.as_deref().unwrap_or("lambda"));
        let artifact = Artifact::new(Source::Package { folder, target: Target::Host });
        let function_log_group = Some(format!("/aws/lambda/{}", pipeline.function_name()));
        Aws {
            artifact: Some(artifact),
            function_log_group,
            ..Aws::new(&self.config, self.scope.clone(), pipeline.id())
        }
    }

    /// The same, with short waits: for scripted answers.
    pub fn hasty(&self, pipeline: &Pipeline) -> Aws {
        Aws { pace: Pace::Quick, ..self.aws(pipeline) }
    }

    pub fn graph(&self, pipeline: &Pipeline) -> Graph {
        desired(&Blueprint { pipeline, scope: &self.scope, code: "sources:test" }).unwrap()
    }

    pub async fn plan(&self, aws: &Aws, graph: &Graph, options: &Options) -> (Plan, Snapshot) {
        let snapshot = aws.snapshot(&graph.addresses()).await.unwrap();
        (Plan::new(&aws.pipeline, &self.scope, graph, &snapshot, options), snapshot)
    }

    /// All that may be lost is allowed; what the backend does not keep is no step.
    pub fn everything(&self) -> Options {
        let gap = match self.backend {
            Backend::MiniStack => gaps::local,
            Backend::Moto => gaps::moto,
        };
        Options { gap: Some(gap), ..everything() }
    }

    pub async fn apply(&self, aws: &Aws, graph: &Graph, on: &dyn Fn(Event)) -> Report {
        self.apply_with(aws, graph, &self.everything(), on).await
    }

    pub async fn apply_with(&self, aws: &Aws, graph: &Graph, options: &Options, on: &dyn Fn(Event)) -> Report {
        let (plan, snapshot) = self.plan(aws, graph, options).await;
        assert_eq!(plan.refusals(), []);
        apply(aws, &plan, graph, &snapshot, std::future::pending(), on).await
    }

    /// Applies, and proves that nothing is left to do.
    pub async fn converge(&self, aws: &Aws, graph: &Graph) {
        let (plan, _) = self.plan(aws, graph, &self.everything()).await;
        let report = self.apply(aws, graph, &|_| ()).await;
        assert!(report.succeeded(), "{:#?}", report.failed);
        let left = settle(aws, &plan, graph, &self.everything(), &|_| ()).await.unwrap();
        assert!(left.is_empty(), "{left:#?}");
    }
}

pub fn everything() -> Options {
    Options { allow_data_loss: DataLoss::All, gap: Some(gaps::local), ..Options::default() }
}

/// Runs a test on one task, as the program runs.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let_children_hear();
        future.await
    })
}

/// Tests that run in the background or under `nohup` ignore SIGINT or SIGHUP, and so would the programs that they start.
/// Being ignored is inherited, a handler is not; to this process either does nothing.
fn let_children_hear() {
    for kind in [SignalKind::hangup(), SignalKind::interrupt()] {
        if is_ignored(kind) {
            drop(signal(kind).unwrap());
        }
    }
}
