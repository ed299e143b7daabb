//! A person who asked for it is gone from every row, also from a store that is built anew, and the trail tells that it was
//! done.

use serde_json::{Value, json};

use crate::main_job::run_through;
use crate::personal_data::{files, records};
use crate::process::eventually;
use crate::receiver::Receiver;
use crate::site::Site;
use crate::webhook::{self, Desk};

#[tokio::test]
async fn a_person_is_removed_everywhere_and_stays_removed() {
    let mut site = Site::new();
    site.configure(json!({ "connect": { "sources": [webhook::source("hook")] } }));
    let said: Value = (0..6)
        .map(|number| {
            json!({
                "id": format!("e{number}"), "text": format!("等位太久了,服务一般,第{number}次"),
                "author": { "id": format!("person-{}", number % 2) },
            })
        })
        .collect();
    let mut process = site.up(&[]);
    let address = process.ingest().await;
    Desk::new().post(&address, "hook", &said).await.taken();
    process.stop().await;
    run_through(&site).await;
    site.ledger().await.figures().await.hold_each_once(6);

    let config = site.config_file();
    let of_person = [
        "--source",
        "hook",
        "--author",
        "person-1",
        "--by",
        "数据保护官",
    ];
    let erase = |more: &[&str]| {
        let arguments = [
            &["erase", "--config", &config, "--output", "json"],
            &of_person[..],
            more,
        ];
        site.run(&arguments.concat())
    };
    let asked = erase(&["--dry-run"]).ended().await;
    let asked: Value = serde_json::from_str(&asked.stdout).unwrap_or_else(|_| panic!("{asked:?}"));
    assert_eq!(asked["feedback"], 3);
    let done = erase(&["--reason", "申请 2026-18"]).ended().await;
    assert_eq!(done.code, Some(0), "{done:?}");
    let done: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(done["feedback"], 3);
    let subject = done["subject"].as_str().unwrap();
    assert!(!subject.contains("person"));

    let gone = async |site: &Site| {
        let ledger = site.ledger().await;
        let shown = ledger
            .rows("SELECT native_id FROM v_feedback ORDER BY native_id")
            .await;
        assert_eq!(shown.concat(), ["e0", "e2", "e4"]);
        let named = format!("(SELECT COUNT(*) FROM feedback WHERE document LIKE '%{subject}%')");
        assert_eq!(ledger.figure(&named).await, 0);
    };
    gone(&site).await;
    let trail = site.ledger().await;
    let trail = trail
        .rows("SELECT actor, action, object, detail FROM audit WHERE action = 'subject.erase'")
        .await;
    let detail = "申请 2026-18; feedback=3 alerts=0 lines=0 dead_letters=0";
    assert_eq!(
        trail,
        [["数据保护官", "subject.erase", subject, detail]
            .map(str::to_owned)
            .to_vec()]
    );

    // The withdrawals that went to the bus are taken back from the figures …
    run_through(&site).await;
    gone(&site).await;
    let volume = "(SELECT SUM(volume) FROM windows WHERE topic = 'all' AND size = '1d')";
    assert_eq!(site.ledger().await.figure(volume).await, 3);
    // … and a store that is built from the log does not know the person either.
    for file in ["store.db", "store.db-wal", "store.db-shm"] {
        std::fs::remove_file(site.data_dir().join(file)).ok();
    }
    let mut process = site.up(&[]);
    process.console_address().await;
    eventually("the store that is built anew", async || {
        let withdrawn = "(SELECT COUNT(*) FROM feedback WHERE withdrawn)";
        (site.ledger().await.figure(withdrawn).await == 3).then_some(())
    })
    .await;
    process.stop().await;
    gone(&site).await;
}

