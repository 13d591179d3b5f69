//! Keeps AWS's request rates, so that a large apply is not throttled: below the SDK, where every call passes.
//!
//! The rates are those that AWS documents by operation (aws quotas pages of CloudWatch, SNS and Lambda).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::HttpClient;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use tokio::time::Instant;

/// Requests per second, by operation; `lambda` is the whole control plane of Lambda.
const RATES: &[(&str, f64)] = &[
    ("monitoring.PutMetricAlarm", 3.0),
    ("monitoring.SetAlarmState", 3.0),
    ("monitoring.DescribeAlarms", 9.0),
    ("monitoring.PutDashboard", 10.0),
    ("lambda", 15.0),
    ("sns.Subscribe", 100.0),
    ("sns.Unsubscribe", 100.0),
    ("sns.ListSubscriptionsByTopic", 30.0),
    ("sns.TagResource", 10.0),
];

/// What a request asks for: `<service>.<operation>`, whatever the protocol. The service is the name it is signed for;
/// REST services have no operation in the request: there it is method and path.
pub fn operation(request: &HttpRequest) -> String {
    let service = signed_service(request).unwrap_or("unknown");
    let named = target(request).or_else(|| path_operation(request)).or_else(|| form_action(request));
    match named {
        Some(operation) => format!("{service}.{operation}"),
        None => format!("{service}.{} {}", request.method(), path(request)),
    }
}

/// `Credential=KEY/20260101/eu-west-1/sqs/aws4_request`
fn signed_service(request: &HttpRequest) -> Option<&str> {
    let credential = request.headers().get("authorization")?.split("Credential=").nth(1)?;
    credential.split(',').next()?.split('/').nth(3)
}

/// `X-Amz-Target: AmazonSQS.CreateQueue`
fn target(request: &HttpRequest) -> Option<String> {
    request.headers().get("x-amz-target")?.rsplit('.').next().map(str::to_owned)
}

/// `/service/GraniteServiceVersion20100801/operation/PutMetricAlarm`
fn path_operation(request: &HttpRequest) -> Option<String> {
    path(request).split_once("/operation/").map(|(_, operation)| operation.to_owned())
}

/// `Action=Subscribe&…`
fn form_action(request: &HttpRequest) -> Option<String> {
    let body = std::str::from_utf8(request.body().bytes()?).ok()?;
    body.split('&').find_map(|pair| pair.strip_prefix("Action=")).map(str::to_owned)
}

fn path(request: &HttpRequest) -> &str {
    let uri = request.uri();
    let after_scheme = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let path = after_scheme.find('/').map_or("/", |start| &after_scheme[start..]);
    path.split('?').next().unwrap_or(path)
}

/// An HTTP client that lets no more requests pass than AWS takes.
pub fn limited(inner: SharedHttpClient) -> SharedHttpClient {
    let rates = Arc::new(Rates::default());
    http_client_fn(move |settings, components| {
        let inner = inner.http_connector(settings, components);
        SharedHttpConnector::new(Limited { inner, rates: Arc::clone(&rates) })
    })
}

#[derive(Debug)]
struct Limited {
    inner: SharedHttpConnector,
    rates: Arc<Rates>,
}

impl HttpConnector for Limited {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let wait = self.rates.reserve(&operation(&request), Instant::now());
        let inner = self.inner.clone();
        HttpConnectorFuture::new(async move {
            // Even a sleep of nothing lasts until the timer's next millisecond.
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            inner.call(request).await
        })
    }
}

/// When each limited operation may be called next.
#[derive(Debug, Default)]
struct Rates {
    /// By rate: the moment from which on its allowance is full again.
    full_at: Mutex<BTreeMap<&'static str, Instant>>,
}

impl Rates {
    /// Takes one call out of the operation's allowance of one second's worth; how long that call must wait.
    fn reserve(&self, operation: &str, now: Instant) -> Duration {
        let Some((name, per_second)) = RATES.iter().find(|(name, _)| covers(name, operation)) else {
            return Duration::ZERO;
        };
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = full_at.entry(name).or_insert(now);
        let start = (*entry).max(now);
        *entry = start + Duration::from_secs_f64(1.0 / per_second);
        let wait = (*entry).saturating_duration_since(now).saturating_sub(Duration::from_secs(1));
        // Whole milliseconds: thirds of a second do not add up to one.
        Duration::from_millis(u64::try_from(wait.as_millis()).unwrap_or_default())
    }
}

fn covers(name: &str, operation: &str) -> bool {
    operation.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_s_worth_passes_at_once_and_the_rest_at_the_rate() {
        let rates = Rates::default();
        let now = Instant::now();
        let waits: Vec<_> = (0..6).map(|_| rates.reserve("monitoring.PutMetricAlarm", now).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 333, 666, 999]);
    }

    #[test]
    fn allowance_comes_back_with_time() {
        let rates = Rates::default();
        let now = Instant::now();
        for _ in 0..3 {
            rates.reserve("monitoring.PutMetricAlarm", now);
        }
        assert_eq!(rates.reserve("monitoring.PutMetricAlarm", now + Duration::from_secs(1)), Duration::ZERO);
    }

    #[test]
    fn what_has_no_rate_never_waits_and_lambda_s_operations_share_one() {
        let rates = Rates::default();
        let now = Instant::now();
        assert!((0..100).all(|_| rates.reserve("sqs.CreateQueue", now).is_zero()));
        let waiting = (0..20).filter(|n| !rates.reserve(&format!("lambda.GET /{n}"), now).is_zero()).count();
        assert_eq!(waiting, 5);
    }

    #[test]
    fn the_operation_is_found_in_every_protocol() {
        let request = |uri: &str, headers: &[(&'static str, &'static str)], body: &'static str| {
            let mut request = HttpRequest::new(aws_smithy_types::body::SdkBody::from(body));
            request.set_uri(uri).unwrap();
            request.set_method("POST").unwrap();
            for (name, value) in headers {
                request.headers_mut().insert(*name, *value);
            }
            operation(&request)
        };
        let signed = |service: &'static str| ("authorization", service);
        let sqs = signed("AWS4-HMAC-SHA256 Credential=K/20260101/r/sqs/aws4_request, SignedHeaders=host");
        assert_eq!(request("http://h/", &[sqs, ("x-amz-target", "AmazonSQS.CreateQueue")], ""), "sqs.CreateQueue");
        let sns = signed("AWS4-HMAC-SHA256 Credential=K/20260101/r/sns/aws4_request, SignedHeaders=host");
        assert_eq!(request("http://h/", &[sns], "Action=Subscribe&Version=1"), "sns.Subscribe");
        let cloudwatch = signed("AWS4-HMAC-SHA256 Credential=K/20260101/r/monitoring/aws4_request, X=y");
        let uri = "http://h:1/service/GraniteServiceVersion20100801/operation/PutMetricAlarm";
        assert_eq!(request(uri, &[cloudwatch], ""), "monitoring.PutMetricAlarm");
        let lambda = signed("AWS4-HMAC-SHA256 Credential=K/20260101/r/lambda/aws4_request, X=y");
        assert_eq!(request("http://h/2015-03-31/functions?a=b", &[lambda], ""), "lambda.POST /2015-03-31/functions");
    }
}
