//! The SDK's configuration for real AWS: the user's usual settings, one shared HTTP client, retries with jitter.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;

use super::rates::limited;
use crate::reconcile::{CloudError, ErrorKind};

/// What the command line says about AWS.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub profile: Option<String>,
    pub region: Option<String>,
    pub endpoint_url: Option<String>,
}

/// The SDK's configuration from the user's settings: environment, profile files, SSO, credential processes.
///
/// # Errors
/// No region anywhere; a CA bundle that cannot be read.
pub async fn sdk_config(settings: &Settings) -> Result<SdkConfig, CloudError> {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(limited(https_client()?))
        .retry_config(retries())
        .timeout_config(timeouts());
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &settings.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(endpoint) = &settings.endpoint_url {
        loader = loader.endpoint_url(endpoint);
    }
    let config = loader.load().await;
    if config.region().is_none() {
        return Err(CloudError::new(ErrorKind::Credentials, "no AWS region is set")
            .hint("write `region:` into the pipeline's file, or use `--region`, AWS_REGION or the profile's setting"));
    }
    Ok(config)
}

/// Retries of throttles, timeouts and 5xx, with exponential backoff and jitter.
pub fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(6)
        .with_initial_backoff(Duration::from_millis(300))
        .with_max_backoff(Duration::from_secs(10))
}

/// No call may hang: 5 s to connect, 60 s an attempt (an upload of 50 MB included), 3 minutes with all retries.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_secs(60))
        .operation_timeout(Duration::from_secs(180))
        .build()
}

/// One HTTP client for every service. The system's certificates, and those of `AWS_CA_BUNDLE` where it is set.
fn https_client() -> Result<SharedHttpClient, CloudError> {
    let mut store = TrustStore::default();
    if let Some(path) = std::env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()) {
        let pem = std::fs::read(&path).map_err(|error| {
            CloudError::new(
                ErrorKind::Local,
                format!("AWS_CA_BUNDLE names `{}`, which cannot be read: {error}", path.to_string_lossy()),
            )
            .hint("correct the variable, or unset it")
        })?;
        store = store.with_pem_certificate(pem);
    }
    let tls = TlsContext::builder()
        .with_trust_store(store)
        .build()
        .map_err(|error| CloudError::new(ErrorKind::Local, format!("TLS cannot be set up: {error}")))?;
    Ok(aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(tls)
        .build_https())
}
