import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readDockerfile } from '../../../rehearsal/image/dockerfile/read';
import { Keys } from '../../../rehearsal/image/keys';

let context: string;
beforeEach(() => {
  context = mkdtempSync(path.join(tmpdir(), 'keys-'));
  mkdirSync(path.join(context, 'seed'));
});
afterEach(() => rmSync(context, { recursive: true }));

/** Name of what the last stage is after its steps. */
function keyOf(dockerfile: string): string {
  const plan = readDockerfile(dockerfile);
  const stage = plan.stages[plan.stages.length - 1];
  return new Keys(plan, { root: context }, () => undefined).after(stage, stage.steps.length);
}

/** Whether a change of a file of the context changes the name. */
function isChanged(dockerfile: string): boolean {
  writeFileSync(path.join(context, 'seed', 'file'), 'before');
  const before = keyOf(dockerfile);
  writeFileSync(path.join(context, 'seed', 'file'), 'after');
  return keyOf(dockerfile) !== before;
}

const SEED = 'FROM scratch AS seed\nCOPY seed /seed\n';

test.each([
  ['a cache', '', 'type=cache,target=/root/.cache', false],
  ['a cache with an id and a source', '', 'type=cache,id=pip,source=seed,target=/root/.cache', false],
  ['a file system in memory', '', 'type=tmpfs,target=/tmp', false],
  ['files of the context', '', 'source=seed,target=/seed', true],
  ['files of a stage', SEED, 'from=seed,target=/seed', true],
  ['a cache from a stage', SEED, 'type=cache,from=seed,target=/root/.cache', true],
])('a step with %s runs again after a change of a file where it may see it', (_, before, mount, expected) => {
  expect(isChanged(`${before}FROM scratch\nRUN --mount=${mount} pip install x\n`)).toBe(expected);
});

test('where a cache is mounted, and which one, is part of the name', () => {
  const keys = ['target=/a', 'target=/b', 'target=/b,id=c'].map((mount) =>
    keyOf(`FROM scratch\nRUN --mount=type=cache,${mount} pip install x\n`),
  );
  expect(new Set(keys).size).toBe(3);
});
