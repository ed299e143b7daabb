#!/usr/bin/env bash
# Runs a throw-away PostgreSQL for the tests, from the installed binaries.
#
#   tests/postgres.sh start [port]   start it (default port 15432) with an empty database, and wait until it answers;
#                                    the last line printed is its URL
#   tests/postgres.sh stop           stop it and delete its data
#   tests/postgres.sh status         say whether it runs; exit 0 when it does
#
# With WENSHENG_POSTGRES set, that database is used and nothing is started. Needs: PostgreSQL 13 or later, bash; as root,
# also the user postgres, because PostgreSQL refuses to run as root.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
home="${CARGO_TARGET_DIR:-$root/target}/postgres"
# Where the data stands is noted here; the data itself is in a directory that the user postgres can reach.
note="$home/data.path"

say() { printf '%s\n' "$*" >&2; }
die() { say "postgres.sh: $*"; exit 1; }

find_binaries() {
    local candidate
    for candidate in "${POSTGRES_BIN:-}" "$(command -v pg_ctl >/dev/null && dirname "$(command -v pg_ctl)")" \
        $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin 2>/dev/null | sort -rV); do
        if [[ -n "$candidate" && -x "$candidate/initdb" && -x "$candidate/pg_ctl" && -x "$candidate/createdb" ]]; then
            printf '%s' "$candidate"
            return
        fi
    done
    die "initdb, pg_ctl and createdb are not installed together; install PostgreSQL, or set POSTGRES_BIN or WENSHENG_POSTGRES"
}

as_owner() {
    if [[ "$(id -u)" == 0 ]]; then
        (cd / && exec setpriv --reuid=postgres --regid=postgres --init-groups "$@")
    else
        "$@"
    fi
}

data_path() { [[ -f "$note" ]] && cat "$note"; }

running() {
    local data
    data="$(data_path)" && as_owner "$binaries/pg_ctl" -D "$data" status >/dev/null 2>&1
}

url() { printf 'postgres://wensheng:wensheng@127.0.0.1:%s/wensheng\n' "$(cat "$home/port")"; }

start() {
    local port="${1:-15432}" data
    if running; then
        url
        return
    fi
    mkdir -p "$home"
    data="$(mktemp -d "${TMPDIR:-/tmp}/wensheng-postgres.XXXXXX")"
    [[ "$(id -u)" == 0 ]] && chown postgres "$data"
    printf '%s' "$data" >"$note"
    printf '%s' "$port" >"$home/port"
    printf 'wensheng' >"$data/password"
    chmod 644 "$data/password"
    as_owner "$binaries/initdb" -D "$data/cluster" -U wensheng --pwfile="$data/password" --auth=scram-sha-256 \
        -E UTF8 --locale=C >"$home/initdb.log" 2>&1 || die "initdb failed, see $home/initdb.log"
    printf '%s' "$data/cluster" >"$note"
    # Throw-away data needs no flush to the disk.
    as_owner "$binaries/pg_ctl" -D "$data/cluster" -w -t 60 -l "$data/cluster/server.log" \
        -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$data/cluster -c fsync=off" start \
        >&2 || die "PostgreSQL did not start, see $data/cluster/server.log"
    PGPASSWORD=wensheng "$binaries/createdb" -h 127.0.0.1 -p "$port" -U wensheng wensheng
    say "PostgreSQL answers"
    url
}

stop() {
    local data
    data="$(data_path)" || return 0
    if running; then
        as_owner "$binaries/pg_ctl" -D "$data" -m immediate stop >&2
    fi
    case "$data" in
        */wensheng-postgres.*) rm -rf "${data%/cluster}" ;;
    esac
    rm -f "$note" "$home/port"
}

case "${1:-}" in
    start)
        if [[ -n "${WENSHENG_POSTGRES:-}" ]]; then
            printf '%s\n' "$WENSHENG_POSTGRES"
        else
            binaries="$(find_binaries)"
            start "${2:-}"
        fi
        ;;
    stop)
        [[ -n "${WENSHENG_POSTGRES:-}" ]] && exit 0
        binaries="$(find_binaries)"
        stop
        ;;
    status)
        if [[ -n "${WENSHENG_POSTGRES:-}" ]]; then
            say "using $WENSHENG_POSTGRES"
        else
            binaries="$(find_binaries)"
            running && url
        fi
        ;;
    *)
        die "usage: tests/postgres.sh start [port] | stop | status"
        ;;
esac