/// Of a call whose words have not come yet, no store knows anything.
#[tokio::test]
async fn what_is_known_of_a_call_in_hand_is_removed_with_the_person() {
    const TOKEN: &str = "token-of-the-hotline";
    let mut site = Site::new();
    let line = json!({ "kind": "transcript", "name": "line", "brand": "云岭茶饮", "token": TOKEN });
    site.configure(json!({ "connect": { "sources": [line] } }));
    let call = |customer: &str, turns: Value| {
        json!({
            "call_id": customer, "started_at": "2026-01-02T03:04:05Z", "customer": customer, "queue": "售后",
            "turns": turns,
        })
    };
    let post = async |address: &str, body: Value| {
        let url = format!("http://{address}/ingest/line?token={TOKEN}");
        let posted = reqwest::Client::new().post(url).body(body.to_string());
        let answer = posted.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{answer:?}");
    };
    let mut process = site.up(&[]);
    let address = process.ingest().await;
    for customer in ["13800138000", "13900139000"] {
        post(&address, call(customer, json!([]))).await;
    }
    process.stop().await;

    let config = site.config_file();
    let erase = async || {
        let arguments = [
            ["erase", "--config", &config, "--output", "json"],
            ["--source", "line", "--author", "13800138000", "--by=dpo"],
        ];
        let done = site.run(&arguments.concat()).ended().await;
        assert_eq!(done.code, Some(0), "{done:?}");
        let done: Value = serde_json::from_str(&done.stdout).unwrap();
        (done["feedback"].clone(), done["calls"].clone())
    };
    assert_eq!(erase().await, (json!(0), json!(1)));
    assert_eq!(erase().await, (json!(0), json!(0)), "it is gone");

    // The other call's words meet what was known of it; of the first nothing is.
    let said =
        |text: &str| json!([{ "role": "customer", "begin_ms": 0, "end_ms": 900, "text": text }]);
    let mut process = site.up(&[]);
    let address = process.ingest().await;
    for (customer, text) in [("13800138000", "等位太久了"), ("13900139000", "漏水")] {
        let mut words = call(customer, said(text));
        words.as_object_mut().unwrap().remove("queue");
        post(&address, words).await;
    }
    process.stop().await;
    run_through(&site).await;
    let ledger = site.ledger().await;
    let queues = ledger
        .rows("SELECT native_id FROM v_feedback WHERE native_id IN (SELECT native_id FROM feedback WHERE document LIKE '%售后%')")
        .await;
    assert_eq!(queues.concat(), ["call:13900139000"]);
}

/// What one guest said, the words of notes about them, and what another guest said.
const SAID: &str = "昨晚在紫檀屏风包间吃完全家上吐下泻,食物中毒了";
const NAMED: &str = "赵紫檀来电要求赔偿";
const UNNAMED: &str = "客人就住在门店对面";
const OTHER: &str = "菜里有头发,吃完食物中毒去了急诊";

async fn say(address: &str, id: &str, author: &str, text: &str) {
    let said = json!([{ "id": id, "brand": "鹿汀火锅", "channel": "weibo", "text": text, "author": { "id": author } }]);
    Desk::new().post(address, "hook", &said).await.taken();
}

/// The texts that an alert shows.
fn shown(alert: &Value) -> Vec<String> {
    let samples = alert["samples"].as_array().unwrap().iter();
    samples
        .map(|sample| sample["text"].as_str().unwrap().to_owned())
        .collect()
}

