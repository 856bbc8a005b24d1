#!/bin/sh
# Makes the passwords that compose.yaml names, once. They lie in secrets/, which others on this machine cannot enter.
set -eu
cd "$(dirname "$0")"
if [ -e secrets ]; then
    echo "secrets/ is there already: remove it for new passwords, which the database and the store do not know." >&2
    exit 1
fi
mkdir -m 0700 secrets
drawn() { od -A n -t x1 -N 24 /dev/urandom | tr -d ' \n'; }
password=$(drawn)
key=$(drawn)
printf '%s' "$password" >secrets/postgres-password
printf 'database = "postgresql://faena:%s@postgres/faena"\n' "$password" >secrets/server.toml
printf '[default]\naws_access_key_id = faena\naws_secret_access_key = %s\n' "$key" >secrets/aws-credentials
printf 'BUCKET_SECRET=%s\n' "$key" >secrets/bucket.env
# the containers' users read them, each the ones that it is given
chmod 0444 secrets/*
