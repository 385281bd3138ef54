import { concrete, forwardsTo, hostPatterns, matchesPattern, pathPatterns } from '../edge/listener-rules';
import type { Service } from '../task/services';
import { isPaper } from '../template/intrinsics';
import { type Check, type CheckContext, expect } from './check';
import { direct } from './direct';
import { HOSTS, PAGES, REDIRECTED } from './names';

/** A host name that no rule of any stack has. */
const NOBODYS = 'nobody.example.net';

/** A load-balanced service, and what the listener rules of the template send it. */
interface Door {
  readonly service: Service;
  readonly entries: readonly Entry[];
}

/** A host name pattern of a rule, and a path that the rule takes. */
interface Entry {
  readonly pattern: string;
  readonly path: string;
}

export const hostChecks: Check[] = [
  {
    name: HOSTS,
    lane: 'hosts',
    needs: [PAGES],
    proof: true,
    about: 'listener rules with host names',
    applies: (context) => doors(context).length > 0,
    async run(context) {
      const all = doors(context);
      for (const door of all) {
        await answersItsOwn(context, door);
      }
      // A project that does not read DJANGO_ALLOWED_HOSTS may have reasons to allow more.
      const refused = context.guestbook ? await Promise.all(all.map((door) => refusesOthers(door, all))) : [];
      const entries = all.flatMap((door) => door.entries);
      return `${entries.length} host names of ${all.length} services, ${refused.flat().length} of others refused`;
    },
  },
  {
    name: REDIRECTED,
    lane: 'hosts',
    needs: [PAGES],
    proof: true,
    about: 'listener rules that redirect to another name',
    applies: (context) => redirections(context).length > 0,
    async run(context) {
      const all = redirections(context);
      for (const redirected of all) {
        await isRedirected(context, redirected);
      }
      return `${all.length} host names`;
    },
  },
];

/** A name of a rule, and the name that the rule leads to. */
interface Redirected {
  readonly host: string;
  readonly main: string;
}

function redirections({ rehearsal, front }: CheckContext): Redirected[] {
  const { rules = [] } = rehearsal.listeners.find(({ port }) => port === front.listener) ?? {};
  return rules.flatMap((rule) => {
    const main = rule.actions.at(-1)?.RedirectConfig?.Host;
    const names = hostPatterns(rule).filter((pattern) => !isPaper(pattern));
    return main === undefined || main.includes('#{') ? [] : names.map((name) => ({ host: concrete(name), main }));
  });
}

async function isRedirected({ front, rehearsal }: CheckContext, { host, main }: Redirected): Promise<void> {
  const asked = '/rehearsal//a%20b/?next=%2Fadmin%2F&next=2';
  const before = front.calls?.requests() ?? 0;
  for (const { port, secure } of rehearsal.listeners) {
    const { status, headers } = await front.request(asked, { host, listener: port });
    const { host: to, port: at, ...rest } = partsOf(headers.location);
    const expected = { status: 301, location: `https:${asked}` };
    const got = { status, location: `${rest.protocol}${rest.asked}` };
    expect(
      JSON.stringify(got) === JSON.stringify(expected) && at === String(front.port(443)),
      `${host} on port ${port} answered ${status} to ${asked}, with ${headers.location ?? 'no location'}`,
    );
    // Over HTTP it may be redirected to HTTPS under its own name first.
    expect(to === main || (!secure && to === host), `${host} on port ${port} leads to ${to}, not to ${main}`);
  }
  expect((front.calls?.requests() ?? 0) === before, `a request for ${host} reached a process`);
  const { status } = await front.request('/', { host: main });
  expect(front.calls?.last !== undefined, `${host} leads to ${main}, which no service has: it answered ${status}`);
}

function partsOf(location = '') {
  const [, protocol, host, port, asked] = /^(\w+:)\/\/([^/:]*):?(\d*)(.*)$/.exec(location) ?? [];
  return { protocol, host, port, asked };
}

function doors({ rehearsal, front }: CheckContext): Door[] {
  const { rules = [] } = rehearsal.listeners.find(({ port }) => port === front.listener) ?? {};
  return rehearsal.services.flatMap((service) => {
    const { group } = service;
    const own = rules.filter(({ actions }) => group !== undefined && forwardsTo(actions.at(-1)) === group.arn);
    const entries = own.flatMap((rule) => {
      const [path] = pathPatterns(rule).map(concrete);
      return hostPatterns(rule)
        .filter((pattern) => !isPaper(pattern))
        .map((pattern) => ({ pattern, path }));
    });
    return entries.length === 0 ? [] : [{ service, entries }];
  });
}

/** Through the load balancer, by each of its names. */
async function answersItsOwn({ front }: CheckContext, { service, entries }: Door): Promise<void> {
  for (const { pattern, path } of entries) {
    const host = concrete(pattern);
    const { status } = await front.request(path, { host });
    const last = front.calls?.last;
    const reached = last !== undefined && service.group?.targets.includes(last) === true;
    expect(reached, `the rules do not send ${host}${path} to ${service.name}`);
    expect(status !== 400, `${service.name} refuses ${host}, which its rules send it (${pattern})`);
    expect(status < 500, `${service.name} answered ${status} to ${host}`);
  }
}

/** Without the load balancer, whose rules would not let such a request through. Gives the names. */
async function refusesOthers({ service, entries }: Door, all: readonly Door[]): Promise<string[]> {
  const foreign = [...all.flatMap((door) => door.entries).map(({ pattern }) => concrete(pattern)), NOBODYS].filter(
    (host) => !entries.some(({ pattern }) => matchesPattern(pattern, host, true)),
  );
  for (const host of foreign) {
    const target = service.running.find(({ registration }) => registration !== undefined)?.registration?.target;
    expect(target !== undefined, `${service.name} has no registered task`);
    const { status } = await direct(target.port, entries[0].path, host);
    expect(status === 400, `${service.name} answered ${status} to ${host}, which its rules never send it`);
  }
  return foreign;
}
