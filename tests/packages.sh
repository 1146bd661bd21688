#!/usr/bin/env bash
# What the tests need beside Docker: PostgreSQL and Redis for drbot's own state, Chromium for the page,
# and a name server, an ACME server and its client, a registry of images, and restic for levels 3 and 4.
# Installed by apt-get where we are root; elsewhere it says what to install. Starts nothing.
set -euo pipefail
missing=()
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null || missing+=(postgresql)
command -v redis-server >/dev/null || missing+=(redis-server)
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || missing+=(chromium)
PATH=$PATH:/usr/sbin command -v dnsmasq >/dev/null || missing+=(dnsmasq-base)
command -v systemd-analyze >/dev/null || missing+=(systemd)  # judges the units of docs/running
for program in pebble certbot git openssl restic docker-registry; do
    command -v "$program" >/dev/null || missing+=("$program")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "The tests would also use: ${missing[*]}. Without them their tests are skipped." >&2
    echo "To have them: sudo apt-get install ${missing[*]}" >&2
    exit 0
fi
echo "Installing ${missing[*]} with apt-get (for the tests; no service is started)."
# No cluster of Debian's own: the tests make their own throwaway ones. RUNLEVEL=1 keeps services from starting.
mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
apt-get update -qq >/dev/null
log=$(mktemp)
if ! RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    exit 1
fi
