//! From the SDK's errors to what they mean for a message.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::ports::{PortError, PortErrorKind};

/// This content is refused, now and always.
const REFUSED: [&str; 9] = [
    "ValidationException",
    "InvalidParameter",
    "InvalidParameterException",
    "InvalidParameterValue",
    "ParameterValueInvalid",
    "InvalidMessageContents",
    "BatchRequestTooLong",
    "AWS.SimpleQueueService.BatchRequestTooLong",
    "MessageTooLong",
];

/// Permissions, keys or resources are not what they must be: no message will fare better.
const DENIED: [&str; 24] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidSecurity",
    "InvalidSignatureException",
    "IncompleteSignature",
    "KMSAccessDenied",
    "KMSDisabled",
    "KMSInvalidState",
    "KMSNotFound",
    "KmsAccessDenied",
    "KmsDisabled",
    "KmsInvalidState",
    "KmsNotFound",
    "MissingAuthenticationToken",
    "NotFound",
    "NotFoundException",
    "QueueDoesNotExist",
    "ResourceNotFoundException",
    "UnrecognizedClientException",
];

/// What an error code means.
pub(super) fn kind(code: &str) -> PortErrorKind {
    // SQS names some of its errors in full: `AWS.SimpleQueueService.NonExistentQueue`.
    let missing_queue = code.ends_with("NonExistentQueue");
    if DENIED.contains(&code) || missing_queue {
        PortErrorKind::Denied
    } else if REFUSED.contains(&code) {
        PortErrorKind::Refused
    } else {
        PortErrorKind::Transient
    }
}

/// The port's error for a failed call. Timeouts, broken connections and unreadable answers may go better next time.
pub(super) fn port_error<E, R>(operation: &'static str, error: &SdkError<E, R>) -> PortError
where
    E: ProvideErrorMetadata,
{
    let plain = |kind, code: &str| PortError { kind, operation, code: code.to_owned(), message: String::new() };
    match error {
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or("UnknownError");
            let message = service.err().message().unwrap_or_default().to_owned();
            PortError { message, ..plain(kind(code), code) }
        }
        SdkError::TimeoutError(_) => plain(PortErrorKind::Transient, "Timeout"),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => plain(PortErrorKind::Transient, "Timeout"),
        SdkError::DispatchFailure(_) => plain(PortErrorKind::Transient, "NoConnection"),
        SdkError::ResponseError(_) => plain(PortErrorKind::Transient, "UnreadableAnswer"),
        // The request cannot even be made (no endpoint for the region, say): the same for every message.
        SdkError::ConstructionFailure(_) => plain(PortErrorKind::Denied, "RequestNotMade"),
        other => plain(PortErrorKind::Transient, &other.to_string()),
    }
}

/// The port's error for an entry of a batch that failed by itself.
pub(super) fn entry_error(operation: &'static str, code: &str, message: Option<&str>) -> PortError {
    PortError { kind: kind(code), operation, code: code.to_owned(), message: message.unwrap_or_default().to_owned() }
}

/// The port's error for an entry that the answer does not mention.
pub(super) fn missing(operation: &'static str) -> PortError {
    entry_error(operation, "NoAnswerForEntry", None)
}

#[cfg(test)]
mod tests {
    use super::kind;
    use crate::ports::PortErrorKind;

    #[test]
    fn codes_mean_what_aws_means_by_them() {
        let transient = [
            "ProvisionedThroughputExceededException",
            "ThrottlingException",
            "RequestLimitExceeded",
            "InternalServerError",
            "ServiceUnavailable",
            "TransactionConflictException",
            "KMSThrottling",
            "NeverHeardOf",
        ];
        assert!(transient.iter().all(|code| kind(code) == PortErrorKind::Transient));
        assert_eq!(kind("ValidationException"), PortErrorKind::Refused);
        let denied = ["AccessDeniedException", "ResourceNotFoundException", "AWS.SimpleQueueService.NonExistentQueue"];
        assert!(denied.iter().all(|code| kind(code) == PortErrorKind::Denied));
    }
}
