#!/usr/bin/env bash
# Makes the data directory on first start and runs the scripts of /docker-entrypoint-initdb.d, then becomes the server.
# The variables, file names, functions and the two lines that others wait for are those of the official postgres image, so
# that what was written for it works. Scripts are sourced here, too: an unset variable is theirs to use.
set -Eeo pipefail

SOCKETS=/var/run/postgresql
# Stands in the data directory until its initialisation is complete.
UNFINISHED=initialization.unfinished

say() { printf '%s: %s\n' "$0" "$*"; }

refuse() {
    say "error: $1" >&2
    shift
    [ "$#" -eq 0 ] || printf '       %s\n' "$@" >&2
    exit 1
}

# file_env NAME [DEFAULT]: NAME is what it is, or what the file named by NAME_FILE holds, or DEFAULT.
file_env() {
    local name=$1 file=${1}_FILE default=${2:-}
    if [ -n "${!name:-}" ] && [ -n "${!file:-}" ]; then
        refuse "both $name and $file are set" "Give the value itself or the file, not both."
    fi
    local value=${!name:-$default}
    [ -z "${!file:-}" ] || value=$(<"${!file}")
    export "$name=$value"
    unset "$file"
}

docker_setup_env() {
    file_env POSTGRES_PASSWORD
    file_env POSTGRES_USER postgres
    file_env POSTGRES_DB "$POSTGRES_USER"
    file_env POSTGRES_INITDB_ARGS
    : "${POSTGRES_HOST_AUTH_METHOD:=}"
    declare -g DATABASE_ALREADY_EXISTS=${DATABASE_ALREADY_EXISTS:-}
    [ ! -s "$PGDATA/PG_VERSION" ] || DATABASE_ALREADY_EXISTS=true
}

docker_create_db_directories() {
    mkdir -p "$PGDATA" || refuse "cannot create $PGDATA as user $(id -u)"
    [ -z "${POSTGRES_INITDB_WALDIR:-}" ] || mkdir -p "$POSTGRES_INITDB_WALDIR"
    if [ "$(id -u)" = 0 ]; then
        mkdir -p "$SOCKETS"
        chmod 3777 "$SOCKETS"
        find "$PGDATA" "$SOCKETS" ${POSTGRES_INITDB_WALDIR:+"$POSTGRES_INITDB_WALDIR"} \
            \! -user postgres -exec chown postgres '{}' +
    fi
    # The mount point of a volume may belong to somebody else; the server says what is wrong, if anything is.
    chmod 700 "$PGDATA" 2>/dev/null || :
}

docker_verify_minimum_env() {
    if [ "$POSTGRES_HOST_AUTH_METHOD" = trust ]; then
        say "warning: POSTGRES_HOST_AUTH_METHOD=trust: everybody who reaches the port is let in as anybody, superuser included" >&2
    elif [ -z "$POSTGRES_PASSWORD" ]; then
        refuse "the database is empty and has no superuser password yet" \
            "Set POSTGRES_PASSWORD (or POSTGRES_PASSWORD_FILE), for example: docker run -e POSTGRES_PASSWORD=secret ..." \
            "POSTGRES_HOST_AUTH_METHOD=trust lets everybody in without one; that is for tests only."
    fi
}

# docker_init_database_dir [initdb's options]
# Everybody on the local socket has entered the container already; everybody else needs the password.
docker_init_database_dir() {
    local host=scram-sha-256
    [ "$POSTGRES_HOST_AUTH_METHOD" != trust ] || host=trust
    # POSTGRES_INITDB_ARGS is words as a shell reads them.
    eval 'initdb -D "$PGDATA" --username="$POSTGRES_USER" --auth-local=trust --auth-host="$host" --no-instructions \
        ${POSTGRES_PASSWORD:+--pwfile=<(printf "%s\n" "$POSTGRES_PASSWORD")} \
        ${POSTGRES_INITDB_WALDIR:+--waldir="$POSTGRES_INITDB_WALDIR"} '"$POSTGRES_INITDB_ARGS"' "$@"'
    touch "$PGDATA/$UNFINISHED"
    {
        printf '\n# Of the container.\n'
        printf "listen_addresses = '*'\n"
        printf "unix_socket_directories = '%s'\n" "$SOCKETS"
    } >>"$PGDATA/postgresql.conf"
}

