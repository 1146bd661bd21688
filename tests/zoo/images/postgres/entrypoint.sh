#!/bin/bash
# As in the official image: a temporary server on the Unix socket alone, then the real one.
set -euo pipefail

if [ "${1:0:1}" = "-" ]; then
    set -- postgres "$@"
fi

for name in POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB; do
    file="${name}_FILE"
    if [ -n "${!file:-}" ]; then
        export "$name=$(cat "${!file}")"
        unset "$file"  # it is readable as root only
    fi
done

if [ "$1" = "postgres" ] && [ "$(id -u)" = "0" ]; then
    mkdir -p "$PGDATA" /var/run/postgresql
    find "$PGDATA" \! -user postgres -exec chown postgres '{}' +
    chmod 0700 "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

if [ "$1" = "postgres" ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
    user="${POSTGRES_USER:-postgres}"
    database="${POSTGRES_DB:-$user}"
    if [ -z "${POSTGRES_PASSWORD:-}" ]; then
        echo "Error: the database is not initialised and POSTGRES_PASSWORD is not set." >&2
        exit 1
    fi
    # shellcheck disable=SC2086  # a list of words
    initdb --username="$user" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") ${POSTGRES_INITDB_ARGS:-}
    printf '\nhost all all all scram-sha-256\n' >> "$PGDATA/pg_hba.conf"
    export PGHOST= PGHOSTADDR=  # those of an env_file that is meant for the others
    pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p 5432" -w start
    run=(psql -v ON_ERROR_STOP=1 -p 5432 --username "$user" --no-password -qX)
    if [ "$database" != postgres ]; then
        "${run[@]}" -d postgres -c "CREATE DATABASE \"$database\""
    fi
    for script in /docker-entrypoint-initdb.d/*.sql; do
        if [ -f "$script" ]; then
            "${run[@]}" -d "$database" -f "$script"
        fi
    done
    pg_ctl -D "$PGDATA" -m fast -w stop
fi

exec "$@"
