//! Sources as they come and stay away.

use jiff::SignedDuration;
use wensheng_bus::TopicPartition;
use wensheng_schemas::SourceTrouble;

use super::*;

/// A Monday, 08:00 in Shanghai.
fn monday() -> Timestamp {
    "2026-03-02T00:00:00Z".parse().unwrap()
}

fn minute(number: i64) -> Timestamp {
    monday() + SignedDuration::from_mins(number)
}

const DAY: i64 = 24 * 60;

struct World {
    stage: Silence,
    /// The latest record of each source.
    log: BTreeMap<Bytes, OutRecord>,
    signals: Vec<(i64, Signal)>,
    config: SilenceConfig,
    trouble: Option<SourceTrouble>,
}

impl World {
    fn new(config: SilenceConfig) -> Self {
        Self {
            stage: Silence::new(&config, zone()),
            log: BTreeMap::new(),
            signals: Vec::new(),
            config,
            trouble: None,
        }
    }

    /// A heartbeat in minute `number`, with `fresh` pieces.
    fn beat(&mut self, number: i64, fresh: u64) {
        self.beat_of("hotline", number, fresh);
    }

    fn beat_of(&mut self, source: &str, number: i64, fresh: u64) {
        let status = SourceStatus {
            source: source.to_owned(),
            connector: "webhook".to_owned(),
            // As of a `connect` that was restarted and has taken nothing yet.
            brand: if fresh > 0 { "青柚茶饮" } else { "" }.to_owned(),
            channel: (fresh > 0).then_some(wensheng_schemas::Channel::Hotline),
            fresh,
            taken: fresh,
            last_ok_at: None,
            last_event_at: (fresh > 0).then(|| minute(number)),
            lag_seconds: None,
            trouble: self.trouble.clone(),
            at: minute(number),
        };
        let mut out = Outputs::default();
        let record = read(encode(&status, None));
        assert_eq!(
            self.stage.process(&record, minute(number), &mut out),
            Outcome::Emit
        );
        self.stage.flush(&mut out);
        self.commit(number, out);
    }

    fn tick(&mut self, number: i64) {
        let mut out = Outputs::default();
        self.stage.tick(minute(number), &mut out);
        self.commit(number, out);
    }

    fn commit(&mut self, number: i64, out: Outputs) {
        for record in out.into_records() {
            if *record.topic == *Topic::Rhythms.name() {
                self.log.insert(record.key.clone(), record);
            } else {
                self.signals.push((number, decode(&read(record)).unwrap()));
            }
        }
        self.stage.committed();
    }

    fn restart(&mut self) {
        self.stage = Silence::new(&self.config, zone());
        for record in self.log.values() {
            self.stage.restore(&read(record.clone()));
        }
    }

    /// Days of calls from 08:00 to 20:00, one every four minutes, and quiet nights.
    fn live(&mut self, days: std::ops::Range<i64>) {
        for number in days.start * DAY..days.end * DAY {
            let by_day = number % DAY < 12 * 60;
            self.beat(number, u64::from(by_day && number % 4 == 0));
        }
    }

    /// When what was told: minute, level, and the class of what is wrong.
    fn told(&self) -> Vec<(i64, Severity, &str)> {
        self.signals
            .iter()
            .map(|(number, signal)| match &signal.kind {
                SignalKind::Silence { error, .. } => (*number, signal.severity, error.as_str()),
                other => panic!("{other:?}"),
            })
            .collect()
    }
}

fn zone() -> TimeZone {
    TimeZone::get("Asia/Shanghai").unwrap()
}

fn read(record: OutRecord) -> Record {
    Record {
        at: TopicPartition::new(record.topic, 2),
        offset: 0,
        appended_at: monday(),
        key: record.key,
        value: record.value,
        headers: record.headers,
    }
}

#[test]
fn quiet_nights_are_usual_and_a_quiet_morning_is_told_within_the_hour() {
    let mut world = World::new(SilenceConfig::default());
    world.live(0..4);
    assert_eq!(world.told(), []);
    // Friday: nobody calls.
    for number in 4 * DAY..4 * DAY + 240 {
        world.beat(number, 0);
    }
    let told = world.told();
    let [(first, Severity::Watch, ""), (second, Severity::Alert, "")] = told[..] else {
        panic!("{told:?}");
    };
    let after = |number: i64| number - 4 * DAY;
    assert!((30..=70).contains(&after(first)), "{first}");
    assert!((60..=130).contains(&after(second)), "{second}");
    let signal = &world.signals[0].1;
    assert_eq!(
        (signal.brand.as_str(), signal.topic.as_str()),
        ("青柚茶饮", "source/hotline")
    );
    // They call again, and fall silent again: another silence, with another id.
    world.beat(4 * DAY + 241, 1);
    for number in 4 * DAY + 242..4 * DAY + 400 {
        world.beat(number, 0);
    }
    assert_eq!(world.told().len(), 4);
    let ids: BTreeSet<&str> = world.signals.iter().map(|(_, s)| s.id.as_str()).collect();
    assert_eq!(ids.len(), 4);
}

