//! The signatures of the two large clouds, so that their contact centres and speech services are configuration.

use jiff::Timestamp;
use reqwest::Url;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Problems, Secret, aliyun};

use super::ask::Ask;
use super::config::MethodChoice;
use super::template::{Place, fill};
use crate::pull::{Request, Trouble};
use crate::tc3::{Asked, Signer};

/// Who asks Tencent Cloud, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tc3Config {
    /// The SecretId of the key.
    pub secret_id: String,
    /// The SecretKey of the key.
    pub secret: Secret,
    /// The service, as the first part of its host: `asr`, `ccc`.
    pub service: String,
    /// The action, such as `DescribeTaskStatus`.
    pub action: String,
    /// The version of the API, such as `2019-06-14`.
    pub version: String,
    /// The region, such as `ap-guangzhou`. Default: none, for services that have none.
    #[serde(default)]
    pub region: String,
}

/// Who asks Alibaba Cloud, and for what. The parameters of the action are those of the address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AliyunRpcConfig {
    /// The AccessKeyId of the key.
    pub access_key_id: String,
    /// The AccessKeySecret of the key.
    pub secret: Secret,
    /// The action, such as `GetResult`.
    pub action: String,
    /// The version of the API, such as `2019-01-15`.
    pub version: String,
    /// The region, such as `cn-hangzhou`. Default: none.
    #[serde(default)]
    pub region: String,
    /// The token of a temporary key (STS). Default: none.
    #[serde(default)]
    pub security_token: Secret,
}

fn given(fields: &[(&str, &str)], problems: &mut Problems) {
    for (name, value) in fields {
        if value.trim().is_empty() {
            problems.add(&format!("auth.{name}"), "must be given");
        }
    }
}

/// The address as it would be asked; whether it is one is checked elsewhere.
fn address(ask: &Ask<'_>) -> Option<Url> {
    Url::parse(&fill(ask.url, Place::Url, |_| "1".to_owned())).ok()
}

impl Tc3Config {
    pub(super) fn check(&self, ask: &Ask<'_>, problems: &mut Problems) {
        let fields = [
            ("secret_id", self.secret_id.as_str()),
            ("service", &self.service),
            ("action", &self.action),
            ("version", &self.version),
        ];
        given(&fields, problems);
        if ask.method != MethodChoice::Post {
            problems.add("method", "must be `post` with `auth.kind: tc3`");
        }
        if address(ask).is_some_and(|url| url.path() != "/" || url.query().is_some()) {
            problems.add(
                "url",
                "must be the service's host alone with `auth.kind: tc3`; parameters go into `body`",
            );
        }
    }

    pub(super) fn sign(&self, request: Request, now: Timestamp) -> Result<Request, Trouble> {
        let signer = Signer {
            secret_id: &self.secret_id,
            secret_key: self.secret.expose(),
            service: &self.service,
        };
        let asked = Asked {
            action: &self.action,
            version: &self.version,
            region: &self.region,
        };
        signer.signed(asked, request, now)
    }
}

impl AliyunRpcConfig {
    pub(super) fn check(&self, ask: &Ask<'_>, problems: &mut Problems) {
        let fields = [
            ("access_key_id", self.access_key_id.as_str()),
            ("action", &self.action),
            ("version", &self.version),
        ];
        given(&fields, problems);
        if !ask.body.is_empty() {
            problems.add(
                "body",
                "must be empty with `auth.kind: aliyun-rpc`: the parameters of `url` are what is signed",
            );
        }
        if address(ask).is_some_and(|url| url.path() != "/") {
            problems.add(
                "url",
                "must have no path with `auth.kind: aliyun-rpc`, parameters alone",
            );
        }
    }

    /// The request with the common parameters and the signature among its own. `nonce` must not come twice.
    pub(super) fn sign(&self, mut request: Request, now: Timestamp, nonce: String) -> Request {
        let own: Vec<(String, String)> = request.url.query_pairs().into_owned().collect();
        let mut parameters: Vec<(&str, String)> = own
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        parameters.extend([
            ("AccessKeyId", self.access_key_id.clone()),
            ("Action", self.action.clone()),
            ("Format", "JSON".to_owned()),
            ("SignatureMethod", "HMAC-SHA1".to_owned()),
            ("SignatureNonce", nonce),
            ("SignatureVersion", "1.0".to_owned()),
            ("Timestamp", now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            ("Version", self.version.clone()),
        ]);
        if !self.region.is_empty() {
            parameters.push(("RegionId", self.region.clone()));
        }
        if !self.security_token.is_empty() {
            parameters.push(("SecurityToken", self.security_token.expose().to_owned()));
        }
        let method = request.method.as_str();
        let signature = aliyun::signature(self.secret.expose(), method, &parameters);
        parameters.push(("Signature", signature));
        request.url.set_query(Some(&aliyun::query(&parameters)));
        request
    }
}

#[cfg(test)]
mod tests {
    use reqwest::Method;

    use super::*;

    /// The whole request of the vector `aliyun.rpc.sms`: what is signed, and what it comes to.
    #[test]
    fn an_alibaba_request_is_signed_over_its_parameters() {
        let rpc = AliyunRpcConfig {
            access_key_id: "testid".to_owned(),
            secret: Secret::new("testsecret"),
            action: "SendSms".to_owned(),
            version: "2017-05-25".to_owned(),
            region: "cn-hangzhou".to_owned(),
            security_token: Secret::default(),
        };
        let mut url = Url::parse("https://dysmsapi.aliyuncs.com/").unwrap();
        url.query_pairs_mut()
            .append_pair("PhoneNumbers", "13900000000")
            .append_pair("SignName", "示例签名")
            .append_pair("TemplateCode", "SMS_154950909")
            .append_pair("TemplateParam", r#"{"level":"P1","topic":"充电起火"}"#)
            .append_pair("OutId", "alert-0001");
        let request = Request {
            method: Method::POST,
            ..Request::get(url)
        };
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let nonce = "00000000-0000-0000-0000-000000000001".to_owned();
        let signed = rpc.sign(request, now, nonce);
        let signature = signed
            .url
            .query_pairs()
            .find(|(name, _)| name == "Signature");
        assert_eq!(signature.unwrap().1, "EAHuttO/NlnqLf+2d23Y5EPM4Po=");
        assert!(!signed.url.query().unwrap().contains('+'));
    }

    #[test]
    fn a_temporary_key_is_signed_with_its_token() {
        let rpc = AliyunRpcConfig {
            access_key_id: "testid".to_owned(),
            secret: Secret::new("testsecret"),
            action: "GetResult".to_owned(),
            version: "2019-01-15".to_owned(),
            region: String::new(),
            security_token: Secret::new("sts"),
        };
        let url = Url::parse("https://qualitycheck.cn-hangzhou.aliyuncs.com/").unwrap();
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let signed = rpc.sign(Request::get(url), now, "n".to_owned());
        let query = signed.url.query().unwrap();
        assert!(
            query.contains("SecurityToken=sts") && !query.contains("RegionId"),
            "{query}"
        );
    }
}
