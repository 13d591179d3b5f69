//! What AWS says when it refuses, in words that name the operation, the resource and the way out.

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::reconcile::{CloudError, ErrorKind};

/// Turns the SDK's result of one call into ours.
pub trait Called<T> {
    /// `action` is IAM's name of the operation (`sqs:CreateQueue`), `resource` what it was about.
    ///
    /// # Errors
    /// The failure, classified and in words.
    fn called(self, action: &str, resource: &str) -> Result<T, CloudError>;

    /// The same, where "there is no such thing" is an answer.
    ///
    /// # Errors
    /// Any failure but `NotFound`.
    fn called_or_absent(self, action: &str, resource: &str) -> Result<Option<T>, CloudError>;
}

impl<T, E> Called<T> for Result<T, SdkError<E, Response>>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    fn called(self, action: &str, resource: &str) -> Result<T, CloudError> {
        self.map_err(|error| translate(&error, action, resource))
    }

    fn called_or_absent(self, action: &str, resource: &str) -> Result<Option<T>, CloudError> {
        match self.called(action, resource) {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A request that could not even be made from our own values: a mistake in the program, said plainly.
pub fn malformed(what: &str, error: impl std::fmt::Display) -> CloudError {
    CloudError::new(ErrorKind::Refused, format!("{what}: {error}"))
}

fn translate<E>(error: &SdkError<E, Response>, action: &str, resource: &str) -> CloudError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let metadata = answer.err().meta();
            match metadata.code() {
                Some(code) => said_no(action, resource, status, code, metadata.message().unwrap_or_default()),
                None if status >= 400 => said_no(action, resource, status, "no code", &chain(error)),
                None => unreadable(action, resource, &chain(error)),
            }
        }
        SdkError::ResponseError(_) => unreadable(action, resource, &chain(error)),
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) | _ => {
            no_answer(action, resource, &chain(error))
        }
    }
}

/// The causes of an error, each once, outermost first.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        next = cause.source();
    }
    parts.join(": ")
}

fn no_answer(action: &str, resource: &str, cause: &str) -> CloudError {
    let lower = cause.to_lowercase();
    if lower.contains("credential") || lower.contains("token has expired") || lower.contains("sso") {
        return CloudError::new(ErrorKind::Credentials, format!("no usable AWS credentials: {cause}"))
            .hint("set AWS_PROFILE or `--profile`, sign in with `aws sso login`, or try without AWS: `--local`");
    }
    CloudError::new(ErrorKind::Unreachable, format!("no answer to {action} for `{resource}`: {cause}"))
        .hint("check the network, the region and `--endpoint-url`; with `--local`, see `pipewright local status`")
}

fn unreadable(action: &str, resource: &str, cause: &str) -> CloudError {
    let message = format!("the answer to {action} on `{resource}` cannot be read: {cause}");
    CloudError::new(ErrorKind::Unreadable, message)
        .hint("is `--endpoint-url` really AWS, or a faithful stand-in? A proxy may answer in its place")
}

