#!/bin/bash
# An empty volume gets its users and its first database from the environment.
set -eu

if [ "${1:0:1}" = "-" ]; then
    set -- mariadbd "$@"
fi

if [ "$1" = "mariadbd" ]; then
    chown -R mysql:mysql /var/lib/mysql
    if [ ! -d /var/lib/mysql/mysql ]; then
        mariadb-install-db --user=mysql --datadir=/var/lib/mysql --auth-root-authentication-method=normal --skip-test-db
        umask 077
        cat > /run/mysqld/first.sql <<SQL
ALTER USER root@localhost IDENTIFIED BY '${MARIADB_ROOT_PASSWORD:?}';
CREATE DATABASE IF NOT EXISTS ${MARIADB_DATABASE:-test};
CREATE USER IF NOT EXISTS ${MARIADB_USER:-app}@'%' IDENTIFIED BY '${MARIADB_PASSWORD:?}';
GRANT ALL ON ${MARIADB_DATABASE:-test}.* TO ${MARIADB_USER:-app}@'%';
SQL
        chown mysql:mysql /run/mysqld/first.sql
        set -- "$@" --init-file=/run/mysqld/first.sql
    fi
    exec "$@" --user=mysql --bind-address=0.0.0.0 --socket=/run/mysqld/mysqld.sock
fi

exec "$@"
