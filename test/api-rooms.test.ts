import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const { byRoom, roomsOf } = require('../scripts/lib/api-rooms.js');

const root = join(__dirname, '..');
const index = readFileSync(join(root, 'lib', 'index.ts'), 'utf8');

const INDEX = `
// Edge: what users reach

export { Balancer, type BalancerProps } from './edge';

// Core: shared

export {
  type IKey,
  Profile,
} from './core';
`;

const REFERENCE = `# API Reference
## Constructs
### Balancer <a id="b"></a>
A balancer.
#### Methods
## Structs
### BalancerProps
Its props.
## Classes
### Profile
Defaults.
## Protocols
### IKey
A key.
`;

describe('the reference', () => {
  test('has a chapter for each room, with everything of every type in it', () => {
    expect(byRoom(REFERENCE, roomsOf(INDEX))).toBe(
      [
        '# API Reference\n\n',
        '## Edge: what users reach\n\n### Balancer <a id="b"></a>\nA balancer.\n#### Methods\n\n',
        '### BalancerProps\nIts props.\n\n## Core: shared\n\n### Profile\nDefaults.\n\n### IKey\nA key.\n\n',
      ].join(''),
    );
  });

  test('fails when a type has no room', () => {
    expect(() => byRoom(REFERENCE, roomsOf(INDEX.replace('Profile', 'Other')))).toThrow('lib/index.ts: Profile');
  });
});

test('lib/index.ts has one heading for each room that has public names, and one for lib itself', () => {
  const rooms = readdirSync(join(root, 'constructs'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'handlers')
    .map(({ name }) => name);
  const sources = index.split(/^\/\/ .+$/m).map((part) => {
    const found = Array.from(
      part.matchAll(/from '(?:\.\.\/constructs\/(\w+)\/|(\.)\/)/g),
      ([, room, own]) => room ?? own,
    );
    return [...new Set(found)];
  });
  const [above, ...chapters] = sources.slice(1);
  expect(above).toEqual([]); // The comment at the top.
  expect(chapters.every((chapter) => chapter.length === 1)).toBe(true);
  expect(chapters.flat().sort()).toEqual(['.', ...rooms].sort());
});
