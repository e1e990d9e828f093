#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds everything with sanitizers and warnings as errors, and runs every test. tests/README.md explains the labels.
#   --full            the long forms of the tests
#   --preset NAME     another preset of CMakePresets.json (default: ci)
#   anything else     goes to ctest: -L unit, -R tst_config, --repeat until-fail:5
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/packaging/packages.sh"

preset=ci
remaining=$#
while [ "$remaining" -gt 0 ]; do
    argument=$1
    shift
    remaining=$((remaining - 1))
    case "$argument" in
    --full)
        export SIGNALBOX_TEST_FULL=1
        ;;
    --preset)
        if [ "$remaining" -eq 0 ]; then
            say "--preset needs the name of a preset of CMakePresets.json"
            exit 64
        fi
        preset=$1
        shift
        remaining=$((remaining - 1))
        ;;
    --help | -h)
        sed -n '3,6s/^# *//p' "$0"
        exit 0
        ;;
    *)
        set -- "$@" "$argument"
        ;;
    esac
done

# shellcheck disable=SC2086 # one word for each package
install_packages $build_packages $test_packages
install_node
cd "$root"
build="$root/build/$preset"

cmake --preset "$preset" >&2
cmake --build --preset "$preset" --parallel "$(nproc)" >&2

# The peers' packages go beside the build, so that testing leaves the source tree as it was.
if [ -f tests/peers/package-lock.json ]; then
    peers="$build/peers"
    mkdir -p "$peers"
    if ! cmp -s tests/peers/package-lock.json "$peers/installed-lock.json"; then
        cp tests/peers/package.json tests/peers/package-lock.json "$peers/"
        (cd "$peers" && npm ci --ignore-scripts --no-audit --no-fund >&2)
        cp tests/peers/package-lock.json "$peers/installed-lock.json"
    fi
    export SIGNALBOX_PEERS_DIR="$peers"
fi

cluster=
postmaster=
# Stops exactly the server that this run started. SIGINT is PostgreSQL's fast shutdown.
stop_postgres() {
    if [ -n "$postmaster" ]; then
        kill -INT "$postmaster" 2>/dev/null || true
        wait "$postmaster" 2>/dev/null || true
        postmaster=
    fi
    if [ -n "$cluster" ]; then
        rm -rf "$cluster"
        cluster=
    fi
}
trap stop_postgres EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# initdb and postgres refuse to run as root; setpriv becomes the other user in the same process, so that $! is the
# server's own id.
as_postgres() {
    if [ "$(id -u)" -eq 0 ]; then
        exec setpriv --reuid postgres --regid postgres --init-groups "$@"
    fi
    exec "$@"
}

# A throw-away cluster on a socket that only its owner and root can reach, durable as in production.
start_postgres() {
    bin=$(find /usr/lib/postgresql/*/bin -name initdb 2>/dev/null | sort -V | tail -n 1)
    bin=${bin%/initdb}
    if [ -z "$bin" ]; then
        return 1
    fi
    # Not under TMPDIR: the path of a socket may have 107 bytes only.
    cluster=$(mktemp -d /tmp/signalbox-pg.XXXXXX)
    if [ "$(id -u)" -eq 0 ]; then
        chown postgres: "$cluster"
    fi
    log="$build/postgres.log"
    if ! (cd / && as_postgres "$bin/initdb" -D "$cluster/data" -U signalbox -A trust -E UTF8 --locale=C.UTF-8 \
        --no-instructions) >"$log" 2>&1; then
        cat "$log" >&2
        return 1
    fi
    (cd / && as_postgres "$bin/postgres" -D "$cluster/data" -k "$cluster" -c listen_addresses= -c fsync=on \
        -c max_connections=200 -c shared_buffers=64MB) >>"$log" 2>&1 &
    postmaster=$!
    tries=0
    until "$bin/pg_isready" -q -h "$cluster" -U signalbox; do
        tries=$((tries + 1))
        if [ "$tries" -gt 300 ] || ! kill -0 "$postmaster" 2>/dev/null; then
            cat "$log" >&2
            return 1
        fi
        sleep 0.1
    done
    folder=$(printf %s "$cluster" | sed 's,/,%2F,g')
    export SIGNALBOX_TEST_POSTGRES="postgresql://signalbox@/postgres?host=$folder"
}

if [ -z "${SIGNALBOX_TEST_POSTGRES:-}" ]; then
    if ! start_postgres; then
        say "PostgreSQL did not start."
        exit 69
    fi
fi
export SIGNALBOX_REQUIRE_POSTGRES=1

status=0
ctest --test-dir "$build" --output-on-failure --no-tests=error -j4 "$@" || status=$?
exit "$status"
