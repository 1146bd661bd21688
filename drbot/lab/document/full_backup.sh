#!/usr/bin/env bash
# The full backup of the source document: one archive with what its disaster-recovery-full-system.sh looks for. Only
# names, paths and ports are the lab's.
set -eo pipefail

container() { docker ps -aqf "label=com.docker.compose.project=${PREFIX}$1"; }
stamp=$(date +%Y%m%d_%H%M%S)
folder=$WORK/full_backup_$stamp
mkdir -p "$folder"

echo "Step 1: Databases"
docker exec "$(container ai-micro-postgres)" pg_dumpall -U postgres | gzip > "$folder/all_databases_$stamp.sql.gz"

echo "Step 2: Redis"
docker exec "$(container ai-micro-redis)" redis-cli save
docker cp "$(container ai-micro-redis):/data/dump.rdb" "$WORK/dump.rdb"
gzip -c "$WORK/dump.rdb" > "$folder/redis_$stamp.rdb.gz"

echo "Step 3: Configuration"
tar -czf "$folder/config_$stamp.tar.gz" --exclude .git -C "$PROJECTS" .

echo "Step 4: Files"
docker run --rm --entrypoint tar --network none -v "${PREFIX}admin_files:/files:ro" "$FILES_IMAGE" -czf - -C / files \
  > "$folder/files_backup_$stamp.tar.gz"

echo "Step 5: Upload"
tar -czf "$WORK/full_backup.tar.gz" -C "$WORK" "full_backup_$stamp"
"$PYTHON" -c 'import boto3, sys; boto3.client("s3", endpoint_url=sys.argv[1]).upload_file(*sys.argv[2:])' \
  "$ENDPOINT" "$WORK/full_backup.tar.gz" "$BUCKET" "$KEY" # aws s3 cp
