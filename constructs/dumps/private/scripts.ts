/**
 * Makes the volume writable for the containers after it, and brings the certificate authorities of RDS along.
 *
 * Runs in the image of the application, which has both Python and the authorities. An owner may change the
 * mode of a folder without any capability; 1777 is the mode of /tmp.
 */
export const PREPARE = [
  'import os, shutil, sys',
  'folder, authorities, copy = sys.argv[1:]',
  'os.stat(folder).st_uid == os.getuid() and os.chmod(folder, 0o1777)',
  'shutil.copyfile(authorities, copy)',
  'os.chmod(copy, 0o444)',
].join('\n');

/** The same in an image that has the authorities itself: there is nothing to copy. */
export const PREPARE_WITHOUT_AUTHORITIES = 'chmod 1777 "$1"';

/**
 * Dumps the database into a folder, and writes the manifest.
 *
 * Arguments: folder, prefix of the keys, authorities, host names of replicas, seconds that pg_dump may take.
 *
 * A replica is asked first: one that is an hour behind is passed over, and so is one that ends the dump
 * because of what it has to replay. The rows are counted in the files of the dump, so they are those of its
 * snapshot: COPY writes a line for each row, and pg_dump three more behind the last one.
 *
 * Only what POSIX, PostgreSQL and the usual compressors have: the image may be anybody's.
 */
export const DUMP = String.raw`set -eu
umask 077
folder=$1 prefix=$2 replicas=$4 limit=$5
export HOME="$folder" PGSSLMODE=verify-full PGSSLROOTCERT="$3" PGCONNECT_TIMEOUT=15
cd "$folder"
primary=$PGHOST

sql() { psql --no-psqlrc --no-password -Atq -v ON_ERROR_STOP=1 -c "$1"; }

dumped() {
  rm -rf dump
  moment=$(date -u '+%Y-%m-%dT%H:%M:%SZ %s %d %u')
  near=$(sql "SELECT NOT pg_is_in_recovery()
    OR now() - coalesce(pg_last_xact_replay_timestamp(), now()) < interval '1 hour'") || return 1
  [ "$near" = t ] || { echo "$PGHOST is more than an hour behind"; return 1; }
  facts=$(sql "SELECT pg_database_size(current_database()),
    split_part(current_setting('server_version'), ' ', 1), to_json(current_database()::text)") || return 1
  timeout "$limit" pg_dump --no-password --format=directory --compress=6 --lock-wait-timeout=600000 --file=dump
}

for PGHOST in $replicas "$primary"; do
  export PGHOST
  done=no
  if dumped; then done=yes; break; fi
  echo "$PGHOST gave no dump" >&2
done
[ "$done" = yes ]

set -- $moment
started=$1 from=$2 day=$3 weekday=$4
size=$(printf '%s' "$facts" | cut -d'|' -f1)
version=$(printf '%s' "$facts" | cut -d'|' -f2)
name=$(printf '%s' "$facts" | cut -d'|' -f3-)
extensions=$(sql "SELECT coalesce(jsonb_agg(jsonb_build_object('name', extname, 'version', extversion)
  ORDER BY extname), '[]') FROM pg_extension")
sql "SELECT c.oid, to_json(n.nspname || '.' || c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r'" > names

pg_restore --list dump > contents
: > tables
rm -f broken
sed -n 's/^\([0-9]*\); 0 \([0-9]*\) TABLE DATA \(.*\)$/\1 \2 \3/p' contents | while read -r id oid words; do
  lines=$({ gzip -dc "dump/$id.dat.gz" || : > broken; } | wc -l)
  [ ! -e broken ] && [ "$lines" -ge 3 ] || { echo "dump/$id.dat.gz is not whole" >&2; exit 1; }
  table=$(sed -n "s/^$oid|//p" names)
  [ -n "$table" ] || table="\"$(printf '%s' "$words" | cut -d' ' -f1,2 | tr -d '"\\' | tr ' ' .)\""
  printf '%s {"name":%s,"rows":%s}\n' "$((lines - 3))" "$table" "$((lines - 3))" >> tables
done
rows=$(awk '{ sum += $1 } END { printf "%.0f", sum }' tables)

bytes=0
: > files
for file in dump/*; do
  length=$(($(wc -c < "$file")))
  bytes=$((bytes + length))
  printf '{"name":"%s","bytes":%s,"sha256":"%s"}\n' \
    "$(basename "$file")" "$length" "$(sha256sum < "$file" | cut -d' ' -f1)" >> files
done

case "$day.$weekday" in
  01.*) tier=monthly ;;
  *.7) tier=weekly ;;
  *) tier=daily ;;
esac
{
  printf '{"version":1,"database":%s,"serverVersion":"%s",' "$name" "$version"
  printf '"startedAt":"%s","finishedAt":"%s",' "$started" "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
  printf '"databaseBytes":%s,"dumpBytes":%s,' "$size" "$bytes"
  printf '"files":[%s],' "$(paste -s -d, files)"
  printf '"tables":[%s],' "$(cut -d' ' -f2- tables | paste -s -d, -)"
  printf '"extensions":%s}\n' "$extensions"
} > manifest.json
echo "$prefix/$tier/$(printf '%s' "$started" | tr : -)" > key
echo "$from $bytes $size $rows" > numbers
echo "dumped $rows rows in $bytes bytes from $PGHOST"
`;

/**
 * Uploads what the dump has left, the manifest last, and reports its size, duration and rows.
 *
 * Arguments: folder, bucket and its region, name of the dump and of the namespace in JSON; then, where the
 * dump is copied, endpoint, region, bucket and prefix of the other store.
 *
 * It only ever writes: neither the keys in the bucket nor what they hold are asked for.
 */
export const UPLOAD = String.raw`set -eu
folder=$1 bucket=$2 region=$3 name=$4 namespace=$5
shift 5
export HOME="$folder" AWS_PAGER=
cd "$folder"
key=$(cat key)
read -r from bytes size rows < numbers

send() {
  place=$1
  shift
  aws s3 cp dump "$place/dump" --recursive --only-show-errors "$@" &&
    aws s3 cp manifest.json "$place/manifest.json" --only-show-errors "$@"
}

send "s3://$bucket/$key" --region "$region" --checksum-algorithm SHA256
now=$(date +%s)
printf '{"_aws":{"Timestamp":%s000,"CloudWatchMetrics":[{"Namespace":%s,"Dimensions":[["Dump"]],"Metrics":[' \
  "$now" "$namespace"
printf '{"Name":"DumpBytes","Unit":"Bytes"},{"Name":"DumpSeconds","Unit":"Seconds"},'
printf '{"Name":"DumpRows","Unit":"Count"},{"Name":"DatabaseBytes","Unit":"Bytes"}]}]},'
printf '"Dump":%s,"DumpBytes":%s,"DumpSeconds":%s,' "$name" "$bytes" "$((now - from))"
printf '"DumpRows":%s,"DatabaseBytes":%s,' "$rows" "$size"
printf '"manifest":"s3://%s/%s/manifest.json","sha256":"%s"}\n' \
  "$bucket" "$key" "$(sha256sum < manifest.json | cut -d' ' -f1)"

if [ $# -gt 0 ]; then
  export AWS_ACCESS_KEY_ID="$COPY_ACCESS_KEY_ID" AWS_SECRET_ACCESS_KEY="$COPY_SECRET_ACCESS_KEY"
  export AWS_REQUEST_CHECKSUM_CALCULATION=when_required
  echo "copying to $1"
  send "s3://$3/$4$key" --endpoint-url "$1" --region "$2"
  echo "copied to $1"
fi
`;