# pg_setup_hba_conf [the server's arguments]: hosts come in by the way their passwords are stored, unless told otherwise.
pg_setup_hba_conf() {
    [ "${1:-}" != postgres ] || shift
    : "${POSTGRES_HOST_AUTH_METHOD:=$(postgres -D "$PGDATA" "$@" -C password_encryption)}"
    printf '\nhost all all all %s\n' "$POSTGRES_HOST_AUTH_METHOD" >>"$PGDATA/pg_hba.conf"
}

# The server of the initialisation is reached by its socket only: who waits for the port waits for the real one.
docker_temp_server_start() {
    [ "${1:-}" != postgres ] || shift
    set -- "$@" -c listen_addresses= -c "unix_socket_directories=$SOCKETS" -p "${PGPORT:-5432}"
    pg_ctl -D "$PGDATA" -o "$(printf '%q ' "$@")" -w start
}

docker_temp_server_stop() {
    pg_ctl -D "$PGDATA" -m fast -w stop
}

# docker_process_sql [psql's arguments]: as the superuser in POSTGRES_DB, the first error ends it.
docker_process_sql() {
    PGHOST=$SOCKETS PGHOSTADDR='' psql -v ON_ERROR_STOP=1 --no-psqlrc --no-password \
        --username "$POSTGRES_USER" ${POSTGRES_DB:+--dbname "$POSTGRES_DB"} "$@"
}

docker_setup_db() {
    local there
    there=$(POSTGRES_DB='' docker_process_sql --dbname postgres --tuples-only --no-align --set db="$POSTGRES_DB" \
        <<<"select 1 from pg_database where datname = :'db'")
    [ -n "$there" ] || POSTGRES_DB='' docker_process_sql --dbname postgres --set db="$POSTGRES_DB" <<<'create database :"db"'
}

# docker_process_init_files FILE...: in the order given.
docker_process_init_files() {
    # Older scripts call "${psql[@]}".
    local f psql=(docker_process_sql)
    for f; do
        case $f in
            *.sh)
                if [ -x "$f" ]; then
                    say "running $f"
                    "$f"
                else
                    say "sourcing $f"
                    . "$f"
                fi
                ;;
            *.sql) say "running $f"; docker_process_sql -f "$f" ;;
            *.sql.gz) say "running $f"; gunzip -c "$f" | docker_process_sql ;;
            *.sql.xz) say "running $f"; xz -dc "$f" | docker_process_sql ;;
            *.sql.zst) say "running $f"; zstd -dc "$f" | docker_process_sql ;;
            *) say "ignoring $f" ;;
        esac
    done
}

initialise() {
    docker_verify_minimum_env
    # Before anything is made: a folder nobody may read would leave half a database.
    ls /docker-entrypoint-initdb.d/ >/dev/null
    say "initialising $PGDATA"
    docker_init_database_dir
    pg_setup_hba_conf "$@"
    # Scripts call psql as they like; the password is theirs if they go by way of a host.
    export PGPASSWORD=${PGPASSWORD:-$POSTGRES_PASSWORD}
    docker_temp_server_start "$@"
    docker_setup_db
    docker_process_init_files /docker-entrypoint-initdb.d/*
    docker_temp_server_stop
    unset PGPASSWORD
    rm "$PGDATA/$UNFINISHED"
    printf '\nPostgreSQL init process complete; ready for start up.\n\n'
}

# Whether the arguments only ask something, which needs no data directory.
_pg_want_help() {
    local argument
    for argument; do
        case $argument in
            -'?' | --help | --describe-config | -V | --version) return 0 ;;
        esac
    done
    return 1
}

_main() {
    [ "${1:0:1}" != - ] || set -- postgres "$@"
    if [ "${1:-}" = postgres ] && ! _pg_want_help "$@"; then
        docker_setup_env
        docker_create_db_directories
        if [ "$(id -u)" = 0 ]; then
            exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$BASH_SOURCE" "$@"
        fi
        if [ -e "$PGDATA/$UNFINISHED" ]; then
            refuse "the initialisation of $PGDATA was interrupted, or another container is at it" \
                "Remove the directory's contents to begin anew (or only $UNFINISHED to use it as it is)."
        elif [ -n "$DATABASE_ALREADY_EXISTS" ]; then
            printf '\nPostgreSQL Database directory appears to contain a database; Skipping initialization\n\n'
        else
            initialise "$@"
        fi
    fi
    # As process 1 the server is its own init: it reaps, and restarts a killed postmaster below the living sessions.
    exec "$@"
}

# A script may source this file for its functions.
[ "${BASH_SOURCE[0]}" != "$0" ] || _main "$@"
