#!/usr/bin/env bash
# The long run under faults: every process, the broker and the database are killed at random moments while events flow
# from three sources; then every figure is held against the truth, all is sent again, and no figure may change.
#
#   tests/faults.sh [seconds [seed,seed,…]]   by default an hour (3600), with six seeds that are drawn and told
#
# Half of that time with all roles in one process and half with one process per role, shared out among the seeds; to
# settle, to hold the figures, and to send all again takes as long once more. Then some minutes of outages.
#
# WENSHENG_FAULT_EVENTS gives the number of events per seed and form (default 200000). A broker and a database are started for
# the run alone. WENSHENG_BIN names the binary to test; else a release build is made. Needs: what tests/kafka.sh and
# tests/postgres.sh need. The log goes to standard output; the exit code is 0 when everything held.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
case "${1:-3600}" in
    *[!0-9]*)
        sed -n '2,13p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//' >&2
        exit 64 ;;
esac
seconds="${1:-3600}"
export WENSHENG_FAULT_SECONDS=$((seconds / 2))
export WENSHENG_FAULT_SEEDS="${2:-$RANDOM,$RANDOM,$RANDOM,$RANDOM,$RANDOM,$RANDOM}"
export WENSHENG_FAULT_ENGINES=own
if [[ -z "${WENSHENG_BIN:-}" ]]; then
    cargo build --release --package wensheng
    export WENSHENG_BIN="${CARGO_TARGET_DIR:-$PWD/target}/release/wensheng"
fi
printf 'seeds %s, %s s in all, %s\n' "$WENSHENG_FAULT_SEEDS" "$seconds" "$("$WENSHENG_BIN" --version)"
# One after the other, so that what one does with the machine is not another's fault.
exec cargo test --package wensheng-tests -- faults:: --nocapture --test-threads=1
