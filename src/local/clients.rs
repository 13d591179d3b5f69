//! How clients reach the local AWS: built from nothing.
//!
//! No profile, no environment, no credential of the user is read, so no setting of theirs (an endpoint, FIPS, a proxy)
//! can lead a call anywhere but to the local AWS. The client has no TLS, so it could not even talk to the real one.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::Builder;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;

/// The account where nobody pins one.
pub const ACCOUNT: &str = "000000000000";

/// Settings for any service's client. The local AWS takes a 12-digit access key for an account of its own.
pub fn sdk_config(endpoint: &str, account: Option<&str>, region: &str) -> SdkConfig {
    let account = account.unwrap_or(ACCOUNT);
    let credentials = Credentials::new(account, "local", None, None, "pipewright local");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(Builder::new().build_http())
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .retry_config(RetryConfig::standard())
        .timeout_config(timeouts())
        .build()
}

/// Generous: a first call imports a whole service on the other side.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_secs(60))
        .build()
}
