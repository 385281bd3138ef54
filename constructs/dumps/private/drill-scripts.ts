/**
 * Downloads one whole dump: the one that DUMP_KEY names, such as `dumps/daily/2026-01-31T01-00-00Z`, or the
 * newest.
 *
 * Arguments: folder, bucket and its region, prefix of the keys, seconds that a dump may be old (0: any age).
 *
 * As root without capabilities, since the volume is root's. A dump whose manifest is missing is none.
 */
export const DOWNLOAD = String.raw`set -eu
folder=$1 bucket=$2 region=$3 prefix=$4 most=$5
export HOME="$folder" AWS_PAGER=
chmod 1777 "$folder"
cd "$folder"
key=$(printf '%s' "${'$'}{DUMP_KEY:-}")
if [ -z "$key" ]; then
  for key in $(aws s3api list-objects-v2 --bucket "$bucket" --region "$region" --prefix "$prefix/" --output text \
    --query 'Contents[?ends_with(Key, ${'`'}/manifest.json${'`'})].[Key]'); do
    case "$key" in */manifest.json) key=${'$'}{key%/manifest.json}; echo "${'$'}{key##*/} $key" ;; esac
  done | sort | tail -n 1 > newest
  read -r _ key < newest || { echo "there is no whole dump below $prefix/" >&2; exit 1; }
fi
time=${'$'}{key##*/}
moment=$(printf '%s' "$time" | sed 's/^\([0-9-]*T[0-9][0-9]\)-\([0-9][0-9]\)-\([0-9][0-9]\)Z$/\1:\2:\3Z/')
age=$(($(date +%s) - $(date -u -d "$moment" +%s)))
if [ "$most" -gt 0 ] && [ -z "${'$'}{DUMP_KEY:-}" ] && [ "$age" -gt "$most" ]; then
  echo "the newest dump, $key, is $age seconds old" >&2
  exit 1
fi
echo "downloading $key, $age seconds old"
aws s3 cp "s3://$bucket/$key/manifest.json" manifest.json --region "$region" --only-show-errors
aws s3 cp "s3://$bucket/$key/dump" dump --recursive --region "$region" --only-show-errors
[ -d dump ] || { echo "$key has no files" >&2; exit 1; }
echo "$key" > key
date -u -d "$moment" +%s > made
date +%s > began
chmod -R a+rX .
`;

/**
 * A PostgreSQL of its own, for this task alone: it listens on the loopback interface, and keeps nothing that
 * a crash would need.
 *
 * Arguments: folder, port, seconds after which it ends whatever happens.
 */
export const SERVER = String.raw`set -eu
folder=$1 port=$2 limit=$3
export HOME="$folder" LC_ALL=C.UTF-8
umask 077
initdb --pgdata="$folder/data" --username=postgres --auth=trust --encoding=UTF8 --no-sync --no-instructions > /dev/null
exec timeout -s INT "$limit" postgres -D "$folder/data" -c listen_addresses=127.0.0.1 -c port="$port" \
  -c unix_socket_directories= -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c wal_level=minimal \
  -c max_wal_senders=0 -c dynamic_shared_memory_type=mmap -c max_wal_size=1GB -c shared_buffers=256MB -c maintenance_work_mem=256MB -c log_min_messages=fatal
`;

/** Whether that server answers. Argument: port. */
export const IS_READY = 'pg_isready --quiet --host=127.0.0.1 --port="$1" --username=postgres';

/**
 * Compares every file with the manifest, restores the dump into the server of the task, and compares the rows
 * of every table.
 *
 * Arguments: folder, port, jobs of pg_restore, seconds that it may take.
 *
 * A file that is missing, changed or cut short, a table with other rows, and a dump of nothing each end it
 * with a status other than 0. The manifest is read by PostgreSQL: an image need not have a reader of JSON.
 * Owners and grants are left out, since their roles are not here.
 */
