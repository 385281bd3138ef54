import { lastError } from '../task/last-error';
import { COLLECTSTATIC } from './advice';
import { askProject } from './any-project/answer';
import { type Check, type CheckContext, DATABASE_OF_TEMPLATE, expect, hasDatabase, NotApplicable } from './check';
import { databaseVariables } from './database-login';
import { counted, judge, systemMessages } from './deploy-check';
import { filesOf } from './files-of-page';
import type { FrontDoor } from './front-door';
import { DATABASE, DEBUG_OFF, DEPLOYABLE, DRAINING, MIGRATED, PAGES, STATIC } from './names';
import { manageOf, oneOff, spoken } from './one-off';
import { pageOf } from './page';

/** On Django's technical pages, for errors and for paths that do not exist. */
const TECHNICAL = [
  /You.re seeing this (error|page) because you have\s+<code>DEBUG/,
  /id="requestinfo"/,
  /<h2>Traceback/,
];

/** Checks of any Django project. */
export const projectChecks: Check[] = [
  {
    name: DEBUG_OFF,
    lane: 'project',
    needs: [PAGES],
    async run({ rehearsal, front }) {
      const path = `/no-such-page-${Date.now()}/`;
      const { status, body } = await front.request(path);
      expect(
        !TECHNICAL.some((pattern) => pattern.test(body)),
        `${path} shows Django's technical page with your settings and urls: set DEBUG = False`,
      );
      expect(status < 500, `a page that does not exist answers ${status}; is the template 404.html broken?`);
      const { debug } = await askProject(rehearsal);
      expect(!debug, 'DEBUG is on in a web task: set DEBUG = False, or read it from a variable that is not set here');
      return `a page that does not exist answers ${status}`;
    },
  },
  {
    name: DATABASE,
    lane: 'project',
    needs: [PAGES],
    about: DATABASE_OF_TEMPLATE,
    applies: hasDatabase,
    async run({ rehearsal }) {
      const { vendor, name, tls, port, error } = (await askProject(rehearsal)).database;
      const variables = databaseVariables(pageOf(rehearsal).service.definition.secrets) ?? {};
      const advice = `read ${Object.values(variables).sort().join(', ')} into DATABASES`;
      expect(error === undefined, `the settings' database cannot be asked: ${error}; ${advice}`);
      expect(vendor === 'postgresql', `DATABASES["default"] is ${vendor} (${name}): ${advice}`);
      expect(port === rehearsal.postgres?.port, `DATABASES["default"] is another server: ${advice}`);
      expect(tls === true, 'the connection has no TLS: leave sslmode to PGSSLMODE, or set "verify-full"');
      return undefined;
    },
  },
  {
    name: STATIC,
    lane: 'project',
    needs: [PAGES],
    async run({ rehearsal, front }) {
      const { login } = await askProject(rehearsal);
      if (login === null) {
        throw new NotApplicable('the admin');
      }
      const host = front.hostFor(login);
      const page = await front.request(login, { host });
      if (page.status >= 300 && page.status < 400) {
        throw new NotApplicable(`a login page of the admin: ${login} leads to ${page.headers.location}`);
      }
      expect(
        page.status === 200,
        `the login page of the admin, ${login}, answered ${page.status}${said(rehearsal)}${page.status === 500 ? COLLECT : ''}`,
      );
      const files = filesOf(page.body, `${front.secure ? 'https' : 'http'}://${host}${login}`);
      const own = files.filter((file) => file.hostname === host);
      if (files.length === 0) {
        throw new NotApplicable(`a static file in the login page of the admin: ${login} names none`);
      }
      const missing = await missingOf(front, own);
      expect(
        missing.length === 0,
        `${missing.join(', ')}: run collectstatic in the Dockerfile, and serve STATIC_ROOT, for example with whitenoise`,
      );
      const elsewhere = files.length - own.length;
      return `${own.length} of ${login}${elsewhere > 0 ? `; ${elsewhere} come from elsewhere` : ''}`;
    },
  },
  {
    name: DEPLOYABLE,
    lane: 'project',
    needs: [PAGES],
    after: [DRAINING],
    async run({ rehearsal, front }) {
      const command = [...manageOf(rehearsal), 'check', '--deploy'];
      const { task, exit, lines } = await oneOff(rehearsal, command);
      const messages = systemMessages(lines);
      const { wrong, moot, other } = judge(messages, front);
      expect(
        wrong.length === 0,
        `${wrong.map(({ id, text }) => `${id} ${text}`).join(' | ')} Mend each, or argue it in SILENCED_SYSTEM_CHECKS`,
      );
      expect(exit.code === 0, `${spoken(command)} ended with ${exit.code}: ${lastError(task)}`);
      const argued = Object.entries(moot).map(([id, why]) => `${id}: ${why}`);
      const ids = other.length > 0 ? [`not about deployment: ${counted(other)}`] : [];
      return [...argued, ...ids].join('; ') || 'no message';
    },
  },
  {
    name: MIGRATED,
    lane: 'project',
    needs: [DATABASE],
    after: [DRAINING],
    about: DATABASE_OF_TEMPLATE,
    applies: hasDatabase,
    async run({ rehearsal }) {
      const command = [...manageOf(rehearsal), 'migrate', '--plan', '--check'];
      const { task, exit, lines } = await oneOff(rehearsal, command);
      const planned = lines.map((line) => line.trim()).filter((line) => /^\w+\.\d{4}_\w+$/.test(line));
      expect(
        exit.code === 0,
        `the release has left migrations unapplied: ${planned.join(', ') || lastError(task)}. Its command must migrate`,
      );
      return undefined;
    },
  },
];

/** Django logs no error of a page by itself where DEBUG is off. */
const COLLECT = `. Where the storage of static files has a manifest, it must be in the image: ${COLLECTSTATIC}`;

async function missingOf(front: FrontDoor, files: readonly URL[]): Promise<string[]> {
  const replies = await Promise.all(
    files.map(async ({ pathname, search, hostname }) => {
      const { status } = await front.request(pathname + search, { host: hostname });
      return status === 200 ? [] : [`${pathname} answers ${status}`];
    }),
  );
  return replies.flat();
}

/** The latest error in the logs of the web tasks. */
function said({ services }: CheckContext['rehearsal']): string {
  const tasks = services.flatMap(({ group, running }) => (group === undefined ? [] : running));
  const errors = tasks.map(({ task }) => lastError(task)).filter((line) => /Error|Exception|Configured/.test(line));
  return errors.length > 0 ? `: ${errors[0]}` : '';
}
