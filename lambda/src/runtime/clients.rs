//! The clients: one HTTP client for the three services, timeouts and retries that fit inside the function's timeout.

use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, IdentityCache, SharedHttpClient, StalledStreamProtectionConfig};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_types::SdkConfig;

use super::environment::Environment;
use super::{Aws, Dynamodb, Sns, Sqs};
use crate::budget;
use crate::contract::Settings;

/// The roots that AWS's own endpoints are signed by (Amazon Trust Services). Reading the system's whole store costs tens
/// of milliseconds at every cold start.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// Attempts a call, retries included.
const ATTEMPTS: u32 = 3;

/// The clients cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be set up: {cause}")]
pub struct ClientsError {
    pub cause: String,
}

impl Aws {
    /// AWS as this environment gives it.
    pub fn new(settings: Settings, environment: &Environment) -> Result<Self, ClientsError> {
        let config = sdk_config(&settings, environment)?;
        Ok(Self::with(settings, &config))
    }

    fn with(settings: Settings, config: &SdkConfig) -> Self {
        Self { settings, dynamodb: Dynamodb::new(config), sns: Sns::new(config), sqs: Sqs::new(config) }
    }
}

fn sdk_config(settings: &Settings, environment: &Environment) -> Result<SdkConfig, ClientsError> {
    let mut builder = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(environment.region.clone())
        .credentials_provider(SharedCredentialsProvider::new(environment.credentials.clone()))
        // The keys are here already, and the same for the environment's life.
        .identity_cache(IdentityCache::no_cache())
        .http_client(http_client(environment)?)
        .sleep_impl(TokioSleep::new())
        .retry_config(retries(budget::call_timeout(settings.function_timeout_seconds)))
        .timeout_config(timeouts(budget::call_timeout(settings.function_timeout_seconds)))
        // Bodies are small, and every attempt has a timeout.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    builder.set_endpoint_url(environment.endpoint_url.clone());
    Ok(builder.build())
}

/// Few and soon: what does not work within the call's time is given back to the queue, which has more patience.
fn retries(call: Duration) -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff((call / 20).min(Duration::from_millis(50)))
        .with_max_backoff(call / 5)
}

/// A lost packet costs an attempt, not the call.
fn timeouts(call: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(call / ATTEMPTS)
        .operation_attempt_timeout(call / 2)
        .operation_timeout(call)
        .build()
}

/// Without TLS where AWS is asked without it: no certificates are loaded.
fn http_client(environment: &Environment) -> Result<SharedHttpClient, ClientsError> {
    if environment.endpoint_url.as_ref().is_some_and(|url| url.starts_with("http://")) {
        return Ok(Builder::new().build_http());
    }
    let tls = TlsContext::builder()
        .with_trust_store(trust_store(environment))
        .build()
        .map_err(|error| ClientsError { cause: error.to_string() })?;
    Ok(Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls).build_https())
}

/// Amazon's roots where AWS itself is asked; elsewhere (another endpoint, other partitions) the system's.
fn trust_store(environment: &Environment) -> TrustStore {
    let region = environment.region.as_ref();
    let other_roots = ["cn-", "us-iso", "eu-iso"].iter().any(|partition| region.starts_with(partition));
    if environment.endpoint_url.is_some() || other_roots {
        TrustStore::default()
    } else {
        TrustStore::empty().with_pem_certificate(AMAZON_ROOTS)
    }
}

#[cfg(test)]
mod tests {
    use super::{Aws, Environment, sdk_config};
    use crate::example::settings;
    use crate::ports::{PortErrorKind, Table};
    use crate::row::Row;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let get = |name: &str| {
            let given = variables.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
            given.or((name != "AWS_ENDPOINT_URL").then_some("us-east-1")).map(str::to_owned)
        };
        Environment::read(get).unwrap()
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    /// TLS is set up at the first call only: so make one.
    #[test]
    fn amazons_roots_are_certificates_and_a_dead_endpoint_is_transient() {
        let config = sdk_config(&settings(), &environment(&[])).unwrap();
        let config = config.to_builder().endpoint_url("https://127.0.0.1:1").build();
        let error = run(Aws::with(settings(), &config).put_new(&Row::new())).unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (PortErrorKind::Transient, "NoConnection"));
    }

    #[test]
    fn a_plain_endpoint_is_asked_without_tls() {
        let aws = Aws::new(settings(), &environment(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:1")])).unwrap();
        assert_eq!(run(aws.put_new(&Row::new())).unwrap_err().code, "NoConnection");
    }
}
