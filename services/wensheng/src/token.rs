//! `wensheng token`: who may use the console. A token is shown once; the store holds its hash.

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use wensheng_store::{Role, Store};

use crate::cli::{TokenAction, TokenArgs};
use crate::config;

/// Runs the command.
pub(crate) async fn run(args: TokenArgs) -> Result<()> {
    let mut config = config::load_or_default(args.config.config.as_deref())?;
    if let Some(data_dir) = args.data_dir {
        config.data_dir = data_dir;
    }
    let store = Store::open(&config.store, &config.data_dir)
        .await
        .context("open the store")?;
    match args.action {
        TokenAction::Create { name, role } => {
            let role = Role::from_name(&role)
                .with_context(|| format!("no role `{role}`; give viewer, responder or admin"))?;
            let created = store.create_token(&name, role, Timestamp::now()).await?;
            println!("{}", created.secret);
            eprintln!(
                "token {} for {name} ({}); it is shown only now",
                created.token.id,
                role.name()
            );
        }
        TokenAction::List => {
            for token in store.tokens().await? {
                let state = token
                    .revoked_at
                    .map_or("valid".to_owned(), |at| format!("revoked {at}"));
                println!(
                    "{}\t{}\t{}\t{}\t{state}",
                    token.id,
                    token.name,
                    token.role.name(),
                    token.created_at
                );
            }
        }
        TokenAction::Revoke { id } => {
            if !store.revoke_token(&id, Timestamp::now()).await? {
                bail!("no valid token has the id {id}; see `wensheng token list`");
            }
            println!("token {id} is revoked");
        }
    }
    store.close().await;
    Ok(())
}
