//! The store as a BI tool reads it: by SQL, past the service.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Once;

use sqlx::any::{AnyPoolOptions, install_default_drivers};
use sqlx::{AnyPool, AssertSqlSafe, Row as _};

use crate::input::Truth;

/// A reader of the store's tables.
pub(crate) struct Ledger {
    pool: AnyPool,
}

/// All that must not change when the same input comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) feedback: i64,
    /// Volumes of the topic `all`, by length of window.
    pub(crate) windows: BTreeMap<String, i64>,
    pub(crate) dead_letters: i64,
    pub(crate) alerts: i64,
    /// Signals folded into all alerts.
    pub(crate) signals: i64,
    pub(crate) deliveries: i64,
}

impl Ledger {
    pub(crate) async fn open(url: &str) -> Self {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(install_default_drivers);
        let pool = AnyPoolOptions::new()
            .max_connections(1)
            .connect(url)
            .await
            .expect("open the store");
        Self { pool }
    }

    /// The rows of a query; every column must be text.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.pool).await;
        let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
        rows.iter()
            .map(|row| {
                (0..row.len())
                    .map(|column| row.get::<String, _>(column))
                    .collect()
            })
            .collect()
    }

    /// Sums by name: a query of text columns, the last of which is a whole number.
    pub(crate) async fn sums(&self, sql: &str) -> BTreeMap<Vec<String>, i64> {
        let rows = self.rows(sql).await;
        rows.into_iter()
            .map(|mut row| {
                let sum = row.pop().expect("a sum").parse().expect("a whole number");
                (row, sum)
            })
            .collect()
    }

    /// One whole number.
    pub(crate) async fn figure(&self, expression: &str) -> i64 {
        let rows = self
            .rows(&format!("SELECT CAST({expression} AS TEXT)"))
            .await;
        rows[0][0].parse().expect("a whole number")
    }

    pub(crate) async fn figures(&self) -> Figures {
        let windows = self
            .sums("SELECT size, CAST(SUM(volume) AS TEXT) FROM windows WHERE topic = 'all' GROUP BY size")
            .await
            .into_iter()
            .map(|(key, sum)| (key.concat(), sum))
            .collect();
        Figures {
            feedback: self.figure("(SELECT COUNT(*) FROM feedback)").await,
            windows,
            dead_letters: self.figure("(SELECT COUNT(*) FROM dead_letters)").await,
            alerts: self.figure("(SELECT COUNT(*) FROM alerts)").await,
            signals: self
                .figure("(SELECT COALESCE(SUM(signals), 0) FROM alerts)")
                .await,
            deliveries: self.figure("(SELECT COUNT(*) FROM deliveries)").await,
        }
    }
}

impl Figures {
    /// Insists that every row that was read is there once: in the store and in windows of each length.
    pub(crate) fn hold_each_once(&self, rows: i64) {
        assert_eq!(self.feedback, rows, "{self:#?}");
        let all = ["1d", "1h", "1m"].map(|size| (size.to_owned(), rows));
        assert_eq!(self.windows, BTreeMap::from(all), "{self:#?}");
    }
}

impl Ledger {
    /// Insists that the store holds exactly the pieces of `truth`: by id, by day, brand and channel, and by score.
    pub(crate) async fn holds(&self, truth: &Truth) {
        let ids: BTreeSet<String> = self
            .rows("SELECT native_id FROM feedback")
            .await
            .into_iter()
            .map(|row| row.concat())
            .collect();
        let missing: Vec<&String> = truth.ids.difference(&ids).take(5).collect();
        let invented: Vec<&String> = ids.difference(&truth.ids).take(5).collect();
        assert!(
            missing.is_empty() && invented.is_empty(),
            "missing {missing:?}, invented {invented:?}"
        );
        self.figures().await.hold_each_once(truth.rows());
        let days = self
            .sums("SELECT CAST(day AS TEXT), brand, channel, CAST(volume AS TEXT) FROM v_daily_brand_sentiment")
            .await;
        assert_eq!(days, truth.days);
        let nps = self
            .rows(
                "SELECT CAST(SUM(nps_promoters) AS TEXT), CAST(SUM(nps_passives) AS TEXT), \
                 CAST(SUM(nps_detractors) AS TEXT) FROM windows WHERE size = '1d' AND topic = 'all'",
            )
            .await;
        assert_eq!(nps, [truth.nps.map(|count| count.to_string()).to_vec()]);
    }
}
