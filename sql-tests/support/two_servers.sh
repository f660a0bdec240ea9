# Sourced by the scripts beside: fresh servers of Outlast and PostgreSQL in a directory that goes at the end.

find_postgres() {
    local dir
    for dir in ${PG_BIN:-} /usr/lib/postgresql/15/bin /usr/pgsql-15/bin /opt/homebrew/opt/postgresql@15/bin \
        /usr/local/pgsql/bin; do
        if [ -x "$dir/initdb" ] && [ -x "$dir/pg_ctl" ] && ! "$dir/postgres" --version | grep -q Outlast; then
            echo "$dir"
            return
        fi
    done
}

# The servers do not run as root.
as_server() { if [ "$(id -u)" = 0 ]; then runuser -u "${SERVER_USER:-nobody}" -- "$@"; else "$@"; fi; }

root=$(mktemp -d "${TMPDIR:-/tmp}/two-servers.XXXXXX")
chmod 777 "$root"
names=()
declare -A bin port data

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

make_cluster() { # NAME BIN SETTINGS
    names+=("$1"); bin[$1]=$2; port[$1]=$(free_port); data[$1]=$root/$1
    as_server "$2/initdb" -D "${data[$1]}" -U postgres -A trust -E UTF8 --no-locale >/dev/null
    printf '%s\nport = %s\nlisten_addresses = %s\nunix_socket_directories = %s\n' \
        "$3" "${port[$1]}" "'127.0.0.1'" "'$root'" | as_server tee -a "${data[$1]}/postgresql.conf" >/dev/null
    start "$1"
}
start() { as_server "${bin[$1]}/pg_ctl" start -s -w -t 300 -D "${data[$1]}" -l "$root/$1.log" >/dev/null; }
stop() { as_server "${bin[$1]}/pg_ctl" stop -s -w -D "${data[$1]}" -m "${2:-fast}"; }

start_outlast() { # BINARY SETTINGS
    [ -x "$1" ] || { echo "$1 is missing: build it, or name another with -b" >&2; exit 1; }
    mkdir "$root/bin"
    cp "$1" "$root/bin/outlast"
    "$root/bin/outlast" link "$root/bin" >/dev/null
    chmod -R a+rx "$root/bin"
    make_cluster outlast "$root/bin" "${2:-fsync = off}"
}

start_postgresql() { # SETTINGS
    local found
    found=$(find_postgres)
    [ -n "$found" ] || { echo "no PostgreSQL 15 is at hand (PG_BIN)" >&2; exit 1; }
    make_cluster postgresql "$found" "${1:-fsync = off}"
}

on() { PGHOST=127.0.0.1 PGPORT=${port[$1]} PGUSER=postgres PGDATABASE=postgres "${@:2}"; }

cleanup() {
    local name
    for name in "${names[@]}"; do stop "$name" immediate 2>/dev/null || true; done
    rm -rf "$root"
}
trap cleanup EXIT
