#!/usr/bin/env bash
# disaster-recovery-postgres.sh of the source document, in its order and with its waits, to be timed beside drbot.
# Only names, paths and ports are the lab's; "yes" is typed at once, and the webhook is left out.
# Never use it on anything but a lab: it deletes the data before it has looked at the backup. It ends where a command
# fails: the document's goes on, and nothing can be measured of that.
set -eo pipefail

project() { cd "$PROJECTS/$PREFIX$1" || exit 1; }
postgres() { docker exec -i "$(docker ps -aqf "label=com.docker.compose.project=${PREFIX}ai-micro-postgres")" "$@"; }
services=(ai-micro-api-auth ai-micro-api-user ai-micro-api-admin ai-micro-front-user ai-micro-front-admin)

echo "Step 1: Recording current state"
container=$(docker ps -aqf "label=com.docker.compose.project=${PREFIX}ai-micro-postgres")
docker logs "$container" > "$WORK/postgres-failure.log" 2>&1
docker inspect "$container" > "$WORK/postgres-inspect.json"

echo "Step 2: Stopping application services"
for service in "${services[@]}"; do
  project "$service" && docker compose down
done

echo "Step 3: Stopping PostgreSQL"
project ai-micro-postgres && docker compose down

echo "Step 4: Checking data volume"
docker volume inspect "${PREFIX}postgres_data" > /dev/null

echo "Step 5: Identifying latest backup"
LATEST_BACKUP=$(ls -t "$BACKUPS"/all_databases_*.sql.gz | head -1)

echo "Step 6: Clearing data volume"
docker volume rm "${PREFIX}postgres_data"
docker volume create --label "drbot.lab=$LAB" "${PREFIX}postgres_data"

echo "Step 7: Starting PostgreSQL"
docker compose up -d
sleep 10

echo "Step 8: Restoring from backup"
gunzip -c "$LATEST_BACKUP" | postgres psql -U postgres > "$WORK/restore.log" 2>&1

echo "Step 9: Verifying data integrity"
postgres psql -U postgres -c '\l'
postgres psql -U postgres -d authdb -c "SELECT count(*) FROM users;"
postgres psql -U postgres -d apidb -c "SELECT count(*) FROM profiles;"
postgres psql -U postgres -d admindb -c "SELECT count(*) FROM documents;"

echo "Step 10: Starting application services"
for service in "${services[@]}"; do # /opt/scripts/startup-all.sh is not in the document
  project "$service" && docker compose up -d
done

echo "Step 11: Running health checks"
sleep 30
for url in $HEALTH_URLS; do
  curl -sf "$url" > /dev/null && echo "✓ $url" || echo "✗ $url"
done
