//! The invented stream goes on where it was, and no post is told twice.

use std::collections::BTreeSet;

use serde_json::json;
use wensheng_schemas::Channel;

use crate::site::Site;

#[tokio::test]
async fn it_goes_on_after_a_restart_and_ends_at_its_count() {
    let site = Site::new().await;
    let sources = json!([{ "kind": "demo", "rate_per_second": 2_000, "count": 3_000 }]);
    let mut run = site.start(sources.clone());
    let progress = run.until(|progress| progress.rows_read > 0).await;
    assert!(!progress.all_through || progress.rows_read == 3_000);
    run.stop().await.unwrap();
    let first = site.events().await.len();
    site.run_through(sources).await;
    let events = site.events().await;
    assert!(
        first > 0 && events.len() == 3_000,
        "{first}, {}",
        events.len()
    );
    let ids: BTreeSet<_> = events.iter().map(|event| event.native_id.clone()).collect();
    assert_eq!(ids.len(), 3_000);
    assert!(ids.contains("7-0") && ids.contains("7-2999"));
    let brands: BTreeSet<_> = events.iter().map(|event| event.brand.clone()).collect();
    assert_eq!(brands.len(), 4);
    let channels: BTreeSet<_> = events.iter().map(|event| event.channel).collect();
    let expected = [
        Channel::Hotline,
        Channel::Wechat,
        Channel::Weibo,
        Channel::Survey,
    ];
    assert_eq!(channels, BTreeSet::from(expected));
    assert!(
        events
            .iter()
            .all(|event| event.occurred_at <= event.observed_at)
    );
}