export const RESTORE = String.raw`set -eu
folder=$1 jobs=$3 limit=$4
export HOME="$folder" PGHOST=127.0.0.1 PGPORT="$2" PGUSER=postgres PGSSLMODE=disable
cd "$folder"
fail() { echo "$1" >&2; exit 1; }
sql() { psql --no-psqlrc --no-password -Atq -v ON_ERROR_STOP=1 -d "$1"; }

mkdir -p work
sql postgres > /dev/null <<'END' || fail 'the manifest is not whole'
\set manifest ${'`'}cat manifest.json${'`'}
CREATE TABLE manifest AS SELECT :'manifest'::jsonb AS whole;
END
[ "$(echo "SELECT whole ->> 'version' FROM manifest" | sql postgres)" = 1 ] || fail 'the manifest has another version'
echo "SELECT each ->> 'sha256' || '  dump/' || (each ->> 'name')
  FROM manifest, jsonb_array_elements(whole -> 'files') each WHERE each ->> 'name' ~ '^[A-Za-z0-9_.-]+$'" |
  sql postgres > work/sums
listed=$(echo "SELECT jsonb_array_length(whole -> 'files') FROM manifest" | sql postgres)
there=$(ls dump | wc -l)
[ "$listed" -gt 0 ] || fail 'the manifest names no file: the dump is empty'
[ "$listed" -eq "$(wc -l < work/sums)" ] || fail 'the manifest names a file in another folder'
[ "$listed" -eq "$there" ] || fail "the dump has $there files, and its manifest $listed"
sha256sum -c work/sums > work/compared || { grep -v ': OK$' work/compared >&2; fail 'a file is not what was uploaded'; }
tables=$(echo "SELECT jsonb_array_length(whole -> 'tables') FROM manifest" | sql postgres)
[ "$tables" -gt 0 ] || fail 'the dump holds no table'

echo 'CREATE DATABASE restored TEMPLATE template0' | sql postgres
timeout "$limit" pg_restore --no-password --exit-on-error --no-owner --no-privileges --jobs="$jobs" --dbname=restored dump

sql restored > work/differences <<'SQL'
\set manifest ${'`'}cat manifest.json${'`'}
CREATE TEMPORARY TABLE expected AS
  SELECT each ->> 'name' AS name, (each ->> 'rows')::bigint AS rows, NULL::bigint AS found
  FROM jsonb_array_elements(:'manifest'::jsonb -> 'tables') each;
DO $do$
DECLARE
  one record;
  counted bigint;
BEGIN
  FOR one IN
    SELECT e.ctid AS id, n.nspname, c.relname FROM expected e
    JOIN pg_namespace n ON e.name LIKE replace(replace(n.nspname, '_', '\_'), '%', '\%') || '.%'
    JOIN pg_class c ON c.relnamespace = n.oid AND n.nspname || '.' || c.relname = e.name AND c.relkind = 'r'
  LOOP
    EXECUTE format('SELECT count(*) FROM ONLY %I.%I', one.nspname, one.relname) INTO counted;
    UPDATE expected SET found = counted WHERE ctid = one.id;
  END LOOP;
END
$do$;
SELECT name || ': ' || coalesce(found::text, 'no table') || ' of ' || rows || ' rows'
  FROM expected WHERE found IS DISTINCT FROM rows ORDER BY name;
SQL
[ ! -s work/differences ] || { head -n 20 work/differences >&2; fail 'tables have other rows than the database had'; }
rows=$(echo "SELECT sum((each ->> 'rows')::numeric) FROM manifest, jsonb_array_elements(whole -> 'tables') each" | sql postgres)
size=$(echo "SELECT pg_database_size('restored')" | sql postgres)
echo "$rows $size" > proof
chmod a+r proof
echo "restored $rows rows in $tables tables, $size bytes"
`;

/**
 * Has the application look at the restored database, and says that the dump is proven.
 *
 * Arguments: folder, settings in JSON: variables for the address and the login of the database, others, the
 * commands, and what the metrics are called.
 *
 * In Python, which the image of the application has. A key is made up for each run: nothing that is signed or
 * encrypted with it leaves the task.
 */
