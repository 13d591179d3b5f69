//! Whose credentials these are, and whether the file's pins allow that account.

use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;
use aws_types::SdkConfig;

use super::error::Called;
use crate::reconcile::{CloudError, ErrorKind, Scope};

/// Asks AWS who we are: the scope that every ARN is computed from.
///
/// # Errors
/// No credentials, expired ones, no network.
pub async fn scope(config: &SdkConfig) -> Result<Scope, CloudError> {
    let region = config.region().map(ToString::to_string).unwrap_or_default();
    let caller = caller_identity(config).await?;
    let account = caller.account().unwrap_or_default().to_owned();
    let partition = caller.arn().and_then(|arn| arn.split(':').nth(1)).unwrap_or("aws").to_owned();
    Ok(Scope { partition, account, region })
}

/// The ARN of who we are.
///
/// # Errors
/// As for [`scope`].
pub async fn caller(config: &SdkConfig) -> Result<String, CloudError> {
    Ok(caller_identity(config).await?.arn().unwrap_or("(unknown)").to_owned())
}

async fn caller_identity(config: &SdkConfig) -> Result<GetCallerIdentityOutput, CloudError> {
    let call = aws_sdk_sts::Client::new(config).get_caller_identity().send().await;
    call.called("sts:GetCallerIdentity", "the caller")
}

/// The scope that the file's pins say, so that reading need not wait for the answer to "who are we".
pub fn pinned(account: &str, region: &str) -> Scope {
    Scope { partition: partition_of(region).into(), account: account.into(), region: region.into() }
}

/// The partition that a region lies in, by its prefix (`botocore/data/partitions.json`).
fn partition_of(region: &str) -> &'static str {
    match region.split('-').next().unwrap_or_default() {
        "cn" => "aws-cn",
        "us" if region.starts_with("us-gov-") => "aws-us-gov",
        "us" if region.starts_with("us-iso-") => "aws-iso",
        "us" if region.starts_with("us-isob-") => "aws-iso-b",
        "eusc" => "aws-eusc",
        _ => "aws",
    }
}

/// # Errors
/// The credentials belong to another account than the pinned one.
pub fn check_account(pinned: &str, actual: &Scope) -> Result<(), CloudError> {
    if pinned == actual.account {
        return Ok(());
    }
    let message = format!("the file pins account `{pinned}`, but the credentials are of account `{}`", actual.account);
    Err(CloudError::new(ErrorKind::Refused, message)
        .hint("choose the right `--profile`; change `account:` only if the pipeline really moves"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_s_partition_follows_from_its_prefix() {
        for (region, partition) in
            [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("us-east-1", "aws")]
        {
            assert_eq!(pinned("123456789012", region).partition, partition);
        }
    }

    #[test]
    fn another_account_than_the_pinned_one_is_refused_with_both_named() {
        let error = check_account("111111111111", &pinned("222222222222", "eu-west-1")).unwrap_err().to_string();
        assert!(error.contains("111111111111") && error.contains("222222222222") && error.contains("hint:"));
    }
}