/// Kafka's log is not changed: what keeps the latest of each key is superseded, and what else stays is told.
#[tokio::test]
async fn on_kafka_alerts_are_superseded_and_what_the_log_keeps_is_told() {
    let Some(mut site) = crate::engines::site_on_kafka() else {
        return;
    };
    site.configure(json!({ "connect": { "sources": [webhook::source("hook")] } }));
    let mut process = site.up(&[]);
    let console = process.first_console().await;
    let ingest = process.ingest().await;
    say(&ingest, "p1", "guest-1", SAID).await;
    say(&ingest, "p2", "guest-2", OTHER).await;
    let alert = eventually("both in the alert", async || {
        let alert = console.alerts().await.into_iter().next()?;
        (alert["samples"].as_array()?.len() == 2).then_some(alert)
    })
    .await;
    let id = alert["id"].as_str().unwrap();
    let (status, answer) = console.act_saying(id, "note", "1", NAMED).await;
    assert!(status.is_success(), "{answer}");
    eventually("the note", async || {
        let alert = console.alerts().await.into_iter().next()?;
        alert.to_string().contains(NAMED).then_some(())
    })
    .await;
    let config = site.config_file();
    let erase = async || {
        let of = ["erase", "--config", &config, "--output=json"];
        let person = [
            "--source=hook",
            "--author=guest-1",
            "--by=dpo",
            "--identifier=赵紫檀",
        ];
        site.run(&[of, person].concat()).ended().await
    };
    let refused = erase().await;
    assert!(refused.stderr.contains("stop all processes"), "{refused:?}");
    process.stop().await;
    let done = erase().await;
    assert_eq!(done.code, Some(0), "{done:?}");
    let done: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((&done["feedback"], &done["alerts"]), (&json!(1), &json!(1)));
    let left: Vec<(&str, bool)> = done["left"]
        .as_array()
        .unwrap()
        .iter()
        .map(|left| (left["topic"].as_str().unwrap(), left["until"].is_string()))
        .collect();
    for kept in [("voc.feedback.v1", true), ("voc.signals.v1", true)] {
        assert!(left.contains(&kept), "{done:#}");
    }
    assert!(left.contains(&("voc.timeline.v1", false)), "{done:#}");

    let mut process = site.up(&[]);
    let console = process.console(console.token.as_str()).await;
    let ingest = process.ingest().await;
    say(&ingest, "p3", "guest-3", OTHER).await;
    eventually("the next piece in the alert", async || {
        let alert = console.alerts().await.into_iter().next()?;
        assert!(!alert.to_string().contains(NAMED), "{alert:#}");
        let shown = shown(&alert);
        assert!(!shown.contains(&SAID.to_owned()), "{shown:?}");
        (shown == [OTHER, OTHER]).then_some(())
    })
    .await;
    process.stop().await;
    run_through(&site).await;
    let proved = site.run(&["alert", "--config", &config, "verify"]);
    let proved = proved.ended().await;
    assert_eq!(proved.code, Some(0), "{proved:?}");
    let volume = "(SELECT SUM(volume) FROM windows WHERE topic = 'all' AND size = '1d')";
    assert_eq!(site.ledger().await.figure(volume).await, 2);
}