export const VERIFY = [
  'import json, os, secrets, subprocess, sys, time',
  'folder, text = sys.argv[1:]',
  'given = json.loads(text)',
  'key = secrets.token_urlsafe(50)',
  'made_up = {"DJANGO_SECRET_KEY": key, "DJANGO_SECRET_KEYS": json.dumps({"key": key, "fallbacks": []})}',
  'environment = {**os.environ, **made_up, **given["variables"], **given["database"]}',
  'names = given["aliases"].items()',
  'environment |= {name: environment[variable] for name, variable in names if variable in environment}',
  'for command in given["commands"]:',
  '    print("drill:", " ".join(command), flush=True)',
  '    status = subprocess.run(command, env=environment).returncode',
  '    if status != 0:',
  '        sys.exit(f"drill: {command[0]} ended with status {status}")',
  'read = lambda name: open(os.path.join(folder, name)).read().split()',
  '(rows, size), (made,), (began,), (key,) = map(read, ("proof", "made", "began", "key"))',
  'now = time.time()',
  'values = {"ProvenRows": int(rows), "RestoredBytes": int(size),',
  '          "DrillSeconds": round(now - int(began)), "ProvenDumpAgeSeconds": round(now - int(made))}',
  'metrics = [{"Namespace": given["namespace"], "Dimensions": [["Drill"]], "Metrics": [{"Name": name} for name in values]}]',
  'print(json.dumps({"_aws": {"Timestamp": round(now * 1000), "CloudWatchMetrics": metrics},',
  '                  "Drill": given["name"], **values, "proven": key}), flush=True)',
].join('\n');

/**
 * Copies one table, or some of its rows, from the server of the task into the schema `restored` of the
 * application's database, as its owner.
 *
 * Arguments: folder, port, authorities of RDS. TABLE names the table with its schema, WHERE the rows; without
 * it all are copied. What stands in the table of the application is left as it is.
 */
export const COPY = String.raw`set -eu
folder=$1 port=$2
export HOME="$folder" PGSSLMODE=verify-full PGSSLROOTCERT="$3" PGCONNECT_TIMEOUT=15
[ -n "${'$'}{TABLE:-}" ] || { echo 'TABLE is not set: name a table with its schema, as in public.shop_order' >&2; exit 1; }
here() { PGHOST=127.0.0.1 PGPORT="$port" PGUSER=postgres PGDATABASE=restored PGPASSWORD= PGSSLMODE=disable \
  psql --no-psqlrc -Atq -v ON_ERROR_STOP=1 "$@"; }
there() { psql --no-psqlrc --no-password -Atq -v ON_ERROR_STOP=1 "$@"; }
named() { printf 'SELECT %s FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN (%s) AND n.nspname || %s || c.relname = :%s' "$1" "'r', 'p'" "'.'" "'wanted'" |
  here -v wanted="$TABLE"; }
source=$(named "quote_ident(n.nspname) || '.' || quote_ident(c.relname)")
target=restored.$(named 'quote_ident(c.relname)')
[ -n "$source" ] || { echo "the dump has no table $TABLE" >&2; exit 1; }
columns=$(printf "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
  WHERE attrelid = :'table'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''" | here -v table="$source")
{
  echo 'BEGIN; CREATE SCHEMA IF NOT EXISTS restored;'
  echo "CREATE TABLE $target AS SELECT $columns FROM $source WITH NO DATA;"
  echo "COPY $target FROM STDIN;"
  here -c "COPY (SELECT $columns FROM $source WHERE ${'$'}{WHERE:-true}) TO STDOUT"
  printf '\\.\n'
  echo 'COMMIT;'
  echo "SELECT 'copied ' || count(*) || ' rows into $target' FROM $target;"
} > "$folder/copy.sql"
there -f "$folder/copy.sql"
`;
