//! Signals become alerts.

use bytes::Bytes;
use wensheng_bus::{Outcome, Outputs, Record, Stage, TopicPartition};
use wensheng_respond::Config;
use wensheng_schemas::{
    ALL_SOURCES, Action, AlertId, Channel, Escalation, Severity, Signal, SignalKind, TOPIC_ALL,
    Topic,
};

use crate::world::{BRAND, World, after, command, negative_share, signal};

#[tokio::test]
async fn a_flood_of_signals_is_one_alert_and_one_record_per_batch() {
    let mut world = World::new(Config::default());
    for n in 0..500 {
        let mut signal = signal(n, "food_safety", Severity::Crisis, n as i64);
        signal.channels = vec![Channel::ALL[n as usize % 3]];
        world.process(&signal, after(n as i64));
    }
    let written = world.commit().await;
    assert_eq!(written.alerts.len(), 1);
    assert_eq!(written.told(), ["raised"]);
    assert_eq!(written.notifications[0].audience, Escalation::Management);
    let alert = &written.alerts[0];
    assert_eq!(alert.id, AlertId::of(BRAND, "food_safety", "signal-0"));
    assert_eq!(
        alert.title,
        "青柚茶饮：出现「食品异物」类反馈（虫子、异物）"
    );
    assert_eq!((alert.signals, alert.revision), (500, 1));
    assert_eq!(alert.causes["食品异物"], 500);
    assert_eq!(alert.channels, &Channel::ALL[..3]);
    assert_eq!(alert.last_signal_at, after(499));
    let texts: Vec<_> = alert.samples.iter().map(|s| s.text.as_str()).collect();
    assert_eq!(texts.len(), 10);
    assert_eq!(
        (texts[0], texts[9]),
        ("杯子里有虫子 499", "杯子里有虫子 490")
    );
    // Rough, but a record of many kilobytes would be a mistake.
    let bytes = world.log.values().next().unwrap().value.as_ref().unwrap();
    assert!(bytes.len() < 6_000, "{}", bytes.len());
}

#[tokio::test]
async fn topics_brands_and_drills_have_alerts_of_their_own() {
    let mut world = World::new(Config::default());
    world.process(&signal(1, "price", Severity::Alert, 0), after(0));
    world.process(&signal(2, "food_safety", Severity::Alert, 0), after(0));
    let mut other = signal(3, "price", Severity::Alert, 0);
    other.brand = "云杉超市".to_owned();
    world.process(&other, after(0));
    let mut drill = signal(4, "price", Severity::Alert, 0);
    drill.drill = true;
    world.process(&drill, after(0));
    let written = world.commit().await;
    assert_eq!(written.alerts.len(), 4);
    let drill = &written.alerts[3];
    assert!(drill.drill && drill.title.starts_with("【演练】"));
}

#[tokio::test]
async fn unrest_of_the_whole_brand_folds_into_its_gravest_open_alert() {
    let mut world = World::new(Config::default());
    world.process(&signal(1, "price", Severity::Alert, 0), after(0));
    world.process(&signal(2, "food_safety", Severity::Crisis, 1), after(1));
    let mut whole = signal(3, TOPIC_ALL, Severity::Alert, 2);
    whole.kind = negative_share();
    world.process(&whole, after(2));
    let mut silence = signal(4, TOPIC_ALL, Severity::Watch, 3);
    silence.kind = SignalKind::Silence {
        source: "weibo".to_owned(),
        seconds: 1_800,
        error: String::new(),
    };
    world.process(&silence, after(3));
    let mut all = signal(5, "source/*", Severity::Alert, 4);
    all.kind = SignalKind::Silence {
        source: ALL_SOURCES.to_owned(),
        seconds: 360,
        error: "no_heartbeat".to_owned(),
    };
    world.process(&all, after(4));
    let written = world.commit().await;
    let told: Vec<_> = written
        .alerts
        .iter()
        .map(|a| (a.topic.as_str(), a.signals, a.title.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("price", 1, "青柚茶饮：出现「食品异物」类反馈（虫子、异物）"),
            (
                "food_safety",
                2,
                "青柚茶饮：出现「食品异物」类反馈（虫子、异物）"
            ),
            (TOPIC_ALL, 1, "青柚茶饮：数据源「weibo」已静默 30 分钟"),
            (
                "source/*",
                1,
                "青柚茶饮：所有数据源都没有心跳，接入服务（connect）没有运行或连不上消息总线，已 6 分钟"
            ),
        ]
    );
}

#[tokio::test]
async fn a_rise_of_volume_informs_and_neither_raises_nor_joins_an_alert() {
    let mut world = World::new(Config::default());
    let mut rise = signal(1, TOPIC_ALL, Severity::Watch, 0);
    rise.kind = SignalKind::Volume {
        score: 3.1,
        window_seconds: 900,
        pieces: 186,
        usual: 41,
    };
    world.process(&rise, after(0));
    world.process(&signal(2, "price", Severity::Alert, 1), after(1));
    rise.id.push('0');
    world.process(&rise, after(2));
    let written = world.commit().await;
    let told: Vec<_> = written
        .alerts
        .iter()
        .map(|a| (a.topic.as_str(), a.signals))
        .collect();
    assert_eq!(told, [("price", 1)]);
    assert!(!written.alerts[0].brand_wide);
}

