//! A fresh store for each test.

use std::path::Path;

use sqlx::{Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;
use wensheng_store::{Store, StoreConfig};

pub(crate) struct Fixture {
    pub(crate) store: Store,
    config: StoreConfig,
    directory: TempDir,
    /// The server's URL and the schema that is this test's own.
    schema: Option<(String, String)>,
}

/// The URL of the PostgreSQL that tests may use; says so when there is none.
pub(crate) fn postgres_url() -> Option<String> {
    let url = std::env::var("WENSHENG_POSTGRES").ok();
    if url.is_none() {
        println!("skipped: WENSHENG_POSTGRES is not set; see tests/postgres.sh");
    }
    url
}

impl Fixture {
    pub(crate) async fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = StoreConfig::default();
        let store = Store::open(&config, directory.path()).await.unwrap();
        Self {
            store,
            config,
            directory,
            schema: None,
        }
    }

    pub(crate) async fn postgres(test: &str) -> Option<Self> {
        let url = postgres_url()?;
        // Names are cut at 63 bytes by the server.
        let schema = format!("t{}_{}", std::process::id(), &test[..test.len().min(40)]);
        let mut connection = PgConnection::connect(&url).await.unwrap();
        connection
            .execute(sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}")))
            .await
            .unwrap();
        connection.close().await.unwrap();
        let join = if url.contains('?') { '&' } else { '?' };
        let config = StoreConfig::at(format!("{url}{join}options=-csearch_path%3D{schema}"));
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&config, directory.path()).await.unwrap();
        Some(Self {
            store,
            config,
            directory,
            schema: Some((url, schema)),
        })
    }

    /// Another store on the same database, as another process has it.
    pub(crate) async fn open_again(&self) -> Store {
        Store::open(&self.config, self.path()).await.unwrap()
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The first column of a query of the test's own, as numbers.
    pub(crate) async fn numbers(&self, sql: &'static str) -> Vec<f64> {
        match &self.schema {
            None => {
                let url = format!("sqlite:{}", self.path().join("store.db").display());
                let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
                let rows = sqlx::query_scalar(sql).fetch_all(&pool).await.unwrap();
                pool.close().await;
                rows
            }
            Some((_, _)) => {
                let pool = sqlx::PgPool::connect(self.config.url.expose())
                    .await
                    .unwrap();
                let rows = sqlx::query_scalar(sql).fetch_all(&pool).await.unwrap();
                pool.close().await;
                rows
            }
        }
    }

    /// Runs a statement of the test's own; what the database says against it.
    pub(crate) async fn try_execute(&self, sql: &'static str) -> Result<(), sqlx::Error> {
        match &self.schema {
            None => {
                let url = format!("sqlite:{}", self.path().join("store.db").display());
                let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
                let done = sqlx::query(sql).execute(&pool).await.map(|_| ());
                pool.close().await;
                done
            }
            Some((_, _)) => {
                let pool = sqlx::PgPool::connect(self.config.url.expose())
                    .await
                    .unwrap();
                let done = sqlx::query(sql).execute(&pool).await.map(|_| ());
                pool.close().await;
                done
            }
        }
    }

    pub(crate) async fn end(self) {
        self.store.close().await;
        if let Some((url, schema)) = self.schema {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            connection
                .execute(sqlx::AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE")))
                .await
                .unwrap();
            connection.close().await.unwrap();
        }
    }
}
