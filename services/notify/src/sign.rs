//! Signatures agree bit for bit with the platforms'; a key of any length is taken as RFC 2104 says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest, Sha256};

/// HMAC-SHA256. Keys longer than a block are hashed, shorter ones padded with zeros (RFC 2104 §2), so that none is
/// refused.
fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new(&block(key).into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// The key as one block of 64 bytes.
fn block(key: &[u8]) -> [u8; 64] {
    let mut block = [0_u8; 64];
    if key.len() > block.len() {
        let hash = Sha256::digest(key);
        block[..hash.len()].copy_from_slice(&hash);
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    block
}

/// DingTalk: the secret is the key, and `{milliseconds}\n{secret}` is signed. Base64, not yet percent-encoded.
pub(crate) fn dingtalk(timestamp_ms: i64, secret: &str) -> String {
    let text = format!("{timestamp_ms}\n{secret}");
    BASE64.encode(hmac_sha256(secret.as_bytes(), &[text.as_bytes()]))
}

/// Feishu: the mirror image. `{seconds}\n{secret}` is the key, and nothing is signed.
pub(crate) fn feishu(timestamp_s: i64, secret: &str) -> String {
    let key = format!("{timestamp_s}\n{secret}");
    BASE64.encode(hmac_sha256(key.as_bytes(), &[]))
}

/// The key bytes of a Standard Webhooks secret, `whsec_` and base64 of 24 to 64 bytes.
///
/// # Errors
/// What is wrong with it, without quoting it.
pub(crate) fn webhook_key(secret: &str) -> Result<Vec<u8>, &'static str> {
    let encoded = secret
        .strip_prefix("whsec_")
        .ok_or("must begin with `whsec_`; `openssl rand -base64 32` makes the rest")?;
    let key = BASE64
        .decode(encoded)
        .map_err(|_| "must be base64 after `whsec_`")?;
    if (24..=64).contains(&key.len()) {
        Ok(key)
    } else {
        Err("must be 24 to 64 bytes in base64 after `whsec_`")
    }
}

/// Standard Webhooks: `v1,` and the base64 of the MAC over `{id}.{seconds}.{body}`.
pub(crate) fn standard_webhook(key: &[u8], id: &str, timestamp_s: i64, body: &[u8]) -> String {
    let head = format!("{id}.{timestamp_s}.");
    format!(
        "v1,{}",
        BASE64.encode(hmac_sha256(key, &[head.as_bytes(), body]))
    )
}

#[cfg(test)]
mod tests {
    use wensheng_runtime::aliyun;

    use super::*;

    /// Published by CatchZeng/dingtalk (`internal/security/security_test.go`), there percent-encoded.
    #[test]
    fn dingtalk_signs_as_its_clients_do() {
        assert_eq!(
            dingtalk(
                1_582_163_555_000,
                "SECb90923e19e58b466481e9e7b7a5b4f108a4531abde590ad3967fb29f0eae5c68"
            ),
            "BQKsG+QOCl+bYJOLc6pxDHxjVquzlZPWgvRzeN2J5zY="
        );
    }

    /// Published by go-lark/lark (`crypto_test.go`).
    #[test]
    fn feishu_signs_as_its_clients_do() {
        assert_eq!(
            feishu(1_661_860_880, "xxx"),
            "QnWVTSBe6FmQDE0bG6X0mURbI+DnvVyu1h+j5dHOjrU="
        );
    }

    /// Published by standard-webhooks/standard-webhooks and svix/svix-webhooks.
    #[test]
    fn webhooks_are_signed_as_the_standard_says() {
        let sign = |secret: &str, id: &str, at: i64, body: &str| {
            standard_webhook(&webhook_key(secret).unwrap(), id, at, body.as_bytes())
        };
        assert_eq!(
            sign(
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                r#"{"test": 2432232314}"#
            ),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
        assert_eq!(
            sign(
                "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
                "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
                1_649_367_553,
                r#"{"email":"test@example.com","username":"test_user"}"#
            ),
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="
        );
    }

    /// All vectors of these platforms.
    #[test]
    fn signatures_agree_with_every_published_vector() {
        let text = include_str!("../tests/wire/chats-and-messages.json");
        let file: serde_json::Value = serde_json::from_str(text).unwrap();
        let mut checked = 0;
        for vector in file["vectors"].as_array().unwrap() {
            let id = vector["id"].as_str().unwrap();
            let (input, output) = (&vector["input"], vector["output"].as_str().unwrap_or(""));
            let text = |name: &str| input[name].as_str().unwrap_or_default();
            let number = |name: &str| {
                input[name]
                    .as_i64()
                    .or_else(|| text(name).parse().ok())
                    .unwrap()
            };
            let ours = if id.starts_with("dingtalk.robot.sign") {
                let mut url = reqwest::Url::parse("https://x.example").unwrap();
                let sign = dingtalk(number("timestamp_ms"), text("secret"));
                url.query_pairs_mut().append_pair("sign", &sign);
                url.query().unwrap().trim_start_matches("sign=").to_owned()
            } else if id.starts_with("feishu.bot.sign") {
                feishu(number("timestamp_s"), text("secret"))
            } else if id.starts_with("stdwebhooks.") && !id.contains(".case.") {
                let key = webhook_key(text("secret")).unwrap();
                standard_webhook(
                    &key,
                    text("id"),
                    number("timestamp"),
                    text("body").as_bytes(),
                )
            } else if id.starts_with("aliyun.rpc.") {
                let parameters: Vec<(&str, String)> = input["params"]
                    .as_object()
                    .unwrap()
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str().unwrap().to_owned()))
                    .collect();
                aliyun::signature(text("secret"), text("method"), &parameters)
            } else {
                panic!("{id} is checked nowhere");
            };
            assert_eq!(ours, output, "{id}");
            checked += 1;
        }
        assert_eq!(checked, 9);
    }
}
