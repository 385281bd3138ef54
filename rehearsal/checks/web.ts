import { accepts } from '../edge/ports';
import { eventually, HANG_SECONDS } from '../wait';
import { type Check, type CheckContext, EXAMPLE, expect } from './check';
import { direct } from './direct';
import { guestbook } from './guestbook';
import { idleSeconds } from './idle';
import { DONE, HEADERS, HEALTHY, KEEP_ALIVE, PAGES, STARTED } from './names';
import { findPage, visit } from './page';

const isGuestbook = ({ guestbook: yes }: CheckContext) => yes;
const redirects = ({ front, rehearsal }: CheckContext) =>
  front.secure && rehearsal.listeners.some(({ port, secure }) => port === 80 && !secure);
const isDescribed = ({ front }: CheckContext) => front.isDescribed;
/** What an unknown host meets: CloudFront's refusal, or the default of the listener. */
const refusal = ({ distribution }: CheckContext['rehearsal']) => (distribution === undefined ? 404 : 403);
/** The default of a listener that only the rules name, and its headers, are the rehearsal's own. */
const A_LISTENER = 'a listener in a stack of the assembly';

export const webChecks: Check[] = [
  {
    name: PAGES,
    lane: 'web',
    needs: [STARTED, HEALTHY],
    proof: true,
    about: 'a load balancer, by which pages are read',
    applies: ({ rehearsal }) => rehearsal.loadBalancer !== undefined,
    isGate: true,
    async run(context) {
      const { path, status, bytes } = await findPage(context);
      return `${path} answers ${status} with ${bytes} bytes`;
    },
  },
  {
    name: 'web: a page comes from PostgreSQL over TLS',
    lane: 'web',
    needs: [PAGES],
    proof: true,
    about: EXAMPLE,
    applies: isGuestbook,
    async run({ rehearsal, front }) {
      const text = `written at ${Date.now()}`;
      await guestbook(rehearsal).post(text);
      const page = await front.request('/');
      expect(page.status === 200 && page.body.includes(text), 'the page does not show the message that was posted');
      const rows = await rehearsal.postgres?.query('postgres', async (client) => {
        const result = await client.query(
          `SELECT count(*) FILTER (WHERE ssl) AS tls, count(*) AS all FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
           WHERE client_addr IS NOT NULL`,
        );
        return result.rows[0];
      });
      expect(Number(rows?.all) > 0 && rows?.tls === rows?.all, `${rows?.tls} of ${rows?.all} connections use TLS`);
      return `${rows?.tls} connections, all with TLS`;
    },
  },
  {
    name: 'web: static files are compressed and cached for long',
    lane: 'web',
    needs: [PAGES],
    proof: true,
    about: EXAMPLE,
    applies: isGuestbook,
    async run({ front }) {
      // One of the admin: CloudFront compresses nothing below 1,000 bytes, such as that of the guestbook.
      const page = await front.request('/admin/login/');
      const file = /(?:href|src)="(\/static\/[^"]+\.css)"/.exec(page.body)?.[1];
      expect(file !== undefined, 'the page names no style sheet');
      const reply = await front.request(file, { headers: { 'accept-encoding': 'gzip, br' } });
      expect(reply.status === 200, `${file} answered ${reply.status}`);
      const seconds = Number(/max-age=(\d+)/.exec(reply.headers['cache-control'] ?? '')?.[1] ?? 0);
      expect(seconds >= 30 * 86400, `cache-control is ${reply.headers['cache-control']}`);
      expect(/br|gzip/.test(reply.headers['content-encoding'] ?? ''), 'it is not compressed');
      return `${reply.headers['content-encoding']}, ${Math.round(seconds / 86400)} days`;
    },
  },
  {
    name: 'web: an unknown host is refused by the load balancer',
    lane: 'web',
    needs: [PAGES],
    proof: true,
    about: A_LISTENER,
    applies: isDescribed,
    async run({ rehearsal, front }) {
      const reply = await front.request('/', { host: `attacker-${Date.now()}.example` });
      expect(reply.status === refusal(rehearsal), `it answered ${reply.status}`);
      expect(front.calls?.requests() === 0, 'the request reached a process');
      await front.request('/');
      expect(front.calls?.requests() === 1, 'the request for a known host did not');
      return undefined;
    },
  },
  {
    name: 'web: HTTP is redirected to HTTPS, for known hosts alone',
    lane: 'web',
    needs: [PAGES],
    proof: true,
    about: 'a listener with HTTPS, and one on port 80, in a stack of the assembly',
    applies: redirects,
    async run({ rehearsal, front }) {
      const reply = await front.request('/some/page?a=b', { listener: 80 });
      const wanted = `https://${front.host}:${front.port(front.listener)}/some/page?a=b`;
      expect(reply.status === 301, `it answered ${reply.status}`);
      expect(reply.headers.location === wanted, `it leads to ${reply.headers.location}`);
      const stranger = await front.request('/', { listener: 80, host: `attacker-${Date.now()}.example` });
      expect(
        stranger.status === refusal(rehearsal),
        `an unknown host is answered ${stranger.status} ${stranger.headers.location}`,
      );
      return undefined;
    },
  },
  {
    name: HEADERS,
    lane: 'web',
    needs: [PAGES],
    proof: true,
    about: A_LISTENER,
    applies: isDescribed,
    async run({ rehearsal, front, guestbook: hidesServer }) {
      const { headers } = await visit(rehearsal, front);
      if (front.secure) {
        expect(/max-age=\d{7,}/.test(headers['strict-transport-security'] ?? ''), 'no Strict-Transport-Security');
      }
      expect(headers['x-content-type-options'] === 'nosniff', 'no X-Content-Type-Options');
      expect(headers['x-frame-options'] !== undefined, 'no X-Frame-Options');
      expect(headers.server === undefined, `the load balancer lets "server: ${headers.server}" through`);
      // A project without `runtime/` leaves that to the load balancer.
      for (const service of hidesServer ? rehearsal.services : []) {
        const [target] = service.group?.targets ?? [];
        const server =
          target === undefined
            ? undefined
            : (await direct(target.port, service.group?.settings.path ?? '/')).headers.server;
        expect(server === undefined, `${service.name} itself sends "server: ${server}"`);
      }
      return undefined;
    },
  },
  {
    name: 'web: the access log has the client’s real address, and does not believe a claimed one',
    lane: 'web',
    needs: [PAGES],
    proof: true,
    about: `${EXAMPLE}, on Linux`,
    applies: ({ guestbook: yes }) => yes && process.platform === 'linux',
    async run({ rehearsal, front }) {
      const path = `/?probe=${Date.now()}`;
      const agent = `probe-${Date.now()}`;
      await front.request(path, {
        from: '127.0.0.9',
        headers: { 'x-forwarded-for': '203.0.113.77', 'user-agent': agent },
      });
      const line = await eventually('the access log has the request', HANG_SECONDS, () =>
        rehearsal.services
          .flatMap((service) => service.members)
          .flatMap(({ task }) => task.logs.last(100))
          .find((one) => one.includes(agent)),
      );
      expect(line.includes('127.0.0.9'), `the log does not have the client's address: ${line}`);
      expect(!line.includes('203.0.113.77'), 'the log believes the claimed address');
      return undefined;
    },
  },
  {
    name: KEEP_ALIVE,
    lane: 'keep-alive',
    needs: [PAGES],
    after: [DONE],
    proof: true,
    async run({ rehearsal }) {
      const idle = rehearsal.idleTimeout;
      const routed = rehearsal.services.filter(({ group }) => group !== undefined);
      // Tasks of their own, which no other check drains or kills.
      const tasks = await Promise.all(
        routed.map((service) => rehearsal.run(service.definition, `${service.name}-idle`)),
      );
      const seconds = await Promise.all(
        tasks.map(async ({ port }, index) => {
          await eventually('it listens', HANG_SECONDS, () => accepts(port ?? 0));
          return idleSeconds(port ?? 0, routed[index].group?.settings.path ?? '/', idle);
        }),
      );
      for (const task of tasks) {
        task.kill();
      }
      const worst = routed.findIndex((_, index) => seconds[index] < idle);
      expect(
        worst < 0,
        `${routed[worst]?.name} closed an idle connection after ${seconds[worst]?.toFixed(0)} s, the load balancer keeps it ${idle} s. Give the server a longer one (gunicorn: --keep-alive), or leave \`command\` out`,
      );
      const kept = seconds.every((each) => Number.isFinite(each));
      return kept ? `more than ${idle} s` : 'or it answers "Connection: close", and keeps none';
    },
  },
];
