import type { Rehearsal } from '../rehearsal';
import type { Service } from '../task/services';
import { eventually } from '../wait';
import { type CheckContext, expect } from './check';
import type { FrontDoor, Reply } from './front-door';

/** Where Django's own urls have the login of the admin. */
const LOGIN = '/admin/login/';
/** How long is asked again what answers 500: somebody waits for the message. */
export const SECONDS = 60;
/** Django refuses a host name that is not in ALLOWED_HOSTS. */
const BAD_REQUEST = 400;
/** A line that may tell why a page fails. */
const ERROR = /Error|Exception|Traceback|Configured|\b(ERROR|CRITICAL|error)\b/;

/** A page of the application, by which checks look at it. */
export interface Page {
  readonly path: string;
  /** The name under which the load balancer forwards the path. */
  readonly host: string;
  /** What it answers; below 500, and not 400. */
  readonly status: number;
  readonly bytes: number;
  /** Where it leads to, when it is a redirect. */
  readonly location?: string;
  /** The service that answers it. */
  readonly service: Service;
}

const pages = new WeakMap<Rehearsal, Page>();

/**
 * Finds a page: what Django answers below 500.
 *
 * Every path that the user names must be one. Otherwise the first of `/`, the login of the admin and the
 * health check path that is neither missing nor forbidden.
 */
export async function findPage(context: CheckContext): Promise<Page> {
  const { front, pages: named = [] } = context;
  const found: Page[] = [];
  for (const path of named.length > 0 ? named : defaults(context)) {
    const host = front.hostFor(path);
    const page = await eventually(`a page at ${path}`, SECONDS, () => ask(context, path, host));
    accept(page, context);
    found.push(page);
    if (named.length === 0 && page.status < BAD_REQUEST) {
      break;
    }
  }
  const page = found.find(({ status }) => status < BAD_REQUEST) ?? found[0];
  pages.set(context.rehearsal, page);
  return page;
}

/** The page that was found. */
export function pageOf(rehearsal: Rehearsal): Page {
  const page = pages.get(rehearsal);
  expect(page !== undefined, 'no page was looked for');
  return page;
}

/** The page that was found; in a copy, where nobody has looked for one, it is looked for. */
export async function knownPage(context: CheckContext): Promise<Page> {
  return pages.get(context.rehearsal) ?? findPage(context);
}

/** Asks for the page that was found. */
export function visit(rehearsal: Rehearsal, front: FrontDoor): Promise<Reply> {
  const { path, host } = pageOf(rehearsal);
  return front.request(path, { host });
}

function defaults({ rehearsal }: CheckContext): string[] {
  const routed = rehearsal.services.flatMap(({ group }) => (group === undefined ? [] : [group.settings.path]));
  return [...new Set(['/', LOGIN, ...routed])];
}

/** Asks once. Throws for what may change: an error of the server, an answer that is not the application’s. */
async function ask({ rehearsal, front }: CheckContext, path: string, host: string): Promise<Page | undefined> {
  const before = front.calls?.requests() ?? 0;
  const { status, headers, body } = await front.request(path, { host });
  const target = (front.calls?.requests() ?? 0) > before ? front.calls?.last : undefined;
  expect(status < 500, `${path} answered ${status} to ${host}${status === 500 ? silence(rehearsal) : ''}`);
  const service = rehearsal.services.find(({ group }) => target !== undefined && group?.targets.includes(target));
  expect(service !== undefined, `the load balancer itself answered ${status} to ${host}${path}: no rule forwards it`);
  return { path, host, status, bytes: body.length, location: headers.location, service };
}

/** What is said of an error of which no task that answers pages has written a line. */
function silence({ services }: Rehearsal): string {
  const tasks = services.flatMap(({ group, running }) => (group === undefined ? [] : running));
  return tasks.some(({ task }) => task.logs.last().some((line) => ERROR.test(line)))
    ? ''
    : '. Nothing is in the log: the settings have no LOGGING that writes errors to the console';
}

/** Throws for an answer below 500 that is no page. */
function accept({ path, host, status, location }: Page, { rehearsal, front }: CheckContext): void {
  expect(
    status !== BAD_REQUEST,
    `${path} answered 400 to ${host}: Django refuses the name. Read DJANGO_ALLOWED_HOSTS into ALLOWED_HOSTS.`,
  );
  const own = `${front.secure ? 'https' : 'http'}://${host}`;
  const target = location === undefined ? undefined : new URL(location, `${own}${path}`);
  const isOwn = target?.hostname === host;
  const needsHttps = isOwn && target.protocol === 'https:' && front.isDescribed && !front.secure;
  expect(
    !needsHttps || rehearsal.listeners.some(({ secure }) => secure),
    `${path} leads to ${target?.href}, which no listener of the stack answers: SECURE_SSL_REDIRECT needs a domain name. Give the stack one, or leave the setting off.`,
  );
  const isItself = isOwn && target.pathname === path && target.protocol === new URL(own).protocol;
  expect(!isItself, `${path} redirects to itself for ever: with SECURE_SSL_REDIRECT set SECURE_PROXY_SSL_HEADER, too.`);
}
