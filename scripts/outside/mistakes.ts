import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  CONSUMED,
  DEBUG_OFF,
  HEALTHY,
  KEEP_ALIVE,
  MODELS,
  OWN_HEADERS,
  PAGES,
  RELEASED,
  STARTED,
  STARTS_READ_ONLY,
  STATIC,
} from '../../rehearsal/checks/names';
import { LAYOUTS_FOLDER } from './layouts';
import { CACHE, type Result, rehearse } from './rehearse';

/** A slip of somebody who moves in, and what must say so. */
export interface Mistake {
  readonly name: string;
  /** In a copy of the layout; the text to replace must be there. An empty text stands for the whole file. */
  readonly patches: readonly { readonly file: string; readonly from: string; readonly to: string }[];
  /** The one check that fails. */
  readonly check: string;
  /** What its message says to do. */
  readonly words: RegExp;
}

/** The layout that they are planted into: it is quick, and has Celery. */
export const PLANTED_INTO = 'inventory';

const SETTINGS = 'app/inventory/settings.py';
const STACK = 'stack.ts';
const DOCKERFILE = 'app/Dockerfile';

export const MISTAKES: readonly Mistake[] = [
  {
    name: 'DEBUG',
    patches: [{ file: SETTINGS, from: 'DEBUG = False', to: 'DEBUG = True' }],
    check: DEBUG_OFF,
    words: /set DEBUG = False/,
  },
  {
    name: 'no static files',
    patches: [{ file: DOCKERFILE, from: 'python manage.py collectstatic --noinput', to: 'python -m compileall stock' }],
    check: STATIC,
    words: /must be in the image: run collectstatic in the Dockerfile/,
  },
  {
    name: 'SQLite',
    patches: [
      { file: SETTINGS, from: 'django.db.backends.postgresql', to: 'django.db.backends.sqlite3' },
      { file: SETTINGS, from: 'os.environ["DB_NAME"]', to: 'BASE_DIR / "db.sqlite3"' },
    ],
    check: RELEASED,
    words: /The settings use SQLite, .* read the variables of the database into DATABASES/,
  },
  {
    name: 'an entrypoint that starts a server',
    patches: [
      { file: DOCKERFILE, from: 'CMD [', to: 'ENTRYPOINT ["./start.sh"]\nCMD [' },
      { file: 'app/start.sh', from: '', to: '#!/bin/sh\nexec gunicorn inventory.wsgi\n' },
      {
        file: STACK,
        from: 'web: { health',
        to: 'releaseOptions: { timeout: Duration.seconds(60) },\n      web: { health',
      },
      { file: STACK, from: 'import { Stack }', to: 'import { Duration, Stack }' },
    ],
    check: RELEASED,
    words: /ENTRYPOINT is \.\/start\.sh: does it run its arguments\? It must end in `exec "\$@"`/,
  },
  {
    name: 'a migration that is missing',
    patches: [
      {
        file: 'app/stock/models.py',
        from: 'quantity = models',
        to: 'price = models.IntegerField(default=0)\n    quantity = models',
      },
    ],
    check: MODELS,
    words: /price.* Run makemigrations, and commit what it writes/,
  },
  {
    name: 'a health check path behind the login',
    patches: [{ file: STACK, from: "'/alive/'", to: "'/backstage/'" }],
    check: HEALTHY,
    words: /status 400\. The path must answer 200 .* without a login: .* `healthCheckPath`/,
  },
  {
    name: 'a hard-coded port',
    patches: [
      { file: STACK, from: 'web: { health', to: "web: { command: ['gunicorn', 'inventory.wsgi'], health" },
      { file: 'app/gunicorn.conf.py', from: '', to: 'bind = "0.0.0.0:8765"\nworker_tmp_dir = "/tmp"\n' },
    ],
    check: STARTED,
    words: /It listens on 8765, and not on the port in PORT: let the server read that variable/,
  },
  {
    name: 'a wrong settings module',
    patches: [{ file: STACK, from: "'inventory.settings'", to: "'inventory.setting'" }],
    check: RELEASED,
    words: /no module inventory\.setting: `settingsModule` of the stack may be misspelt/,
  },
  {
    name: 'an empty ALLOWED_HOSTS',
    patches: [{ file: SETTINGS, from: 'os.environ["DJANGO_ALLOWED_HOSTS"].split(",")', to: '[]' }],
    check: PAGES,
    words: /Read DJANGO_ALLOWED_HOSTS into ALLOWED_HOSTS/,
  },
  {
    name: 'a header that the load balancer replaces',
    patches: [{ file: SETTINGS, from: 'DEBUG = False', to: 'DEBUG = False\nSECURE_HSTS_SECONDS = 3600' }],
    check: OWN_HEADERS,
    words: /take SECURE_HSTS_SECONDS .* out of the settings, or give `loadBalancerOptions\.strictTransportSecurity`/,
  },
  {
    name: 'a misspelt secret',
    patches: [{ file: STACK, from: 'EMAIL_HOST_PASSWORD:', to: 'EMAIL_HOST_PASWORD:' }],
    check: RELEASED,
    words: /Nothing sets EMAIL_HOST_PASSWORD: .*`secrets` of the stack, where it may be misspelt/,
  },
  {
    name: 'a misspelt queue of Celery',
    patches: [
      {
        file: STACK,
        from: "imports: { queueNames: ['imports'], ",
        to: "imports: { queueNames: ['imports'], command: ['celery', '--app', 'inventory', 'worker', '--queues', 'import'], ",
      },
    ],
    check: CONSUMED,
    words: /from the queue imports .* reads import; one must name it, in `queueNames` or in its own command/,
  },
  {
    name: 'a file in the folder of the project',
    patches: [
      {
        file: 'app/stock/apps.py',
        from: '',
        to: 'from django.apps import AppConfig\nfrom django.conf import settings\n\n\nclass StockConfig(AppConfig):\n    name = "stock"\n\n    def ready(self):\n        (settings.BASE_DIR / "started.log").write_text("started")\n',
      },
    ],
    check: STARTS_READ_ONLY,
    words: /manage\.py check writes to \/\S+started\.log: .* write to \/tmp what is small .* to S3 what must stay/,
  },
];