#[tokio::test]
async fn what_alerts_show_of_a_person_goes_with_the_notes_and_the_chain_still_proves_itself() {
    let receiver = Receiver::start().await;
    let mut site = Site::new();
    site.configure(receiver.settings(&["front_line"]))
        .configure(json!({ "connect": { "sources": [webhook::source("hook")] } }));
    let mut process = site.up(&[]);
    let console = process.first_console().await;
    let ingest = process.ingest().await;
    say(&ingest, "p1", "guest-1", SAID).await;
    say(&ingest, "p2", "guest-2", OTHER).await;
    let alert = eventually("both in the alert", async || {
        let alert = console.alerts().await.into_iter().next()?;
        (alert["samples"].as_array()?.len() == 2).then_some(alert)
    })
    .await;
    let id = alert["id"].as_str().unwrap();
    for (key, note) in [
        ("1", NAMED),
        ("2", UNNAMED),
        ("3", "已转门店,电话13912345678"),
    ] {
        let (status, answer) = console.act_saying(id, "note", key, note).await;
        assert!(status.is_success(), "{answer}");
    }
    eventually("the notes", async || {
        let alert = console.alerts().await.into_iter().next()?;
        alert.to_string().contains("已转门店").then_some(())
    })
    .await;
    process.stop().await;
    run_through(&site).await;

    let config = site.config_file();
    let erase = async |more: &[&str]| {
        let person = ["--source=hook", "--author=guest-1", "--by=数据保护官"];
        let named = ["--identifier", "赵紫檀"];
        let arguments = [
            &["erase", "--config", &config, "--output", "json"],
            &person[..],
            &named,
            more,
        ];
        let done = site.run(&arguments.concat()).ended().await;
        assert_eq!(done.code, Some(0), "{done:?}");
        serde_json::from_str::<Value>(&done.stdout).unwrap()
    };
    let verified = async || {
        let verify = ["alert", "--config", &config, "verify"];
        let proved = site.run(&verify).ended().await;
        assert_eq!(proved.code, Some(0), "{proved:?}");
    };
    // How often each of the secrets stands somewhere: in the log, in the store and in any file of the data.
    let found = async |subject: &str| {
        let mut places: Vec<String> = records(&site).await;
        let data = site.data_dir().display().to_string();
        let of_data = files(&site)
            .into_iter()
            .filter(|(name, _)| name.starts_with(&data));
        places.extend(of_data.map(|(_, content)| content));
        [SAID, NAMED, UNNAMED, "guest-1", subject]
            .map(|secret| places.iter().any(|place| place.contains(secret)))
    };

    let asked = erase(&["--dry-run"]).await;
    let subject = asked["subject"].as_str().unwrap();
    assert_eq!(found(subject).await, [true, true, true, false, true]);
    assert_eq!(asked["feedback"], 1, "{asked:#}");
    let words = |lines: &Value| -> Vec<String> {
        let lines = lines.as_array().unwrap().iter();
        lines
            .map(|line| line["words"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(words(&asked["lines"]), [NAMED]);
    assert_eq!(words(&asked["to_read"]), [UNNAMED, "已转门店,电话[手机号]"]);
    let line = format!("{id}/{}", asked["to_read"][0]["number"]);

    let done = erase(&["--line", &line]).await;
    assert_eq!(words(&done["lines"]), [NAMED, UNNAMED]);
    assert_eq!(done["alerts"], 1, "{done:#}");
    for topic in [
        "enriched",
        "feedback",
        "notifications",
        "signals",
        "timeline",
    ] {
        let count = &done["records"][format!("voc.{topic}.v1")];
        assert!(count.as_u64() > Some(0), "{topic}: {done:#}");
    }
    // The key stands in the audit trail, which says that it was done, and nowhere else.
    let gone = async || assert_eq!(found(subject).await[..4], [false; 4]);
    gone().await;
    for record in records(&site).await {
        assert!(!record.contains(subject), "{record}");
    }
    verified().await;
    let again = erase(&[]).await;
    assert_eq!(again["alerts"], 0, "{again:#}");
    assert_eq!(again["feedback"], 0, "{again:#}");

    // The alert goes on from its record, without the person.
    let mut process = site.up(&[]);
    let console = process.console(console.token.as_str()).await;
    let ingest = process.ingest().await;
    say(&ingest, "p3", "guest-3", OTHER).await;
    let alert = eventually("the next piece in the alert", async || {
        let alert = console.alerts().await.into_iter().next()?;
        (alert["samples"].as_array()?.len() == 2).then_some(alert)
    })
    .await;
    assert_eq!(shown(&alert), [OTHER, OTHER]);
    let events: Vec<&Value> = alert["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["event"])
        .collect();
    assert!(events.contains(&&json!("erased")), "{alert:#}");
    process.stop().await;
    run_through(&site).await;
    gone().await;
    verified().await;

    // A store that is built from the log does not know the person either.
    for file in ["store.db", "store.db-wal", "store.db-shm"] {
        std::fs::remove_file(site.data_dir().join(file)).ok();
    }
    run_through(&site).await;
    let ledger = site.ledger().await;
    let alerts = ledger.rows("SELECT document FROM alerts").await.concat();
    let alert: Value = serde_json::from_str(&alerts[0]).unwrap();
    assert_eq!(shown(&alert), [OTHER, OTHER], "{alert:#}");
    gone().await;
    verified().await;
    let figures = "(SELECT SUM(volume) FROM windows WHERE topic = 'all' AND size = '1d')";
    assert_eq!(site.ledger().await.figure(figures).await, 2);
}
