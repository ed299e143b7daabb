//! What tools and the page ask for, and what is refused.

use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use wensheng_bus::StageState;
use wensheng_console::{Config, Error, run};
use wensheng_runtime::{Check as _, Handle, Problems};
use wensheng_schemas::{Action, Correction, SentimentLabel, Topic};
use wensheng_store::Role;

use crate::running::Running;
use crate::seed::{BRAND, Seeder, voice};

#[tokio::test]
async fn nothing_is_answered_without_a_valid_token() {
    let console = Running::start().await;
    for path in [
        "/me",
        "/overview",
        "/series",
        "/windows",
        "/feedback",
        "/feedback/x",
        "/alerts",
        "/alerts/x",
        "/deliveries",
        "/dead-letters",
        "/totals",
        "/health",
        "/audit",
        "/stream",
    ] {
        let url = console.url(&format!("/api/v1{path}"));
        let bare = console.client.get(&url).send().await.unwrap();
        assert_eq!(bare.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    let wrong = console
        .request(Method::GET, "/me", "wsk_0000_ffff")
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(wrong.headers()["content-type"], "application/problem+json");
    let problem: Value = wrong.json().await.unwrap();
    assert_eq!(problem["type"], "urn:wensheng:problem:unauthorised");
    assert_eq!(problem["status"], 401);
    console.stop().await;
}

#[tokio::test]
async fn a_revoked_token_ends_at_once() {
    let console = Running::start().await;
    let secret = console.token("外包", Role::Viewer).await;
    let me = |secret: String| console.request(Method::GET, "/me", &secret).send();
    assert_eq!(me(secret.clone()).await.unwrap().status(), StatusCode::OK);
    let tokens = console.store.tokens().await.unwrap();
    let id = &tokens.iter().find(|token| token.name == "外包").unwrap().id;
    console
        .store
        .revoke_token(id, Timestamp::now())
        .await
        .unwrap();
    assert_eq!(me(secret).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    console.stop().await;
}

#[tokio::test]
async fn whoever_tries_many_wrong_tokens_has_to_wait() {
    let console = Running::start_with(Config {
        wrong_tokens_per_minute: 3,
        ..Config::default()
    })
    .await;
    let login = || {
        console
            .client
            .post(console.url("/api/v1/login"))
            .header("x-wensheng-console", "1")
            .json(&json!({ "token": "wsk_0000_ffff" }))
            .send()
    };
    for _ in 0..3 {
        assert_eq!(login().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    }
    let refused = login().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key("retry-after"));
    let audit = console.store.audit(10).await.unwrap();
    assert_eq!(
        audit.iter().filter(|e| e.action == "login.refused").count(),
        4
    );
    console.stop().await;
}

#[tokio::test]
async fn the_page_trades_its_token_for_a_cookie_that_scripts_cannot_read() {
    let console = Running::start().await;
    let login = console
        .client
        .post(console.url("/api/v1/login"))
        .header("x-wensheng-console", "1")
        .json(&json!({ "token": console.admin }))
        .send()
        .await
        .unwrap();
    assert_eq!(login.status(), StatusCode::OK);
    let cookie = login.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly; SameSite=Strict"), "{cookie}");
    let kept = cookie.split(';').next().unwrap();
    let me = console
        .client
        .get(console.url("/api/v1/me"))
        .header("cookie", kept)
        .send()
        .await
        .unwrap();
    let me: Value = me.json().await.unwrap();
    assert_eq!(
        (&me["role"], &me["may_act"]),
        (&json!("admin"), &json!(true))
    );

    // The cookie alone does not act: another site could have sent it.
    let forged = console
        .client
        .post(console.url("/api/v1/alerts/x/acknowledge"))
        .header("cookie", kept)
        .header("origin", "https://elsewhere.example")
        .header("x-wensheng-console", "1")
        .send()
        .await
        .unwrap();
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);
    let without_header = console
        .client
        .post(console.url("/api/v1/alerts/x/acknowledge"))
        .header("cookie", kept)
        .send()
        .await
        .unwrap();
    assert_eq!(without_header.status(), StatusCode::FORBIDDEN);
    console.stop().await;
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let console = Running::start().await;
    for path in ["/", "/js/app.js", "/api/v1/me", "/nothing"] {
        let answer = console.client.get(console.url(path)).send().await.unwrap();
        let policy = answer.headers()["content-security-policy"]
            .to_str()
            .unwrap();
        assert!(policy.contains("script-src 'self'"), "{path}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    }
    console.stop().await;
}

#[tokio::test]
async fn a_correction_is_durable_names_who_said_it_and_acts_once() {
    let console = Running::start().await;
    let now = Timestamp::now();
    let piece = voice(0, now, 60);
    let mut seeder = Seeder::new(&console.store);
    seeder.feedback(vec![piece.clone()]).await;
    let viewer = console.token("看客", Role::Viewer).await;
    let path = format!("/feedback/{}/correction", piece.feedback.id);
    let correct = |path: &str, token: &str, body: Value| {
        let request = console.request(Method::POST, path, token);
        request.header("idempotency-key", "k").json(&body).send()
    };
    let body = json!({"label": "neutral", "note": "客观描述 13912345678"});
    for (path, token, body, status) in [
        (path.as_str(), &viewer, body.clone(), StatusCode::FORBIDDEN),
        (
            "/feedback/x/correction",
            &console.admin,
            body.clone(),
            StatusCode::NOT_FOUND,
        ),
        (
            &path,
            &console.admin,
            json!({"label": "bad"}),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            &path,
            &console.admin,
            json!({"label": "neutral", "x": 1}),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (&path, &console.admin, body.clone(), StatusCode::ACCEPTED),
        (&path, &console.admin, body, StatusCode::ACCEPTED),
    ] {
        let answer = correct(path, token, body.clone()).await.unwrap();
        assert_eq!(answer.status(), status, "{path} {body}");
    }
    let corrections: Vec<Correction> = console.records(Topic::Corrections).await;
    assert_eq!(corrections.len(), 1);
    assert_eq!(corrections[0].feedback, piece.feedback.id);
    assert_eq!(corrections[0].label, SentimentLabel::Neutral);
    assert_eq!(corrections[0].before, piece.sentiment.label);
    assert!(!corrections[0].actor.0.is_empty());

    seeder.corrections(corrections.clone()).await;
    let page = console.get("/corrections").await;
    assert_eq!(page["rows"][0]["text"], piece.feedback.text);
    assert_eq!(page["rows"][0]["correction"]["note"], "客观描述 [手机号]");
    console.stop().await;
}

#[tokio::test]
async fn the_overview_adds_up() {
    let console = Running::start().await;
    let now = Timestamp::now();
    Seeder::new(&console.store).everything(now).await;
    let all = console.get("/overview?range=24h").await;
    let volume = all["totals"]["volume"].as_i64().unwrap();
    assert_eq!(volume, 420);
    let sum = |rows: &Value, field: &str| -> i64 {
        rows.as_array()
            .unwrap()
            .iter()
            .map(|row| row[field].as_i64().unwrap())
            .sum()
    };
    assert_eq!(sum(&all["channels"], "volume"), volume);
    let series: i64 = all["series"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| point["volume"].as_i64().unwrap())
        .sum();
    assert_eq!(series, volume);
    let per_brand: i64 = {
        let mut sum = 0;
        for brand in all["brands"].as_array().unwrap() {
            let brand = brand.as_str().unwrap();
            let one = console
                .get(&format!("/overview?range=24h&brand={brand}"))
                .await;
            sum += one["totals"]["volume"].as_i64().unwrap();
        }
        sum
    };
    assert_eq!(per_brand, volume);
    assert_eq!(all["alerts"]["open"], 4);
    assert_eq!(all["alerts"]["unacknowledged"], 2);
    assert_eq!(all["alerts"]["overdue"], 1);
    assert_eq!(all["alerts"]["next_deadline"]["kind"], "acknowledge");
    let forever = console.get("/overview?range=all").await;
    assert_eq!(forever["totals"]["volume"], 420);
    let totals = console.get("/totals").await;
    assert_eq!(totals["feedback"], 420);
    assert_eq!(totals["windows"], json!({"1m": 420, "1h": 420, "1d": 420}));
    console.stop().await;
}

#[tokio::test]
async fn feedback_pages_meet_without_gap_or_repeat() {
    let console = Running::start().await;
    Seeder::new(&console.store)
        .everything(Timestamp::now())
        .await;
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = console
            .get(&format!("/feedback?limit=100&label=negative&after={after}"))
            .await;
        for row in page["rows"].as_array().unwrap() {
            assert_eq!(row["sentiment"]["label"], "negative");
            seen.push(row["feedback"]["id"].as_str().unwrap().to_owned());
        }
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen.len(), 210);
    let one = console.get(&format!("/feedback/{}", seen[0])).await;
    assert_eq!(one["feedback"]["id"], seen[0].as_str());
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 210);
    let found = console.get("/feedback?text=虚假宣传&limit=500").await;
    assert_eq!(found["rows"].as_array().unwrap().len(), 35);
    console.stop().await;
}

#[tokio::test]
async fn wrong_questions_are_answered_with_what_is_wrong() {
    let console = Running::start().await;
    for (path, status, word) in [
        ("/overview?range=2h", 400, "1h, 6h, 24h"),
        ("/feedback?channel=fax", 400, "hotline"),
        ("/feedback?after=!!", 400, "cursor"),
        ("/feedback?limit=0", 400, "between 1 and 500"),
        ("/windows?from=tomorrow", 400, "from"),
        ("/alerts?severity=red", 400, "crisis"),
        ("/alerts/none", 404, "no alert"),
        ("/nothing", 404, "openapi"),
    ] {
        let answer = console
            .request(Method::GET, path, &console.admin)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
        assert_eq!(
            answer.headers()["content-type"],
            "application/problem+json",
            "{path}"
        );
        let problem: Value = answer.json().await.unwrap();
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(word), "{path}: {detail}");
    }
    let wrong_method = console
        .request(Method::DELETE, "/alerts", &console.admin)
        .send()
        .await
        .unwrap();
    assert_eq!(wrong_method.status(), StatusCode::METHOD_NOT_ALLOWED);
    console.stop().await;
}

#[tokio::test]
async fn tools_read_windows_series_and_the_ledgers() {
    let console = Running::start().await;
    Seeder::new(&console.store)
        .everything(Timestamp::now())
        .await;
    let from = (Timestamp::now() - jiff::SignedDuration::from_hours(48)).to_string();
    let windows = console
        .get(&format!(
            "/windows?size=1d&from={from}&brand={BRAND}&topic=hygiene"
        ))
        .await;
    let rows = windows["windows"].as_array().unwrap();
    assert!(!rows.is_empty());
    assert!(
        rows.iter()
            .all(|row| row["brand"] == BRAND && row["topic"] == "hygiene")
    );
    let series = console
        .get(&format!("/series?size=1h&from={from}&by=brand"))
        .await;
    assert!(
        series["points"]
            .as_array()
            .unwrap()
            .iter()
            .any(|p| p["name"] == BRAND)
    );
    let dead = console.get("/dead-letters?limit=1").await;
    assert_eq!(dead["rows"].as_array().unwrap().len(), 1);
    assert!(dead["next"].is_string());
    let deliveries = console.get("/deliveries").await;
    assert_eq!(deliveries["counts"]["delivered"], 5);
    assert_eq!(deliveries["deliveries"].as_array().unwrap().len(), 15);
    let health = console.get("/health").await;
    assert_eq!(health["ready"], true);
    console.stop().await;
}

#[tokio::test]
async fn a_viewer_cannot_act_and_only_an_administrator_reads_the_audit() {
    let console = Running::start().await;
    let alerts = Seeder::new(&console.store)
        .everything(Timestamp::now())
        .await;
    let viewer = console.token("看板", Role::Viewer).await;
    let responder = console.token("值班", Role::Responder).await;
    let path = format!("/alerts/{}/acknowledge", alerts[0].id);
    let refused = console
        .request(Method::POST, &path, &viewer)
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(console.commands().await.is_empty());
    let audit = console
        .request(Method::GET, "/audit", &responder)
        .send()
        .await
        .unwrap();
    assert_eq!(audit.status(), StatusCode::FORBIDDEN);
    console.stop().await;
}

#[tokio::test]
async fn what_people_write_is_recorded_without_personal_data() {
    let console = Running::start().await;
    let alerts = Seeder::new(&console.store)
        .everything(Timestamp::now())
        .await;
    let path = format!("/alerts/{}/dismiss", alerts[0].id);
    let said = json!({ "reason": "已打 13912345678 核实", "note": "再打 13912345678" });
    let request = console.request(Method::POST, &path, &console.admin);
    let answer = request.json(&said).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let commands = console.commands().await;
    let reason = "已打 [手机号] 核实".to_owned();
    assert_eq!(commands[0].action, Action::Dismiss { reason });
    assert_eq!(commands[0].note, "再打 [手机号]");
    console.stop().await;
}

#[tokio::test]
async fn an_action_is_durable_before_it_is_answered_and_acts_once() {
    let console = Running::start().await;
    let alerts = Seeder::new(&console.store)
        .everything(Timestamp::now())
        .await;
    let responder = console.token("值班-李强", Role::Responder).await;
    let act = |action: &str, key: &str| {
        console
            .request(
                Method::POST,
                &format!("/alerts/{}/{action}", alerts[0].id),
                &responder,
            )
            .header("idempotency-key", key)
            .json(&json!({ "note": "已联系门店" }))
            .send()
    };
    let mut ids = Vec::new();
    for _ in 0..3 {
        let answer = act("acknowledge", "press-1").await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        let body: Value = answer.json().await.unwrap();
        ids.push(body["command"]["id"].as_str().unwrap().to_owned());
        let commands = console.commands().await;
        assert_eq!(commands.len(), 1, "one press is one command");
        assert_eq!(commands[0].id, ids[0]);
        assert_eq!(commands[0].actor.0, "值班-李强");
        assert_eq!(commands[0].note, "已联系门店");
        assert_eq!(commands[0].brand, alerts[0].brand);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "a repeat has the same id");
    assert_eq!(
        act("respond", "press-1").await.unwrap().status(),
        StatusCode::ACCEPTED
    );
    assert_eq!(console.commands().await.len(), 2);
    let audit = console.get("/audit").await;
    let lines = audit["entries"].as_array().unwrap();
    assert!(
        lines
            .iter()
            .all(|line| !line["action"].as_str().unwrap().starts_with("alert.")),
        "what did not take effect yet is not noted as done"
    );
    console.stop().await;
}

#[tokio::test]
async fn what_can_have_no_effect_is_refused() {
    let console = Running::start().await;
    let alerts = Seeder::new(&console.store)
        .everything(Timestamp::now())
        .await;
    let resolved = &alerts[4];
    let answer = console
        .request(
            Method::POST,
            &format!("/alerts/{}/respond", resolved.id),
            &console.admin,
        )
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    let problem: Value = answer.json().await.unwrap();
    assert!(problem["detail"].as_str().unwrap().contains("王芳"));
    let audit = console.get("/audit").await;
    let noted: Vec<&str> = audit["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["action"].as_str().unwrap())
        .filter(|action| action.starts_with("alert."))
        .collect();
    assert_eq!(noted, ["alert.respond.refused"]);
    let unknown = console
        .request(
            Method::POST,
            &format!("/alerts/{}/delete", resolved.id),
            &console.admin,
        )
        .send()
        .await
        .unwrap();
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    assert!(console.commands().await.is_empty());
    console.stop().await;
}

#[tokio::test]
async fn the_first_token_is_made_once() {
    let console = Running::start().await;
    assert!(
        wensheng_console::first_token(&console.store)
            .await
            .unwrap()
            .is_none()
    );
    console.stop().await;
}

#[tokio::test]
async fn a_port_in_use_is_told_with_the_setting_to_change() {
    let console = Running::start().await;
    let config = Config {
        listen: console.address.to_string(),
        ..Config::default()
    };
    let handle = Handle::default();
    let (bound, _address) = tokio::sync::oneshot::channel();
    let error = run(
        config,
        console.bus.clone(),
        handle.clone(),
        console.store.clone(),
        None,
        str::to_owned,
        bound,
    )
    .await
    .unwrap_err();
    assert!(matches!(error, Error::Listen { .. }));
    assert!(error.to_string().contains("console.listen"), "{error}");
    assert!(matches!(
        handle.health.report().tasks["console"],
        StageState::Failed(_)
    ));
    console.stop().await;
}

#[test]
fn all_wrong_settings_are_told_at_once() {
    let config = Config {
        listen: "nowhere".to_owned(),
        time_zone: "Mars/Olympus".to_owned(),
        poll_ms: 1,
        max_streams: 0,
        wrong_tokens_per_minute: 0,
        ..Config::default()
    };
    let mut problems = Problems::default();
    config.check(&mut problems);
    let paths: Vec<String> = problems
        .into_found()
        .into_iter()
        .map(|problem| problem.path)
        .collect();
    assert_eq!(
        paths,
        [
            "listen",
            "time_zone",
            "poll_ms",
            "max_streams",
            "wrong_tokens_per_minute"
        ]
    );
}
