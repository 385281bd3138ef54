/** The directory that a process can write to, a tmpfs of its own. */
export const WRITABLE_PATH = '/tmp';
/** Where the volume of `temporaryStorage` is mounted, and what TMPDIR says then. */
export const TEMPORARY_STORAGE_PATH = '/var/tmp/django';
/** Port that web and ASGI servers listen on in the task. */
export const CONTAINER_PORT = 8000;
/** Default path of the RDS certificate bundle in the image. */
export const CA_BUNDLE_PATH = '/etc/ssl/certs/rds-global-bundle.pem';
/** File that worker and beat touch while they are alive. */
export const LIVENESS_FILE = `${WRITABLE_PATH}/celery-liveness`;
/** User and group id that every process runs as. A user without a group would be in that of root. */
export const CONTAINER_USER = '10001:10001';
/** Path that `runtime/` answers health checks on. */
export const HEALTH_PATH = '/healthz';

/**
 * The contract with the container, in one table: docs/contract.md is generated from it, the constructs set
 * these names, and `runtime/` and the rehearsal read them.
 */
export const CONTRACT = {
  DJANGO_SETTINGS_MODULE: 'The settings module, as given.',
  PORT: `The port that the web or ASGI server listens on: ${CONTAINER_PORT}. Not set for other processes.`,
  AWS_REGION: 'Region of the stack. Fargate sets it anyway; it is set again so that the rehearsal has it too.',
  AWS_DEFAULT_REGION: 'Region of the stack. boto3 and kombu read this name.',
  HOME: `${WRITABLE_PATH}, which every task can write to.`,
  TMPDIR: `Only with \`temporaryStorage\`: ${TEMPORARY_STORAGE_PATH}, a volume on disk. Django and Python's \`tempfile\` put uploads and temporary files there.`,
  DJANGO_FARGATE_PROCESS: 'Which process this is: `web`, `asgi`, `worker`, `beat`, `release` or `scheduled`.',
  DJANGO_FARGATE_CONNECTIONS:
    'Web and ASGI only: database connections that one server process may hold, `connectionsPerProcess`. `database()` of `runtime/` makes a pool of this size.',
  DJANGO_FARGATE_STOP_TIMEOUT:
    'Worker only: seconds between SIGTERM and SIGKILL. `runtime/` gives back what still runs shortly before.',
  DJANGO_FARGATE_TASK_PROTECTION:
    'Worker only, where a Celery task may take longer than that: its time limit in seconds. `runtime/` then protects the ECS task from scale-in while such a Celery task runs.',
  DJANGO_SECRET_KEY: 'Secret: the current key.',
  DJANGO_SECRET_KEYS:
    'Secret: JSON `{"key","next","fallbacks"}`. `next` is absent until the first rotation, which only announces a key.',
  DATABASE_HOST: 'Secret: host name of the database.',
  DATABASE_PORT: 'Secret: port of the database.',
  DATABASE_NAME: 'Secret: name of the database.',
  DATABASE_USER:
    'Secret: the login of the process, never the master: one that reads and changes rows, or for releases one that owns the tables.',
  DATABASE_PASSWORD: 'Secret: its password.',
  DATABASE_URL:
    'Secret, only with `DatabaseVariables.URL`: all of it in one, `postgres://user:password@host:port/name?sslmode=verify-full`. dj-database-url and django-environ read this name.',
  DATABASE_REPLICA_HOST:
    'Only with read replicas: their host names, comma-separated, as libpq takes several. Port, name and login are those of the database. `databases()` of `runtime/` reads it.',
  PGSSLMODE: '`verify-full`. libpq reads it; PGSSLROOTCERT alone would connect without TLS.',
  PGSSLROOTCERT: `Path of the RDS certificate bundle in the image: ${CA_BUNDLE_PATH} unless changed.`,
  PGOPTIONS:
    'Release only: `-c lock_timeout=…` in milliseconds and `-c idle_in_transaction_session_timeout=0`, after your own options. libpq reads it, unless your settings set `options`.',
  CELERY_BROKER_URL: '`sqs://`: credentials come from the task role.',
  CELERY_BROKER_TRANSPORT_OPTIONS:
    'JSON for kombu: region, wait_time_seconds, predefined_queues, and the timeouts towards SQS as client-config.',
  CELERY_TASK_DEFAULT_QUEUE: 'Name of the default queue.',
  CELERY_LIVENESS_FILE: 'Worker and beat only: a path private to the process that it touches while it is alive.',
  AWS_STORAGE_BUCKET_NAME:
    'Only with `media` or `mediaStorage`: name of the bucket for media files. django-storages calls its setting so, and cookiecutter-django, with `DJANGO_` before it, its variable.',
  AWS_S3_REGION_NAME:
    'Only with `media` or `mediaStorage`: region of that bucket, which may be another than that of the stack. django-storages calls its setting so; addresses that are signed for another region are refused.',
  AWS_S3_CUSTOM_DOMAIN:
    'Only with `publicMediaPaths` or `signedMediaPaths` of a `Cdn`: host name of their addresses. django-storages calls its setting so, and cookiecutter-django, with `DJANGO_` before it, its variable.',
  AWS_CLOUDFRONT_KEY:
    'Secret, only with `urlSigningKeys` or `cdn.signedMediaPaths`, and not in releases and beat: the private key that signs URLs of CloudFront, in PEM. django-storages calls its setting so.',
  AWS_CLOUDFRONT_KEY_ID:
    'Secret, only with `urlSigningKeys` or `cdn.signedMediaPaths`, and not in releases and beat: the id of its public key. django-storages calls its setting so.',
  STATIC_FILES_BUCKET_NAME:
    'Release only, with `staticFiles` or `staticFilesStorage`: name of the bucket for static files, which `manage.py uploadstatic` of `runtime/` fills.',
  STATIC_FILES_REGION_NAME:
    'Release only, with `staticFiles` or `staticFilesStorage`: region of that bucket, which may be another than that of the stack.',
  STATIC_FILES_PATHS:
    'Release only, with `staticFiles` or `staticFilesStorage`: comma-separated patterns of the paths that the distribution takes from that bucket, as CloudFront matches them. `uploadstatic` compares them with STATIC_URL.',
  CACHE_HOST: 'Only with `cache` or `cacheStore`: host name of the cache, which speaks TLS only.',
  CACHE_PORT: 'Only with `cache` or `cacheStore`: its port.',
  CACHE_USERNAME: 'Secret, only with `cache` or `cacheStore`: the user that logs in to the cache.',
  CACHE_PASSWORD: 'Secret, only with `cache` or `cacheStore`: its password.',
  CACHE_URL:
    'Secret, only with `cache` or `cacheStore`: all of it in one, `rediss://user:password@host:port/0`. `env.cache()` of django-environ reads this name.',
  REDIS_URL:
    'Secret, only with `cache` or `cacheStore`: the same as CACHE_URL, under the name that cookiecutter-django reads.',
  DEFAULT_FROM_EMAIL:
    'Only with `mail` or `outgoingMail`: address that mail comes from unless the code names another one, as Django calls its setting.',
  AWS_SES_REGION_NAME: 'Only with `mail` or `outgoingMail`: region of SES. django-ses calls its setting so.',
  AWS_SES_CONFIGURATION_SET:
    'Only with `mail` or `outgoingMail`: name of the configuration set, without which SES refuses the message or reports no bounce. django-ses calls its setting so, and django-anymail AMAZON_SES_CONFIGURATION_SET_NAME.',
  DJANGO_ALLOWED_HOSTS:
    'Comma-separated host names that the process itself is reached under, or any service where it has no door of its own; `*.example.com` is `.example.com` here.',
  DJANGO_CSRF_TRUSTED_ORIGINS: 'The same host names with scheme; `https://*.example.com` keeps its asterisk.',
  WEB_CONCURRENCY: 'Processes of the web or ASGI server, from the size of the task.',
  FORWARDED_ALLOW_IPS: 'CIDR of the VPC. The server trusts X-Forwarded-* headers from these addresses only.',
  SECURE_PROXY_SSL_HEADER:
    'Only behind the distribution of a `Cdn`: the header that says whether the user came over HTTPS, `CloudFront-Forwarded-Proto`. Without it, that is X-Forwarded-Proto. `secure_proxy_ssl_header()` of `runtime/` makes the setting of it.',
} as const;

export type ContractVariable = keyof typeof CONTRACT;
