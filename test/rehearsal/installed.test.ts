import { homedir } from 'node:os';
import path from 'node:path';
import { userCache } from '../../rehearsal/installed';

test.each<[string, NodeJS.Platform, string]>([
  ['', 'linux', path.join(homedir(), '.cache')],
  ['', 'darwin', path.join(homedir(), 'Library', 'Caches')],
  ['/var/cache/ada', 'linux', '/var/cache/ada'],
  ['/var/cache/ada', 'darwin', '/var/cache/ada'],
  ['not-absolute', 'linux', path.join(homedir(), '.cache')], // which the specification of XDG ignores
])('with XDG_CACHE_HOME "%s" on %s, what can be made again lies in %s', (variable, platform, folder) => {
  expect(userCache(variable, platform)).toBe(path.join(folder, 'cdk-django-fargate', 'rehearsal'));
});