/** Plants one mistake after the other. True for each that exactly its check noticed. */
export async function mistakes(names: readonly string[], write: (line: string) => void): Promise<boolean[]> {
  const chosen = MISTAKES.filter(({ name }) => names.length === 0 || names.some((one) => name.includes(one)));
  if (chosen.length === 0) {
    throw new Error(`no mistake has such a name; there are: ${MISTAKES.map(({ name }) => name).join(', ')}.`);
  }
  const verdicts: boolean[] = [];
  for (const mistake of chosen) {
    const problem = await plant(mistake);
    write(problem === undefined ? `✓ ${mistake.name}` : `✗ ${mistake.name}: ${problem}`);
    verdicts.push(problem === undefined);
  }
  return verdicts;
}

/** What is wrong with how the mistake was noticed. */
async function plant(mistake: Mistake): Promise<string | undefined> {
  const folder = path.join(CACHE, 'planted');
  rmSync(folder, { recursive: true, force: true });
  cpSync(path.join(LAYOUTS_FOLDER, PLANTED_INTO), folder, { recursive: true });
  try {
    patch(folder, mistake);
    const lines: string[] = [];
    const result = await rehearse({
      folder,
      mode: 'processes',
      strict: false,
      options: ['--only', `^(?!${KEEP_ALIVE})`], // It takes a minute, and no mistake is about it.
      write: (line) => lines.push(line),
    });
    return judged(mistake, result);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function patch(folder: string, { name, patches }: Mistake): void {
  for (const { file, from, to } of patches) {
    const whole = path.join(folder, file);
    const text = from === '' ? '' : readFileSync(whole, 'utf8');
    if (!text.includes(from)) {
      throw new Error(`${name}: ${file} does not have ${from}`);
    }
    writeFileSync(whole, from === '' ? to : text.replace(from, () => to), {
      mode: to.startsWith('#!') ? 0o755 : 0o644,
    });
  }
}

export function judged({ check, words }: Mistake, { checked, broken, notRun }: Result): string | undefined {
  const failed = checked.filter(({ verdict }) => verdict === 'failed');
  const [first] = failed;
  if (first === undefined) {
    return `no check failed${broken === undefined && notRun === undefined ? '' : `: ${notRun ?? broken}`}`;
  }
  if (failed.length > 1 || first.name !== check) {
    return `these failed, and not "${check}" alone:\n${failed.map(({ name, detail }) => `  ${name}: ${detail}`).join('\n')}`;
  }
  return words.test(first.detail) ? undefined : `the message does not say what to do: ${first.detail}`;
}
