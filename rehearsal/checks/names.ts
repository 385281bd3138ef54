/** Names of the checks that others wait for. */
export const DRAINING = 'draining: 230 visitors lose no request while a target is drained';
export const DONE = 'tasks: what the web posts is done by the right worker by way of SQS, for every queue';
export const POISON = 'tasks: a poison task lands in its dead-letter queue after maxReceiveCount';
export const AGAIN = 'tasks: a task killed with its worker is done again';
export const DRAINED = 'tasks: a worker drained by SIGTERM loses no task';
export const AWAY = 'bad days: SQS is away for 20 s: workers resume and nothing is lost';
export const PERIODIC = 'tasks: the periodic task fires';
export const DUMPED = 'dumps: the task dumps the database, and uploads it with a role that can only write';
export const DUMP_FAILED = 'dumps: a dump that fails is reported, and leaves nothing in the bucket';
export const DRILLED = 'drills: the newest dump is restored and proven with a role that can only read';
export const DRILL_FAILED = 'drills: a damaged dump is not proven, and that is reported';
export const SCHEDULE_FAILED = 'schedules: the failure of a scheduled command is reported';
export const OWN_HEADERS = 'web: no header that the application sets leaves with another value';
export const HEADERS = 'web: security headers are there and nobody names its server';
export const PAGES = 'web: pages answer under the application’s own host name';
export const HOSTS = 'hosts: every process allows exactly the host names that its listener rules send it';
export const REDIRECTED =
  'hosts: a redirected name leads to one that is served, with path and query, and reaches no process';
export const RELEASED = 'start: the release is done over verified TLS, before any service starts';
export const STARTED = 'start: every process starts with the variables and secrets it is promised';
export const HEALTHY = 'start: every target is healthy at the template’s path while ALLOWED_HOSTS is strict';
export const REPLACED = 'draining: a killed process is replaced, and an unhealthy target gets no requests';
export const ECHO = 'asgi: a WebSocket echoes by way of the ASGI service while pages come from gunicorn';
export const LIMIT = 'tasks: a task that takes its whole time limit runs once';
export const ONE_BEAT = 'tasks: there is one beat at every sample while beat is replaced';
export const KEEP_ALIVE = 'web: a server keeps idle connections longer than the load balancer';
export const ANNOUNCED = 'rotation: the first rotation of SECRET_KEY announces the next key, and changes nothing else';
export const KEY_ROTATED =
  'rotation: SECRET_KEY rotates and every task is replaced: no request fails, nobody is logged out, no task is lost';
export const PASSWORD_ROTATED =
  'rotation: the database password rotates and every task is replaced: no request fails, nobody is logged out, no task is lost';
export const HUNG = 'asgi: a process that hangs gets no more requests and is replaced';
export const LOGGED_IN = 'rotation: visitors log in and are given signed links';
export const BOMBS = 'asgi: 60 connections of compressed bombs are closed, and take less than half of the memory';
export const FORGED = 'web: no header of a client moves the path that Django sees';
export const PAST_DISTRIBUTION = 'web: what does not come through the distribution is refused';
export const CLAIMED_PROTOCOL = 'web: a client that claims another protocol than HTTPS is not believed';
export const KEPT_FILES = 'web: the distribution keeps a static file for everybody, without a cookie';
export const KEPT_PAGES = 'web: the distribution keeps no cookie, and compresses no form';
export const STATIC_STAYS = 'releases: a static file of an earlier release is served after the next one';
export const STRANGERS =
  'asgi: unknown paths, wrong origins and broken handshakes are refused 1,000 times without an error';
export const GUARDED = 'doubles: a page of another origin can neither read a secret nor post a task';
export const BROWSER = 'doubles: no page in a real browser reads a secret or posts a task, whatever it tries';
export const DEBUG_OFF = 'project: no visitor sees Django’s technical pages, and DEBUG is off';
export const STATIC = 'project: each file that the login page of the admin names is there';
export const DEPLOYABLE = 'project: manage.py check --deploy finds nothing that the front door does not see to';
export const NAMED_SECRET = 'releases: a service without a secret key never starts, and the message names it';
export const MIGRATED = 'project: every migration is applied';
export const CONFINED = 'image: a task is the user of its template, without more capabilities';
export const WRITABLE = 'image: only what the template makes writable can be written to';
export const OUT_OF_MEMORY = 'image: a task that takes more memory than its template says is ended and replaced';
export const MODELS = 'project: every change of a model has a migration';
export const CONSUMED = 'project: a worker takes a message of Celery from every queue';
export const DATABASE = 'project: the settings’ database is the one of the template, over TLS';
export const LOGIN = 'project: a superuser logs in at the admin';
export const ACCESS_LOG = 'project: the access log does not believe an address that a client claims';
export const BACK_CONSUMED = 'project: SQS is away for 20 s: no worker is replaced, and each queue is read again';
export const AGAIN_CONSUMED = 'project: a killed worker is replaced, and its queues are read again';
export const ANY_CONNECTIONS =
  'project: all database connections are used: nothing is replaced, and pages recover within 15 s';
export const ANY_KEY_ROTATED = 'project: SECRET_KEY rotates and every task is replaced: no request fails';
export const STILL_LOGGED_IN = 'project: SECRET_KEY rotates and every task is replaced: nobody is logged out';
export const ENDED = 'project: a worker ends by itself when it is told to';
export const ANY_PASSWORD_ROTATED =
  'project: the database password rotates and every task is replaced: no request fails, nobody is logged out';
export const SOCKETS = 'project: WebSockets open by way of the ASGI service';
export const STARTS_READ_ONLY = 'files: the project starts without writing outside /tmp';
export const ANSWERS_READ_ONLY = 'files: pages are answered without writing outside /tmp';
export const READ_ONLY = 'files: nobody writes outside /tmp, or tries to';
export const CACHE_LOGIN = "cache: only TLS and the application's login get in, and that login administers nothing";
export const CACHE_SHARED = 'cache: what one task puts into the default cache another one finds';
export const CACHE_ROTATED = 'cache: its password rotates and every task is replaced: no request fails';
export const CACHE_AWAY =
  'cache: it is away for 20 s: nothing is replaced, pages answer as ever or say 503, and recover within 15 s';
export const MEDIA_STORED =
  'media: a file of the default storage is saved, read and deleted in the bucket of the template';
export const MEDIA_PRIVATE = 'media: the bucket answers a valid signature alone, not an altered or expired one';
export const MEDIA_PUBLIC =
  'media: a public path of the distribution serves a file to everybody, with its headers and no cookie';
export const MEDIA_HARMLESS = 'media: an uploaded page runs no script on the host name of the site';
export const MEDIA_SERVED = 'media: addresses of the storages lead to their files by way of the distribution';
export const MEDIA_SIGNED =
  'media: a signed path of the distribution answers a valid signature alone, not an altered or expired one';
export const MAIL_SENT = 'mail: Django sends by SES, from the address and with the configuration set of the template';
export const MAIL_FORGED = 'mail: a sender that the template does not name is refused';
export const CONNECTIONS =
  'connections: under the load of 230 visitors no task holds more than the template counts for it';
