//! By what a listed document is known.

use reqwest::Url;

/// What a listed document is known by, in notes that outlive the walk: its address and, where the list tells it, the call's id. No secret: what
/// signs an address is left out, and is new at each walk.
pub(super) fn known_by(url: &Url, id: Option<&str>) -> String {
    let mut known = url.clone();
    // Fails for an address without a host alone, which has no user either.
    let bare = known
        .set_username("")
        .and_then(|()| known.set_password(None));
    debug_assert!(bare.is_ok());
    known.set_query(None);
    known.set_fragment(id);
    if id.is_none() {
        let pairs: Vec<_> = url
            .query_pairs()
            .filter(|(name, _)| !signs(&name.to_ascii_lowercase()))
            .collect();
        if !pairs.is_empty() {
            known.query_pairs_mut().extend_pairs(pairs);
        }
    }
    known.into()
}

/// Whether a parameter belongs to a signature, as the clouds' object stores have them (Alibaba Cloud OSS, Tencent Cloud COS, Huawei Cloud OBS,
/// Amazon S3, Google Cloud Storage, Azure).
fn signs(name: &str) -> bool {
    const PREFIXES: [&str; 6] = ["x-oss-", "x-cos-", "x-obs-", "x-amz-", "x-goog-", "q-"];
    const NAMES: [&str; 17] = [
        "sign",
        "signature",
        "x-signature",
        "sig",
        "expires",
        "token",
        "access_token",
        "security-token",
        "ossaccesskeyid",
        "awsaccesskeyid",
        "accesskeyid",
        "googleaccessid",
        "se",
        "sp",
        "sr",
        "st",
        "sv",
    ];
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_known_by_what_names_it_and_by_no_secret() {
        let known = |url: &str, id| known_by(&Url::parse(url).unwrap(), id);
        for (url, id, name) in [
            (
                "https://u:p@b.example.com/a.json?X-Amz-Date=1&x-amz-signature=2#f",
                None,
                "https://b.example.com/a.json",
            ),
            (
                "https://b.example.com/a.json?OSSAccessKeyId=k&Expires=1&Signature=s",
                None,
                "https://b.example.com/a.json",
            ),
            (
                "https://b.example.com/get?call=1&sign=x",
                None,
                "https://b.example.com/get?call=1",
            ),
            (
                "https://b.example.com/get?call=2&sign=y",
                None,
                "https://b.example.com/get?call=2",
            ),
            (
                "https://b.example.com/get?call=2&sign=y",
                Some("c-2"),
                "https://b.example.com/get#c-2",
            ),
        ] {
            assert_eq!(known(url, id), name);
        }
    }
}
