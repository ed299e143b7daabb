//! Words that rise and answers on scales, by the interface and on the page in a real browser.

use jiff::Timestamp;
use serde_json::json;

use crate::running::Running;
use crate::seed::{BRAND, Seeder, voice};
use crate::webdriver::Browser;

#[tokio::test]
async fn terms_that_rise_are_told_with_their_past_and_lead_to_the_feedback() {
    let console = Running::start().await;
    let mut seeder = Seeder::new(&console.store);
    let now = Timestamp::now();
    let empty = console.get("/hot-terms").await;
    assert_eq!(
        (&empty["terms"], &empty["range"]),
        (&json!([]), &json!("24h"))
    );
    seeder.past(now, 60).await;
    seeder.everything(now).await;
    let hot = console.get("/hot-terms?range=1h&limit=3").await;
    assert!(hot["volume_before"].as_i64().unwrap() >= 20 * 60, "{hot}");
    let terms = hot["terms"].as_array().unwrap();
    assert_eq!(terms.len(), 3);
    let all = console.get("/hot-terms?range=1h&limit=200").await;
    let all = all["terms"].as_array().unwrap();
    let find = |term: &str| all.iter().find(|t| t["term"] == term);
    let phrase = find("发现有异物").unwrap_or_else(|| panic!("{all:?}"));
    assert_eq!(
        (&phrase["mentions_before"], &phrase["negative"]),
        (&json!(0), &phrase["mentions"])
    );
    assert!(phrase["rise"].as_f64().unwrap() > 20.0, "{phrase}");
    assert!(find("异物").is_none(), "part of the phrase");
    assert!(find("店员").is_none(), "as usual");

    let query: String = form(&[
        ("term", "发现有异物"),
        ("from", hot["from"].as_str().unwrap()),
        ("to", hot["to"].as_str().unwrap()),
        ("limit", "500"),
    ]);
    let found = console.get(&format!("/feedback?{query}")).await;
    let found = found["rows"].as_array().unwrap();
    assert_eq!(json!(found.len()), phrase["mentions"]);
    assert!(
        found
            .iter()
            .all(|row| row["feedback"]["text"].as_str().unwrap().contains("有异物"))
    );

    let ratings = console.get("/ratings?range=24h&channel=survey").await;
    let questions = ratings["questions"].as_array().unwrap();
    let of = |question: &'static str| questions.iter().filter(move |q| q["question"] == question);
    assert_eq!(
        of("门店环境").filter(|q| q["product"] == "冷萃").count(),
        3,
        "one a brand"
    );
    // Told apart by less, more answers stand in one row, and none is lost.
    for (by, rows) in [("question", 1), ("brand", 3), ("channel", 1)] {
        let told = console
            .get(&format!("/ratings?range=24h&channel=survey&by={by}"))
            .await;
        let told = told["questions"].as_array().unwrap();
        let told = told.iter().filter(|q| q["question"] == "门店环境");
        let answers = |q: &serde_json::Value| q["answers"].as_i64().unwrap();
        assert_eq!(told.clone().count(), rows, "{by}");
        assert_eq!(
            told.map(answers).sum::<i64>(),
            of("门店环境").map(answers).sum::<i64>()
        );
    }
    let answers: i64 = of("nps").map(|q| q["answers"].as_i64().unwrap()).sum();
    let channel = &ratings["channels"][0];
    let counted = ["nps_promoters", "nps_passives", "nps_detractors"];
    let counted: i64 = counted.iter().map(|c| channel[*c].as_i64().unwrap()).sum();
    assert_eq!((answers, &channel["name"]), (counted, &json!("survey")));
    let weighed: f64 = of("nps")
        .map(|q| q["nps"].as_f64().unwrap() * q["answers"].as_f64().unwrap())
        .sum();
    let nps = channel["nps"].as_f64().unwrap();
    assert!((weighed / answers as f64 - nps).abs() < 1e-9, "{nps}");
    console.stop().await;
}

#[tokio::test]
async fn a_person_sees_what_rises_opens_the_posts_and_reads_the_ratings() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let console = Running::start().await;
    let mut seeder = Seeder::new(&console.store);
    let now = Timestamp::now();
    seeder.past(now, 60).await;
    seeder.everything(now).await;
    browser.resize(1440, 1250).await;
    let link = wensheng_console::login_link(console.address, &console.admin);
    browser.open(&link).await;
    browser.until_shown("与此前 24 小时相比").await;
    let row = "[...document.querySelectorAll('.hot-row')].find(r => r.querySelector('.hot-term').textContent === '发现有异物')";
    browser.until(row).await;
    assert_eq!(
        browser
            .value(&format!("{row}.querySelector('.hot-rise').textContent"))
            .await,
        json!("新")
    );
    assert_eq!(
        browser
            .value(&format!("{row}.querySelector('.hot-negative').textContent"))
            .await,
        json!("100%")
    );
    browser.value(&format!("{row}.click()")).await;
    browser
        .until("document.querySelectorAll('.hot-samples li').length === 5")
        .await;
    browser
        .until("[...document.querySelectorAll('.hot-samples .words')].every(w => w.textContent.includes('有异物'))")
        .await;

    // One more voice is counted without a reload, and comes first among the posts once they are opened again.
    let count = format!("{row}.querySelector('.hot-count').textContent");
    let before = browser.value(&count).await;
    let before: i64 = before.as_str().unwrap().parse().unwrap();
    seeder.feedback(vec![voice(9, Timestamp::now(), 0)]).await;
    browser
        .until(&format!("{count} === '{}'", before + 1))
        .await;

    browser.until_shown("问卷评分").await;
    let rated =
        "[...document.querySelectorAll('.ratings li')].map(r => r.querySelector('b').textContent)";
    assert_eq!(
        browser.value(rated).await,
        json!([
            "净推荐值 NPS",
            "满意度 CSAT",
            "省力度 CES",
            "配送速度",
            "门店环境"
        ])
    );
    browser.screenshot("words-zh-light").await;
    browser
        .value("document.querySelector('.panel-ratings').scrollIntoView({block: 'end'})")
        .await;
    browser.screenshot("ratings-zh-light").await;
    let press = |panel: &str, text: &str| {
        format!(
            "[...document.querySelectorAll('{panel} [role=radio]')].find(b => b.textContent === '{text}').click()"
        )
    };
    browser.value(&press(".panel-ratings", "按产品")).await;
    browser.until(&format!("{rated}.length === 10")).await;
    browser
        .until("document.querySelector('.rating-name small').textContent === '冷萃'")
        .await;
    browser.value(&press(".panel-hot", "常说")).await;
    browser
        .until("document.querySelectorAll('.keywords li').length > 5")
        .await;
    browser.value(&press(".panel-hot", "突增")).await;
    browser.until(row).await;

    // Of one brand, and on a telephone.
    browser
        .value(&format!(
            "(s => {{ s.value = '{BRAND}'; s.dispatchEvent(new Event('change', {{bubbles: true}})) }})(document.querySelector('.tools select'))"
        ))
        .await;
    browser.until(&format!("Number({count}) < {before}")).await;
    browser.resize(390, 844).await;
    browser.value(&format!("{row}.scrollIntoView()")).await;
    browser
        .until("document.documentElement.scrollWidth <= innerWidth")
        .await;
    browser.screenshot("words-zh-light-390").await;
    let complaints = browser.log().await;
    assert!(complaints.is_empty(), "{complaints:?}");
    browser.close().await;
    console.stop().await;
}

/// A query string.
fn form(fields: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse("http://x/").unwrap();
    url.query_pairs_mut().extend_pairs(fields);
    url.query().unwrap().to_owned()
}
