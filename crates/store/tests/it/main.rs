//! One suite for both databases: SQLite always, PostgreSQL where `WENSHENG_POSTGRES` names one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may fail loudly"
)]

mod fixture;
mod judged;
mod names;
mod opening;
mod people;
mod reading;
mod replay;
mod samples;
mod timeline;
mod views;
mod writing;

/// Runs each case on SQLite and on PostgreSQL.
macro_rules! on_both_databases {
    ($($module:ident::$case:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let fixture = crate::fixture::Fixture::sqlite().await;
                crate::$module::$case(&fixture).await;
                fixture.end().await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let Some(fixture) = crate::fixture::Fixture::postgres(stringify!($case)).await else {
                    return;
                };
                crate::$module::$case(&fixture).await;
                fixture.end().await;
            })*
        }
    };
}

on_both_databases!(
    writing::a_batch_is_stored_and_summed,
    writing::an_older_revision_never_replaces_a_newer_one,
    writing::a_revision_takes_its_old_contribution_back,
    writing::keywords_are_pruned_to_the_heaviest,
    writing::a_text_with_a_nul_character_holds_nothing_up,
    writing::every_attempt_stands_in_the_ledger,
    writing::a_dead_letter_read_twice_is_stored_once,
    writing::the_latest_correction_of_a_piece_holds_and_each_is_audited_once,
    writing::old_feedback_is_deleted_and_its_sums_stay,
    replay::repeats_change_nothing_and_are_told_as_they_stand,
    replay::a_restart_in_the_middle_counts_once,
    replay::the_same_batch_from_two_writers_counts_once,
    replay::writers_that_create_the_same_window_lose_nothing,
    replay::any_interleaving_of_replays_gives_the_same_sums,
    replay::progress_never_goes_back,
    reading::feedback_is_found_by_each_filter,
    reading::pages_follow_each_other_without_gap_or_repeat,
    reading::alerts_come_in_the_order_of_urgency,
    reading::a_series_is_told_apart_by_dimension,
    people::a_token_opens_until_it_is_revoked,
    people::the_audit_trail_can_only_grow,
    people::a_person_is_removed_from_every_row_and_that_is_written_down,
    writing::what_was_withdrawn_is_shown_to_nobody_and_does_not_come_back,
    judged::each_rule_answers_for_the_alerts_that_people_judged,
    judged::rises_are_kept_once_and_told_newest_first,
    timeline::a_tampered_line_is_found_and_lines_only_grow,
    names::terms_and_ratings_are_summed_once_and_taken_back_exactly,
    names::a_term_is_hot_when_its_share_rises,
    names::feedback_is_found_by_its_terms,
    views::business_tools_find_figures_under_plain_names,
);
