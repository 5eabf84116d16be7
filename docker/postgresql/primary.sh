#!/bin/bash
# Runs once, on the primary's empty data directory: the shop's role and database, and the role
# that replicas connect with. Passwords come in as psql variables, never as text of the SQL.
set -euo pipefail

psql --username="$POSTGRES_USER" --dbname=postgres --set=ON_ERROR_STOP=1 \
    --set=shop_password="$SHOP_PASSWORD" --set=replication_password="$REPLICATION_PASSWORD" <<'SQL'
CREATE ROLE replicator WITH REPLICATION LOGIN PASSWORD :'replication_password';
CREATE ROLE shop WITH LOGIN PASSWORD :'shop_password';
GRANT pg_monitor TO shop;  -- the router reads how far each replica is
CREATE DATABASE shop OWNER shop;
SQL

echo "host replication replicator samenet scram-sha-256" >> "$PGDATA/pg_hba.conf"
