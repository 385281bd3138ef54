import { homedir } from 'node:os';
import path from 'node:path';
import { userCache } from '../../rehearsal/installed';

const OURS = path.join('cdk-django-fargate', 'rehearsal');
const { XDG_CACHE_HOME } = process.env;
afterEach(() => {
  jest.restoreAllMocks();
  process.env.XDG_CACHE_HOME = XDG_CACHE_HOME;
  if (XDG_CACHE_HOME === undefined) {
    delete process.env.XDG_CACHE_HOME;
  }
});

/** The cache where a variable and a platform say so. */
function cacheOf(variable: string | undefined, platform: NodeJS.Platform): string {
  jest.replaceProperty(process, 'platform', platform);
  delete process.env.XDG_CACHE_HOME;
  Object.assign(process.env, variable === undefined ? {} : { XDG_CACHE_HOME: variable });
  return userCache();
}

test.each<[string | undefined, NodeJS.Platform, string]>([
  [undefined, 'linux', path.join(homedir(), '.cache')],
  [undefined, 'darwin', path.join(homedir(), 'Library', 'Caches')],
  ['/var/cache/ada', 'linux', '/var/cache/ada'],
  ['/var/cache/ada', 'darwin', '/var/cache/ada'],
  ['not-absolute', 'linux', path.join(homedir(), '.cache')], // which the specification of XDG ignores
])('with XDG_CACHE_HOME %s on %s, what can be made again lies in %s', (variable, platform, folder) => {
  expect(cacheOf(variable, platform)).toBe(path.join(folder, OURS));
});