#[test]
fn a_restart_in_the_middle_of_a_silence_changes_nothing() {
    let run = |restarts: bool| {
        let mut world = World::new(SilenceConfig::default());
        world.live(0..4);
        for number in 4 * DAY..4 * DAY + 240 {
            if restarts && number % 7 == 0 {
                world.restart();
            }
            world.beat(number, 0);
        }
        let signals: Vec<Signal> = world
            .signals
            .into_iter()
            .map(|(_, signal)| signal)
            .collect();
        signals
    };
    let signals = run(false);
    assert_eq!(signals.len(), 2);
    assert!(
        signals
            .iter()
            .all(|signal| signal.brand == "青柚茶饮" && signal.channels.len() == 1)
    );
    assert_eq!(run(true), signals);
}

#[test]
fn an_outage_teaches_nothing_and_a_source_that_is_hardly_known_is_left_alone() {
    let mut world = World::new(SilenceConfig::default());
    // Two days are no history.
    world.live(0..2);
    for number in 2 * DAY..2 * DAY + 300 {
        world.beat(number, 0);
    }
    assert_eq!(world.told(), []);

    let mut world = World::new(SilenceConfig::default());
    world.live(0..4);
    world.trouble = Some(trouble(4 * DAY));
    // With this heartbeat the last slot before the trouble is over, and still counted.
    world.beat(4 * DAY, 0);
    let usual = world.stage.sources["hotline"].1.hours.clone();
    for number in 4 * DAY + 1..5 * DAY {
        world.beat(number, 0);
    }
    assert_eq!(world.stage.sources["hotline"].1.hours, usual);
    assert_eq!(world.stage.sources["hotline"].1.surprise, 0.0);
}

fn trouble(since: i64) -> SourceTrouble {
    SourceTrouble {
        class: "fatal-config".to_owned(),
        reason: "the token was refused".to_owned(),
        since: minute(since),
    }
}

#[test]
fn a_source_in_trouble_is_told_with_its_class_at_night_too_and_once() {
    let mut world = World::new(SilenceConfig::default());
    world.live(0..1);
    world.trouble = Some(trouble(DAY - 60));
    for number in DAY..DAY + 60 {
        world.beat(number, 0);
    }
    assert_eq!(world.told(), [(DAY, Severity::Alert, "fatal-config")]);
    world.trouble = None;
    world.beat(DAY + 61, 0);
    world.trouble = Some(trouble(DAY + 62));
    for number in DAY + 62..DAY + 80 {
        world.beat(number, 0);
    }
    assert_eq!(world.told().len(), 2);
    assert_eq!(world.told()[1].0, DAY + 72);
}

#[test]
fn missing_heartbeats_are_told_and_those_missed_while_nobody_listened_are_not() {
    let mut world = World::new(SilenceConfig::default());
    world.live(0..1);
    world.tick(DAY + 3);
    assert_eq!(world.told(), []);
    // An hour later a process is started: connect has time to come up.
    world.restart();
    nobody_is_heard(&mut world, DAY + 60..DAY + 65);
    assert_eq!(world.told(), []);
    nobody_is_heard(&mut world, DAY + 65..DAY + 67);
    assert_eq!(world.told(), [(DAY + 65, Severity::Alert, "no_heartbeat")]);
    world.beat(DAY + 67, 1);
    assert_eq!(world.told().len(), 1);
    assert_eq!(world.stage.sources["hotline"].1.told, 0);
}

#[test]
fn a_longest_gap_holds_from_the_first_day() {
    let mut world = World::new(SilenceConfig {
        longest_gap_minutes: BTreeMap::from([("hotline".to_owned(), 90)]),
        ..SilenceConfig::default()
    });
    world.beat(0, 1);
    for number in 1..200 {
        world.beat(number, 0);
    }
    assert_eq!(world.told(), [(90, Severity::Alert, "")]);
}

#[test]
fn a_source_that_is_configured_no_longer_is_forgotten() {
    let mut world = World::new(SilenceConfig::default());
    world.live(0..1);
    let mut gone = read(OutRecord {
        topic: Topic::Sources.shared_name(),
        ..tombstone("hotline".to_owned())
    });
    gone.value = None;
    let mut out = Outputs::default();
    assert_eq!(
        world.stage.process(&gone, minute(DAY), &mut out),
        Outcome::Emit
    );
    assert!(out.records()[0].value.is_none());
    world.tick(DAY + 100);
    assert_eq!(world.told(), []);
}

