#!/bin/sh
set -e

export SECRET_KEY="$DJANGO_SECRET_KEY"
export DATABASE_URL="postgres://$PGUSER:$PGPASSWORD@$PGHOST:$PGPORT/$PGDATABASE"

until python /code/manage.py check --database default > /dev/null 2>&1; do
    >&2 echo "PostgreSQL is unavailable - sleeping"
    sleep 1
done

if [ "$MIGRATE_ON_START" = on ]; then
    python /code/manage.py migrate --noinput
fi

exec "$@"