fn wave(number: u64, topic: &str, severity: Severity, seconds: i64) -> Signal {
    let mut wave = signal(number, topic, severity, seconds);
    wave.kind = negative_share();
    wave
}

#[tokio::test]
async fn a_wave_seen_first_in_the_brand_and_then_in_topics_is_one_alert() {
    let mut world = World::new(Config::default());
    world.process(&wave(1, TOPIC_ALL, Severity::Alert, 100), after(100));
    world.process(&wave(2, "food_safety", Severity::Crisis, 150), after(150));
    // Also one that began later, and also after a restart.
    let first = world.commit().await;
    world.restart();
    world.process(&wave(3, "price", Severity::Alert, 900), after(900));
    let written = world.commit().await;
    assert_eq!(first.told(), ["raised", "severity_raised"]);
    assert!(written.told().is_empty());
    assert_eq!(written.alerts.len(), 1);
    let alert = &written.alerts[0];
    assert_eq!((alert.signals, alert.severity), (3, Severity::Crisis));
    assert_eq!(alert.causes["负面声量激增"], 3);
    assert_eq!(
        alert.title,
        "青柚茶饮：负面声量激增，5 分钟内 36 人负面，占 75%"
    );
}

#[tokio::test]
async fn a_crisis_that_took_in_the_unrest_of_the_brand_takes_in_the_waves_of_its_topics() {
    let mut world = World::new(Config::default());
    world.process(&signal(1, "safety", Severity::Crisis, 0), after(0));
    // Before any unrest of the brand as a whole, a topic's wave is a matter of its own, and stays one.
    world.process(&wave(2, "price", Severity::Alert, 10), after(10));
    world.process(&wave(3, TOPIC_ALL, Severity::Alert, 20), after(20));
    let topics = ["staff", "after_sales", "quality", "logistics", "app"];
    for (number, topic) in (4..).zip(topics) {
        let at = 20 + 60 * number as i64;
        world.process(&wave(number, topic, Severity::Alert, at), after(at));
    }
    world.process(&wave(9, "price", Severity::Alert, 700), after(700));
    // A rule hit tells of one piece: on another topic it is another matter. So is a wave of another brand, or of a drill.
    world.process(&signal(10, "staff", Severity::Alert, 800), after(800));
    let mut other = wave(11, "app", Severity::Alert, 800);
    other.brand = "云杉超市".to_owned();
    world.process(&other, after(800));
    let mut drill = wave(12, "app", Severity::Alert, 800);
    drill.drill = true;
    world.process(&drill, after(800));
    let written = world.commit().await;
    let found: Vec<_> = written
        .alerts
        .iter()
        .map(|a| (a.topic.as_str(), a.signals, a.brand_wide))
        .collect();
    assert_eq!(
        found,
        [
            ("safety", 7, true),
            ("price", 2, false),
            ("staff", 1, false),
            ("app", 1, false),
            ("app", 1, false),
        ]
    );
    assert_eq!(
        written.alerts[1].title,
        "青柚茶饮：「price」负面声量激增，5 分钟内 36 人负面，占 75%"
    );
}

#[tokio::test]
async fn after_resolve_only_what_is_newer_opens_the_alert_again() {
    let mut world = World::new(Config::default());
    let first = world
        .take(&signal(1, "price", Severity::Alert, 0), after(0))
        .await;
    let id = first.alerts[0].id.clone();
    world
        .take(&command("c", &id, Action::Resolve, 100), after(100))
        .await;
    world.restart();
    let old = world.process(&signal(2, "price", Severity::Alert, 99), after(101));
    assert_eq!(old, Outcome::Drop("resolved"));
    let same = world.process(&signal(1, "price", Severity::Alert, 0), after(102));
    assert_eq!(same, Outcome::Drop("duplicate"));
    let new = world.process(&signal(3, "price", Severity::Alert, 101), after(103));
    assert_eq!(new, Outcome::Emit);
    let written = world.commit().await;
    assert_eq!(written.told(), ["reopened"]);
    assert_eq!(written.alerts[0].id, id);
    assert_eq!(world.alerts().len(), 1);
}

#[tokio::test]
async fn what_was_not_committed_is_gone_with_its_session() {
    let mut world = World::new(Config::default());
    world.process(&signal(1, "price", Severity::Alert, 0), after(0));
    world.stage.revoke(&[3]);
    assert!(world.commit().await.alerts.is_empty());
    // The batch comes again.
    let written = world
        .take(&signal(1, "price", Severity::Alert, 0), after(5))
        .await;
    assert_eq!(written.told(), ["raised"]);
    assert_eq!(written.alerts[0].signals, 1);
}

#[tokio::test]
async fn bytes_that_are_no_signal_or_command_are_rejected() {
    let mut world = World::new(Config::default());
    for topic in [Topic::Signals, Topic::Commands] {
        let record = Record {
            at: TopicPartition::new(topic.name(), 0),
            offset: 0,
            appended_at: after(0),
            key: Bytes::new(),
            value: Some(Bytes::from_static(b"[]")),
            headers: Vec::new(),
        };
        let outcome = world
            .stage
            .process(&record, after(0), &mut Outputs::default());
        assert!(matches!(outcome, Outcome::Reject(reason) if reason.contains(topic.name())));
    }
}
