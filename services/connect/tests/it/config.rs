//! Everything that can be configured is read; everything that is wrong is told at once, with its path.

use wensheng_connect::{Config, SourceConfig};
use wensheng_runtime::{ConfigError, parse};

const KITCHEN_SINK: &str = r#"
listen: 0.0.0.0:8790
aliases: [{brand: 鹿汀茶饮, names: [鹿汀], products: {轻乳茶: [轻乳]}, stores: {南山店: []}}]
pseudonym_key: ${KEY}
max_text_bytes: 100000
max_pending_bytes: 16777216
sources:
  - kind: files
    name: weibo-export
    path: /data/in/*.csv
    format: csv
    encoding: gb18030
    delimiter: "|"
    quote: "'"
    header: true
    columns:
      text: 微博正文
      id: id
      occurred_at: 发布时间
      brand: 品牌
      product: 产品
      store: 门店
      region: 地区
      channel: 渠道
      author: user_id
      followers: 粉丝数
      likes: 点赞数
      reposts: 转发数
      comments: 评论数
      url: 链接
      reply_to: 回复
      repost_of: retweet_id
      nps: 推荐
      csat: 18
      ces: 19
    attributes: [发布工具, 21]
    brand: 鹿汀茶饮
    channel: weibo
    channel_names: {微博: weibo, 电话: hotline}
    time_format: "%Y-%m-%d %H:%M"
    time_zone: Asia/Shanghai
    watch: true
    poll_ms: 500
    max_record_bytes: 65536
  - {kind: files, name: scores, path: scores.ndjson, brand: b, columns: {text: null, nps: score}}
  - kind: webhook
    name: crm
    token: ${TOKEN}
    secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD]
    brand: 鹿汀茶饮
    channel: wechat
    channel_names: {微信: wechat}
    time_format: epoch_ms
    time_zone: UTC
    max_body_bytes: 1048576
  - kind: wechat-oa
    name: oa
    token: ${TOKEN}
    app_id: wx0123456789abcdef
    encoding_aes_key: abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG
    brand: 鹿汀茶饮
    product: 轻乳茶
    window_s: 600
  - kind: transcript
    name: hotline
    brand: 鹿汀茶饮
    product: 轻乳茶
    token: ${TOKEN}
    sign_token: ${TOKEN}
    sign_app_id: "1259228442"
    poll_ms: 500
    roles: {"0": agent, "1": customer}
    satisfaction: {"1": 5, 不满意: 1}
    merge_hours: 24
    max_body_bytes: 1048576
  - kind: tccc
    name: contact-centre
    brand: 鹿汀茶饮
    product: 轻乳茶
    token: ${TOKEN}
    satisfaction: {非常满意: 5, 不满意: 1}
    merge_hours: 24
    max_body_bytes: 1048576
    reconcile:
      sdk_app_id: 1400000214
      secret_id: AKIDEXAMPLE
      secret_key: ${TOKEN}
      region: ap-shanghai
      hours: 48
      host: https://ccc.tencentcloudapi.com
      pull: {every_seconds: 1800}
  - kind: wecom-kf
    name: kf
    brand: 鹿汀茶饮
    product: 轻乳茶
    corp_id: ww12345678910
    secret: ${TOKEN}
    accounts: [wk1, wk2]
    token: ${TOKEN}
    encoding_aes_key: jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C
    window_s: 600
    host: https://qyapi.weixin.qq.com
    pull: {every_seconds: 300}
  - {kind: vcon, name: conversations, brand: 鹿汀茶饮, path: /data/vcons}
  - {kind: files, name: interviews, path: /data/interviews, preset: interview}
  - kind: wjx
    name: wjx
    brand: 鹿汀茶饮
    surveys: [{id: "5657754", brand: 山岚茶饮, product: 轻乳茶, store: 南山店, region: 深圳, questions: [{question: q1, kind: csat}]}]
    questions: [{question: "q4_*", kind: scale, scale: {from: 0, to: 10, reversed: true}, labels: {好: 10}, name: 环境}]
    token: ${TOKEN}
    push_key: ${TOKEN}
    push: sdk
    skipped: [""]
    max_body_bytes: 1048576
    api:
      api_key: ${TOKEN}
      app_id: "907"
      app_key: ${TOKEN}
      hash: sha256
      host: https://www.wjx.cn
      expired_errors: [已过期]
      fatal_errors: [权限不足]
      throttle_errors: [频繁]
      pull: {every_seconds: 1800}
  - kind: tencent-survey
    name: wenjuan
    brand: 鹿汀茶饮
    surveys: [{id: "5356056"}]
    questions: [{question: q-1, kind: nps}]
    app_id: app
    secret: ${TOKEN}
    token: ${TOKEN}
    host: https://open.wj.qq.com
    pull: {every_seconds: 300}
  - {kind: standard-webhooks, name: sw, brand: b, secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw], surveys: [{id: app}], questions: [{question: rating, kind: nps}], max_body_bytes: 1048576}
  - {kind: formbricks, name: fb, brand: b, secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]}
  - {kind: typeform, name: tf, brand: b, secrets: ["${TOKEN}"]}
  - {kind: files, name: jd, path: /data/jd, preset: jd-reviews, questions: [{question: 配送, kind: scale}]}
  - {kind: demo, name: demo, seed: 1, rate_per_second: 2.5, crisis_after_s: 5, crisis_every_s: 0, count: 10}
"#;

fn environment(name: &str) -> Option<String> {
    matches!(name, "KEY" | "TOKEN").then(|| "a long enough secret".to_owned())
}

#[test]
fn every_key_is_read_and_written_back_without_secrets() {
    let config: Config = parse(KITCHEN_SINK, &environment).unwrap();
    assert_eq!(config.sources.len(), 16);
    let SourceConfig::Files(files) = &config.sources[0] else {
        panic!("{:?}", config.sources[0])
    };
    assert_eq!(files.delimiter, Some('|'));
    assert_eq!(files.attributes.len(), 2);
    let written = serde_json::to_string(&config).unwrap();
    assert!(!written.contains("a long enough secret"), "{written}");
    assert!(!written.contains("MfKQ9r8"), "{written}");
    assert!(!written.contains("abcdefghijklmnop"), "{written}");
    assert!(!format!("{config:?}").contains("a long enough secret"));
}

#[test]
fn the_defaults_are_right() {
    let config: Config = parse("{}", &environment).unwrap();
    assert!(config.sources.is_empty());
    assert_eq!(config.listen, "127.0.0.1:8790");
}

fn problems(text: &str) -> Vec<String> {
    match parse::<Config>(text, &environment) {
        Err(ConfigError::Invalid(found)) => found.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_wrong_shape_is_told_with_its_path() {
    let found = problems(
        "lisen: x\nsources:\n  - {kind: files, name: a, pth: x}\n  - {kind: webhook, token: [1]}\n  - {kind: fax}\n  - {kind: files, columns: {txt: a}}\n",
    );
    for path in [
        "lisen:",
        "sources[0].pth:",
        "sources[1].token:",
        "sources[2].kind:",
        "sources[3].columns.txt:",
    ] {
        assert!(
            found.iter().any(|p| p.starts_with(path)),
            "{path} {found:#?}"
        );
    }
    assert_eq!(found.len(), 5, "{found:#?}");
}

#[test]
fn what_does_not_fit_together_is_told_with_its_path() {
    let text = r#"
listen: nowhere
pseudonym_key: short
max_text_bytes: 1
max_pending_bytes: 1
sources:
  - {kind: files, brand: b, path: "a[", header: false, columns: {id: id, nps: 0}}
  - {kind: files, name: x, delimiter: ",", quote: ",", columns: {text: null}, poll_ms: 1, max_record_bytes: 1}
  - {kind: files, name: x, path: a.csv, brand: " ", time_format: nice, time_zone: Mars/North, attributes: [0]}
  - {kind: webhook, name: a/b, secrets: [abc], max_body_bytes: 1}
  - {kind: webhook, name: yy, token: short}
  - {kind: webhook, name: zz}
  - {kind: demo, rate_per_second: 0, crisis_every_s: 5}
  - {kind: wechat-oa, name: oa, encoding_aes_key: short}
  - {kind: transcript, name: t, token: short, path: x, sign_token: x, poll_ms: 1, satisfaction: {a: 6}, merge_hours: 0, max_body_bytes: 1}
  - {kind: vcon, name: v, brand: b}
  - {kind: tccc, name: c, token: short, satisfaction: {a: 0}, merge_hours: 721, max_body_bytes: 1}
  - {kind: files, name: i, path: a.csv, preset: interview, header: false}
  - {kind: wecom-kf, name: k, token: t, accounts: ["", a, a], host: nowhere}
  - {kind: tccc, name: r, brand: b, token: 0123456789abcdef, reconcile: {hours: 0, host: "http://10.0.0.1"}}
  - {kind: wjx, name: w, token: short, push: redirect, push_key: "17 characters long", max_body_bytes: 1, api: {host: "http://10.0.0.1"}}
  - {kind: wjx, name: w2, brand: b}
  - {kind: tencent-survey, name: q, token: short, surveys: [{id: abc}, {id: abc}], host: nowhere}
  - {kind: typeform, name: f, secrets: [short], max_body_bytes: 1}
  - {kind: formbricks, name: g, brand: b, questions: [{question: "", kind: nps}]}
"#;
    let found = problems(text);
    let paths: Vec<&str> = found
        .iter()
        .map(|p| p.split(": ").next().unwrap())
        .collect();
    for path in [
        "listen",
        "pseudonym_key",
        "max_text_bytes",
        "max_pending_bytes",
        "sources[0].name",
        "sources[0].path",
        "sources[0].columns.text",
        "sources[0].columns.id",
        "sources[0].columns.nps",
        "sources[1].path",
        "sources[1].quote",
        "sources[1].columns",
        "sources[1].brand",
        "sources[1].poll_ms",
        "sources[1].max_record_bytes",
        "sources[2].name",
        "sources[2].brand",
        "sources[2].time_format",
        "sources[2].time_zone",
        "sources[2].attributes[0]",
        "sources[3].name",
        "sources[3].secrets[0]",
        "sources[3].max_body_bytes",
        "sources[4].token",
        "sources[5].token",
        "sources[6].rate_per_second",
        "sources[6].crisis_every_s",
        "sources[7].token",
        "sources[7].brand",
        "sources[7].encoding_aes_key",
        "sources[7].app_id",
        "sources[8].brand",
        "sources[8].path",
        "sources[8].token",
        "sources[8].sign_app_id",
        "sources[8].poll_ms",
        "sources[8].satisfaction.a",
        "sources[8].merge_hours",
        "sources[8].max_body_bytes",
        "sources[9].token",
        "sources[10].brand",
        "sources[10].token",
        "sources[10].satisfaction.a",
        "sources[10].merge_hours",
        "sources[10].max_body_bytes",
        "sources[11].columns.text",
        "sources[11].header",
        "sources[12].brand",
        "sources[12].corp_id",
        "sources[12].secret",
        "sources[12].encoding_aes_key",
        "sources[12].accounts[0]",
        "sources[12].accounts[2]",
        "sources[12].host",
        "sources[13].reconcile.sdk_app_id",
        "sources[13].reconcile.secret_id",
        "sources[13].reconcile.secret_key",
        "sources[13].reconcile.hours",
        "sources[13].reconcile.host",
        "sources[14].brand",
        "sources[14].token",
        "sources[14].push_key",
        "sources[14].max_body_bytes",
        "sources[14].api.api_key",
        "sources[14].api.host",
        "sources[15].token",
        "sources[16].brand",
        "sources[16].surveys[0].id",
        "sources[16].surveys[1].id",
        "sources[16].app_id",
        "sources[16].secret",
        "sources[16].token",
        "sources[16].host",
        "sources[17].brand",
        "sources[17].secrets[0]",
        "sources[17].max_body_bytes",
        "sources[18].secrets",
        "sources[18].questions[0].question",
    ] {
        assert!(paths.contains(&path), "{path} is missing in {found:#?}");
    }
    assert_eq!(found.len(), 79, "{found:#?}");
}

#[test]
fn authors_need_a_key_to_hide_them_with() {
    let found = problems(
        "sources: [{kind: files, name: a, path: a.csv, brand: b, columns: {author: user}}]",
    );
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("sources[0].columns.author:"),
        "{found:?}"
    );
    assert!(found[0].contains("pseudonym_key"), "{found:?}");
    let found = problems("sources: [{kind: wechat-oa, name: a, token: t, brand: b}]");
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("sources[0].kind:"), "{found:?}");
}

#[test]
fn the_demo_is_added_once() {
    let mut config = Config::default();
    config.add_demo();
    config.add_demo();
    assert_eq!(config.sources.len(), 1);
    let text = serde_json::to_string(&config).unwrap();
    parse::<Config>(&text, &environment).unwrap();
}

#[test]
fn what_a_signature_needs_and_where_transcripts_are_asked_for_is_checked() {
    let text = r#"
sources:
  - kind: http-pull
    name: a
    brand: b
    url: "https://asr.tencentcloudapi.com/v1?x=1"
    fields: {id: "$.id", text: "$.text"}
    auth: {kind: tc3, secret_id: "", secret: k, service: asr, action: "", version: "2019-06-14"}
  - kind: http-pull
    name: c
    brand: b
    url: "https://qualitycheck.cn-hangzhou.aliyuncs.com/path"
    method: post
    body: "{}"
    fields: {id: "$.id", text: "$.text"}
    auth: {kind: aliyun-rpc, access_key_id: a, secret: "", action: GetResult, version: ""}
  - {kind: transcript, name: d, brand: b, token: 0123456789abcdef, http: {url: "http://10.0.0.1/"}}
  - {kind: transcript, name: e, brand: b, http: {url: "https://asr.example.com/?s={{since}}&x={{what}}", paging: {kind: page}}}
"#;
    let found = problems(text);
    for path in [
        "sources[0].method",
        "sources[0].url",
        "sources[0].auth.secret_id",
        "sources[0].auth.action",
        "sources[1].body",
        "sources[1].url",
        "sources[1].auth.secret",
        "sources[1].auth.version",
        "sources[2].http",
        "sources[2].http.url",
        "sources[3].http.url",
        "sources[3].http.paging.kind",
        "sources[3].http.since.path",
    ] {
        let is_told = |problem: &String| problem.starts_with(&format!("{path}: "));
        assert!(found.iter().any(is_told), "{path}: {found:#?}");
    }
}
