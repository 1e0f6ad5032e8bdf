//! Telemetry: what every database must do, and what is particular to SQLite.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

mod support;

mod counting;
mod crash;
mod gate;
mod interleaved;
mod pages;
mod retention;
mod sqlite;

/// Runs every test of the suites on databases that a function makes.
macro_rules! suite {
    ($open:path: $($module:ident { $($name:ident)* })*) => {$($(
        #[tokio::test]
        async fn $name() {
            let held = $open().await;
            crate::$module::$name(&*held.telemetry).await;
        }
    )*)*};
}

/// The suites, on SQLite. Another database gets a module like this one.
mod on_sqlite {
    suite! { crate::sqlite::fresh:
        counting {
            the_same_check_in_counts_once
            an_install_is_active_where_it_was_seen_last
            a_day_that_is_over_stays_as_it_was
            a_clock_that_was_set_right_takes_installs_along
            an_outcome_is_how_far_an_install_came
            repeated_and_late_reports_change_nothing
            running_it_confirms_it
            trouble_with_the_download_is_forgotten_by_a_start
            a_boot_failure_stays_in_its_attempt
            a_report_without_attempt_belongs_to_the_newest_offer
            what_was_never_offered_is_not_stored
            a_later_attempt_counts_on_its_own
            each_channel_has_its_own_row
            hostile_words_are_counted_together
            a_flood_of_words_ends_in_other
            plugins_are_counted_by_install
        }
        pages {
            pages_go_on_where_the_last_one_ended
            days_away_lose_nothing
            another_workspace_sees_nothing
            an_install_is_found_in_every_workspace
            marks_only_rise
            a_freshness_key_that_is_gone_takes_its_marks_along
        }
        retention {
            what_names_an_install_expires
            the_attempt_that_runs_is_not_counted_twice
            minutes_end_and_their_sums_stay
            forgetting_keeps_counts
        }
        gate {
            real_failures_trip_it_and_a_newer_attempt_starts_clean
            it_stays_latched
            a_completion_stays_latched_and_a_resumption_does_not
            a_resumed_rollout_counts_anew
            too_few_say_nothing
            a_flood_of_forged_ids_does_nothing
            ids_that_appear_after_the_start_do_not_count
            who_was_not_offered_it_does_not_count
            one_install_fails_once
            one_network_does_not_trip_it
            a_flood_of_successes_from_one_network_does_not_hide_failures
            trouble_with_the_download_is_no_boot_failure
        }
    }
}
