//! What Lambda itself puts into the function's environment: region, keys, and where AWS is.
//!
//! Lambda always gives these as variables, fixed for the environment's life. So the usual chain of credential sources
//! (files, metadata services, single sign-on) would only cost start-up time.

use aws_credential_types::Credentials;
use aws_types::region::Region;

/// Region, credentials and endpoint.
#[derive(Debug, Clone)]
pub struct Environment {
    pub region: Region,
    pub credentials: Credentials,
    /// Another AWS than the real one.
    pub endpoint_url: Option<String>,
}

/// What the Lambda Runtime API's client cannot do without.
const RUNTIME: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
];

impl Environment {
    /// Reads the variables; every missing one is named at once.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<String>> {
        let filled = |name: &str| get(name).filter(|value| !value.is_empty());
        let mut problems = Vec::new();
        let mut required = |name: &str| {
            filled(name).unwrap_or_else(|| {
                problems.push(format!("`{name}` is not set: this program runs inside Lambda"));
                String::new()
            })
        };
        let region = required("AWS_REGION");
        let key = required("AWS_ACCESS_KEY_ID");
        let secret = required("AWS_SECRET_ACCESS_KEY");
        RUNTIME.into_iter().for_each(|name| drop(required(name)));
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            region: Region::new(region),
            credentials: Credentials::new(key, secret, filled("AWS_SESSION_TOKEN"), None, "environment"),
            endpoint_url: filled("AWS_ENDPOINT_URL"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Environment;

    #[test]
    fn every_missing_variable_is_named_at_once() {
        let problems = Environment::read(|_| None).unwrap_err();
        assert_eq!(problems.len(), 7);
        assert!(problems[0].contains("`AWS_REGION`"), "{problems:?}");
    }

    #[test]
    fn an_empty_optional_variable_is_none() {
        let environment =
            Environment::read(|name| Some(if name.ends_with("URL") { "" } else { "value" }.to_owned())).unwrap();
        assert_eq!(environment.endpoint_url, None);
        assert_eq!(environment.credentials.session_token(), Some("value"));
    }
}
