import { sleep } from '../../wait';
import { anyProject, type Check, expect, NotApplicable } from '../check';
import { ACCESS_LOG, PAGES } from '../names';
import { pageOf } from '../page';

/** Where the request comes from, and where it claims to come from. */
const [REAL, CLAIMED] = ['127.0.0.9', '203.0.113.77'];
/** A log that has nothing by then has no access log: a server writes a line when it answers. */
const LINE_SECONDS = 10;

/** A server that believes a claimed address lets everybody choose whom logs and limits see. */
export const accessLogCheck: Check = {
  name: ACCESS_LOG,
  lane: 'access-log',
  needs: [PAGES],
  ...anyProject('addresses of this machine to come from, as on Linux', () => process.platform === 'linux'),
  async run({ rehearsal, front }) {
    const { path, host, service } = pageOf(rehearsal);
    const agent = `probe-${Date.now()}`;
    const headers = { 'x-forwarded-for': CLAIMED, 'user-agent': agent };
    await front.request(path, { host, from: REAL, headers });
    const find = () => service.members.flatMap(({ task }) => task.logs.last()).find((line) => line.includes(agent));
    const end = Date.now() + LINE_SECONDS * 1000;
    let line = find();
    while (line === undefined && Date.now() < end) {
      await sleep(100);
      line = find();
    }
    if (line === undefined) {
      throw new NotApplicable('an access log with the User-Agent of a request');
    }
    const isKnown = line.includes(REAL);
    expect(
      isKnown || !line.includes(CLAIMED),
      `${service.name} takes the client's claim ${CLAIMED} for its address: trust X-Forwarded-For of FORWARDED_ALLOW_IPS alone, from the right`,
    );
    return isKnown ? 'the client’s address is in it' : 'it has the address of the load balancer';
  },
};