fn said_no(action: &str, resource: &str, status: u16, code: &str, message: &str) -> CloudError {
    let kind = classify(status, code, message);
    let words = match kind {
        ErrorKind::Denied => format!("not allowed: {action} on `{resource}`: {message} ({code})"),
        ErrorKind::Credentials => format!("AWS does not accept the credentials: {message} ({code})"),
        ErrorKind::Throttled => format!("throttled, after all retries: {action} on `{resource}`: {message} ({code})"),
        ErrorKind::Server => format!("AWS failed at {action} on `{resource}`: {message} ({code}, HTTP {status})"),
        ErrorKind::NotFound
        | ErrorKind::Busy
        | ErrorKind::Unreachable
        | ErrorKind::Refused
        | ErrorKind::Unreadable
        | ErrorKind::ChangedSincePlan
        | ErrorKind::TimedOut
        | ErrorKind::Local => format!("{action} on `{resource}`: {message} ({code})"),
    };
    let error = CloudError { code: Some(code.to_owned()), ..CloudError::new(kind, words) };
    match hint(kind, action) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn hint(kind: ErrorKind, action: &str) -> Option<String> {
    match kind {
        ErrorKind::Denied => Some(format!("the identity that runs pipewright needs `{action}`")),
        ErrorKind::Credentials => Some("sign in again (`aws sso login`), or choose another `--profile`".into()),
        ErrorKind::Throttled => Some("others use the account's request rate too; try again in a minute".into()),
        ErrorKind::Server => Some("this is AWS's own failure; try again, and see the AWS Health Dashboard".into()),
        ErrorKind::NotFound => Some("`pipewright plan` shows what is missing, `pipewright apply` makes it".into()),
        ErrorKind::Busy
        | ErrorKind::Unreachable
        | ErrorKind::Refused
        | ErrorKind::Unreadable
        | ErrorKind::ChangedSincePlan
        | ErrorKind::TimedOut
        | ErrorKind::Local => None,
    }
}

/// Codes as the service models name them; `botocore/data/*/service-2.json` lists them all.
fn classify(status: u16, code: &str, message: &str) -> ErrorKind {
    // Query protocols prefix the fault's service: `AWS.SimpleQueueService.NonExistentQueue`.
    let short = code.rsplit(['.', '#']).next().unwrap_or(code);
    match short {
        "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "AuthFailure" => ErrorKind::Credentials,
        "AccessDenied"
        | "AccessDeniedException"
        | "AuthorizationError"
        | "AuthorizationErrorException"
        | "UnauthorizedOperation"
        | "NotAuthorized"
        | "OptInRequired" => ErrorKind::Denied,
        "Throttling"
        | "ThrottlingException"
        | "ProvisionedThroughputExceededException"
        | "ThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "Throttled" => ErrorKind::Throttled,
        "NotFound"
        | "NotFoundException"
        | "NoSuchEntity"
        | "NoSuchEntityException"
        | "NonExistentQueue"
        | "QueueDoesNotExist"
        | "ResourceNotFound"
        | "ResourceNotFoundException"
        | "TableNotFoundException"
        | "DashboardNotFoundError" => ErrorKind::NotFound,
        "ResourceConflictException"
        | "ResourceInUseException"
        | "ResourceInUse"
        | "QueueDeletedRecently"
        | "OperationAbortedException"
        | "ConcurrentAccess"
        | "ConcurrentAccessException"
        | "ConcurrentModification"
        | "ConcurrentModificationException"
        | "LimitExceededException"
            if is_passing(short, message) =>
        {
            ErrorKind::Busy
        }
        _ if status >= 500 => ErrorKind::Server,
        _ => ErrorKind::Refused,
    }
}

/// Whether a conflict is one that time solves. `ResourceInUse` and `ResourceConflict` also mean "it already exists",
/// `LimitExceeded` also means a quota.
fn is_passing(code: &str, message: &str) -> bool {
    let lower = message.to_lowercase();
    match code {
        "LimitExceededException" => lower.contains("simultaneous") || lower.contains("concurrent"),
        "ResourceConflictException" | "ResourceInUseException" => {
            !lower.contains("already exist") && !lower.contains("preexisting")
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_all_protocols_find_their_kind() {
        let cases = [
            (400, "AWS.SimpleQueueService.NonExistentQueue", "", ErrorKind::NotFound),
            (400, "com.amazonaws.sqs#QueueDoesNotExist", "", ErrorKind::NotFound),
            (404, "NotFound", "", ErrorKind::NotFound),
            (400, "AWS.SimpleQueueService.QueueDeletedRecently", "", ErrorKind::Busy),
            (403, "AccessDenied", "", ErrorKind::Denied),
            (403, "ExpiredToken", "", ErrorKind::Credentials),
            (400, "Throttling", "", ErrorKind::Throttled),
            (500, "InternalFailure", "", ErrorKind::Server),
            (400, "ValidationException", "", ErrorKind::Refused),
            (409, "ResourceConflictException", "The operation cannot be performed at this time.", ErrorKind::Busy),
            (409, "ResourceConflictException", "Function already exist: x", ErrorKind::Refused),
            (400, "ResourceInUseException", "Table already exists: x", ErrorKind::Refused),
            (400, "LimitExceededException", "Too many simultaneous operations", ErrorKind::Busy),
            (400, "ConcurrentAccess", "Can't perform multiple operations on a tag simultaneously.", ErrorKind::Busy),
            (400, "LimitExceededException", "Quota reached", ErrorKind::Refused),
        ];
        for (status, code, message, kind) in cases {
            assert_eq!(classify(status, code, message), kind, "{code} {message}");
        }
    }

    #[test]
    fn a_denial_names_operation_resource_and_the_missing_action() {
        let error = said_no("sqs:CreateQueue", "orders", 403, "AccessDenied", "no identity-based policy allows it");
        assert_eq!(error.kind, ErrorKind::Denied);
        let text = error.to_string();
        assert!(text.contains("sqs:CreateQueue on `orders`"), "{text}");
        assert!(text.contains("hint: the identity that runs pipewright needs `sqs:CreateQueue`"), "{text}");
    }

    #[test]
    fn missing_credentials_are_told_from_a_missing_network() {
        let credentials = no_answer("sts:GetCallerIdentity", "account", "failed to load credentials: none found");
        assert_eq!(credentials.kind, ErrorKind::Credentials);
        let network = no_answer("sts:GetCallerIdentity", "account", "dns error");
        assert_eq!(network.kind, ErrorKind::Unreachable);
    }
}
