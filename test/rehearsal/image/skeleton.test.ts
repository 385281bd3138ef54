import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { skeleton } from '../../../rehearsal/image/skeleton';

test('the folder of an image has the places where steps add a source of packages', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'skeleton-'));
  skeleton(root);
  const places = [
    ...['etc/apt/sources.list.d/debian.sources', 'etc/apt/keyrings', 'etc/apt/apt.conf.d', 'etc/apt/preferences.d'],
    ...['etc/apk/repositories', 'etc/yum.repos.d', 'var/lib/apt/lists'],
  ];
  const missing = places.filter((place) => !existsSync(path.join(root, place)));
  rmSync(root, { recursive: true });
  expect(missing).toEqual([]);
});