#[test]
fn the_shipped_configuration_is_sound() {
    let mut problems = Problems::default();
    SilenceConfig::default().check(&mut problems);
    assert!(problems.into_found().is_empty());
}

/// What was told of which source, and when.
fn told_of(world: &World) -> Vec<(i64, String, String)> {
    let told = world
        .signals
        .iter()
        .map(|(number, signal)| match &signal.kind {
            SignalKind::Silence { source, error, .. } => (*number, source.clone(), error.clone()),
            other => panic!("{other:?}"),
        });
    told.collect()
}

const SOURCES: [&str; 3] = ["hotline", "survey", "weibo"];

/// Minutes in which all sources give, and it is looked at them.
fn all_give(world: &mut World, minutes: std::ops::Range<i64>) {
    for number in minutes {
        for source in SOURCES {
            world.beat_of(source, number, 1);
        }
        world.tick(number);
    }
}

fn nobody_is_heard(world: &mut World, minutes: std::ops::Range<i64>) {
    for number in minutes {
        world.tick(number);
    }
}

fn all_at_once(number: i64) -> (i64, String, String) {
    (number, "*".to_owned(), "no_heartbeat".to_owned())
}

#[test]
fn when_nothing_takes_in_it_is_told_once_and_not_of_each_source() {
    let mut world = World::new(SilenceConfig::default());
    all_give(&mut world, 0..10);
    nobody_is_heard(&mut world, 10..60);
    assert_eq!(told_of(&world), [all_at_once(14)]);
    assert!(world.stage.sources.values().all(|(_, rhythm)| rhythm.away));
    // A restart in the outage tells it no second time.
    world.restart();
    nobody_is_heard(&mut world, 60..90);
    assert_eq!(told_of(&world).len(), 1);
    // It runs again; one source is not heard of, and that is then the source's own.
    for number in 90..110 {
        for source in &SOURCES[..2] {
            world.beat_of(source, number, 1);
        }
        world.tick(number);
    }
    let own = (95, "weibo".to_owned(), "no_heartbeat".to_owned());
    assert_eq!(told_of(&world), [all_at_once(14), own]);
    // A second outage is another matter.
    all_give(&mut world, 110..120);
    nobody_is_heard(&mut world, 120..130);
    assert_eq!(told_of(&world).len(), 3);
    let ids: BTreeSet<&str> = world.signals.iter().map(|(_, s)| s.id.as_str()).collect();
    assert_eq!(ids.len(), 3);
}

#[test]
fn time_in_which_nothing_ran_is_no_silence_of_a_source_and_hides_none_after_it() {
    let config = SilenceConfig {
        longest_gap_minutes: SOURCES.map(|source| (source.to_owned(), 30)).into(),
        ..SilenceConfig::default()
    };
    let mut world = World::new(config);
    all_give(&mut world, 0..10);
    // The whole installation is down for two hours.
    world.restart();
    for number in 130..200 {
        for source in SOURCES {
            // One gives nothing any more.
            world.beat_of(source, number, u64::from(source != "weibo"));
        }
        world.tick(number);
    }
    // From minute 9 on, 121 minutes in which nobody listened left out.
    assert_eq!(told_of(&world), [(160, "weibo".to_owned(), String::new())]);
}

#[test]
fn a_source_that_never_gave_anything_is_told_in_time_whatever_was_down_before() {
    let config = SilenceConfig {
        longest_gap_minutes: SOURCES.map(|source| (source.to_owned(), 30)).into(),
        ..SilenceConfig::default()
    };
    let mut world = World::new(config);
    let beats = |world: &mut World, minutes: std::ops::Range<i64>| {
        for number in minutes {
            for source in SOURCES {
                world.beat_of(source, number, u64::from(source != "weibo"));
            }
            world.tick(number);
        }
    };
    beats(&mut world, 0..10);
    // Two hours in which the whole installation is down.
    world.restart();
    beats(&mut world, 130..200);
    assert_eq!(told_of(&world), [(160, "weibo".to_owned(), String::new())]);
}

#[test]
fn a_machine_that_slept_tells_of_no_source() {
    let mut world = World::new(SilenceConfig::default());
    all_give(&mut world, 0..10);
    // The same process looks again an hour later, before it has heard anything.
    world.tick(70);
    assert_eq!(told_of(&world), []);
    all_give(&mut world, 71..80);
    assert_eq!(told_of(&world), []);
    // What is missing after that is told.
    nobody_is_heard(&mut world, 80..90);
    assert_eq!(told_of(&world), [all_at_once(84)]);
}
