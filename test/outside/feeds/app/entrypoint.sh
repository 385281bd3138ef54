#!/bin/bash
set -o errexit -o pipefail -o nounset

export DATABASE_URL="postgres://${POSTGRES_USER}:${POSTGRES_PASSWORD}@${POSTGRES_HOST}:${POSTGRES_PORT}/${POSTGRES_DB}"
export SECRET_KEY="${DJANGO_SECRET_KEY}"

if [ "${1:-web}" = web ]; then
  set -- gunicorn config.wsgi --bind "0.0.0.0:${PORT}" --threads 8 --keep-alive 75 --worker-tmp-dir /tmp
fi
exec "$@"
