#!/bin/bash
# Copies the primary once, into an empty data directory, and streams from it ever after.
#
#   replica [OPTION…]     options go to postgres; PRIMARY_HOST defaults to `primary`
set -euo pipefail

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    # A half-done copy of an earlier start is of no use.
    find "$PGDATA" -mindepth 1 -delete
    PGPASSWORD=$REPLICATION_PASSWORD pg_basebackup --host="${PRIMARY_HOST:-primary}" --username=replicator \
        --pgdata="$PGDATA" --wal-method=stream --checkpoint=fast --progress \
        --write-recovery-conf
    chmod 0700 "$PGDATA"
fi
exec postgres -c hot_standby=on -c cluster_name="$HOSTNAME" "$@"
