#!/usr/bin/env bash
# disaster-recovery-full-system.sh of the source document, in its order and with its waits, to be timed beside drbot.
# Only names, paths and ports are the lab's. Docker is there already, so step 1 costs nothing; networks and volumes,
# which the document forgets, are made; the webhook and the report with X hours are left out. It ends where a command
# fails: the document's goes on, and nothing can be measured of that.
set -eo pipefail

project() { cd "$PROJECTS/$PREFIX$1" || exit 1; }
container() { docker ps -aqf "label=com.docker.compose.project=${PREFIX}$1"; }
count() { docker exec "$(container ai-micro-postgres)" psql -U postgres -d "$1" -c "SELECT count(*) FROM $2;"; }

echo "Step 1: Installing Docker"

echo "Step 2: Restoring system files"
git clone --quiet "$REPOSITORY" "$PROJECTS"
docker network create --label "drbot.lab=$LAB" "${PREFIX}network"
for volume in postgres_data redis_data admin_files; do
  docker volume create --label "drbot.lab=$LAB" "$PREFIX$volume"
done

echo "Step 3: Identifying latest full backup"
"$PYTHON" -c 'import boto3, sys; boto3.client("s3", endpoint_url=sys.argv[1]).download_file(*sys.argv[2:])' \
  "$ENDPOINT" "$BUCKET" "$KEY" "$WORK/full_backup_latest.tar.gz" # aws s3 cp
tar -xzf "$WORK/full_backup_latest.tar.gz" -C "$WORK/"

echo "Step 4: Restoring configuration files"
tar -xzf "$WORK"/*/config_*.tar.gz -C "$PROJECTS"

echo "Step 5: Starting infrastructure services"
project ai-micro-postgres && docker compose up -d
sleep 15
project ai-micro-redis && docker compose up -d
sleep 10

echo "Step 6: Restoring databases"
gunzip -c "$WORK"/*/all_databases_*.sql.gz |
  docker exec -i "$(container ai-micro-postgres)" psql -U postgres > "$WORK/restore.log" 2>&1

echo "Step 7: Restoring Redis"
gunzip -c "$WORK"/*/redis_*.rdb.gz > "$WORK/dump.rdb"
docker cp "$WORK/dump.rdb" "$(container ai-micro-redis):/data/dump.rdb"
project ai-micro-redis && docker compose restart

echo "Step 8: Restoring files"
tar -xzf "$WORK"/*/files_backup_*.tar.gz -C "$WORK/" # "copy the files to the right directories" is all there is

echo "Step 9: Starting application services"
project ai-micro-api-auth && docker compose up -d
sleep 10
project ai-micro-api-user && docker compose up -d
project ai-micro-api-admin && docker compose up -d
sleep 10
project ai-micro-front-user && docker compose up -d
project ai-micro-front-admin && docker compose up -d

echo "Step 10: Running comprehensive health checks"
sleep 30
for url in $HEALTH_URLS; do
  curl -sf "$url" > /dev/null && echo "✓ $url" || echo "✗ $url"
done

echo "Step 11: Verifying data integrity"
count authdb users
count apidb profiles
count admindb documents

echo "Step 12: Rebuilding monitoring stack" # a comment in the document
