//! Who may do what, and who did it.

use wensheng_store::{AuditEntry, Role};

use crate::fixture::Fixture;
use crate::samples::minute;

pub(crate) async fn a_token_opens_until_it_is_revoked(fixture: &Fixture) {
    let store = &fixture.store;
    let made = store
        .create_token("值班", Role::Responder, minute(0))
        .await
        .unwrap();
    let admin = store
        .create_token("管理", Role::Admin, minute(1))
        .await
        .unwrap();
    assert_ne!(made.secret, admin.secret);
    assert_eq!(
        store.verify_token(&made.secret).await.unwrap(),
        Some(made.token.clone())
    );
    // The id of one with the secret of the other opens nothing.
    let crossed = format!(
        "wsk_{}_{}",
        made.token.id,
        admin.secret.rsplit('_').next().unwrap()
    );
    let shortened = made.secret[..made.secret.len() - 1].to_owned();
    for wrong in [
        "",
        "wsk_",
        "wsk__",
        "nonsense",
        crossed.as_str(),
        shortened.as_str(),
        made.token.id.as_str(),
    ] {
        assert_eq!(store.verify_token(wrong).await.unwrap(), None, "{wrong:?}");
    }
    assert!(store.revoke_token(&made.token.id, minute(2)).await.unwrap());
    assert!(!store.revoke_token(&made.token.id, minute(3)).await.unwrap());
    assert_eq!(store.verify_token(&made.secret).await.unwrap(), None);
    let tokens = store.tokens().await.unwrap();
    let seen: Vec<_> = tokens
        .iter()
        .map(|token| (token.name.as_str(), token.role, token.revoked_at))
        .collect();
    assert_eq!(
        seen,
        [
            ("值班", Role::Responder, Some(minute(2))),
            ("管理", Role::Admin, None)
        ]
    );
    assert!(Role::Viewer < Role::Responder && Role::Responder < Role::Admin);
}

pub(crate) async fn the_audit_trail_can_only_grow(fixture: &Fixture) {
    let store = &fixture.store;
    let entry = |minutes: i64, action: &str| AuditEntry {
        at: minute(minutes),
        actor: "王敏".to_owned(),
        action: action.to_owned(),
        object: "x".to_owned(),
        detail: String::new(),
    };
    // The order of writing counts, not that of the clocks.
    let (first, second) = (entry(2, "alert.acknowledge"), entry(1, "alert.resolve"));
    store.append_audit(&first).await.unwrap();
    store.append_audit(&second).await.unwrap();
    for sql in ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"] {
        let refused = fixture.try_execute(sql).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
    assert_eq!(store.audit(10).await.unwrap(), [second.clone(), first]);
    assert_eq!(store.audit(1).await.unwrap(), [second]);
}
