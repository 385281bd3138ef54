import { readDockerfile } from '../../../../rehearsal/image/dockerfile/read';
import { shown } from './shown';

const stepsOf = (line: string) => {
  const plan = readDockerfile(`FROM python:3.12\n${line}\n`);
  return plan.refused.length > 0 ? plan.refused.map(({ why }) => why) : shown(plan).slice(1);
};

test.each([
  ['', 'add'],
  ['--unpack', 'add'],
  ['--unpack=true', 'add'],
  ['--unpack=True', 'add'],
  ['--unpack=false', 'copy'],
])('ADD %s of an archive of the build context: %s', (flag, kind) => {
  expect(stepsOf(`ADD ${flag} a.tar.gz /x/`)).toEqual([`2 ${kind} a.tar.gz -> /x/`]);
});

test('ADD of an address unpacks nothing, and is refused where it should', () => {
  const downloaded = ['2 download https://example.com/a.tgz -> /x/'];
  expect(stepsOf('ADD https://example.com/a.tgz /x/')).toEqual(downloaded);
  expect(stepsOf('ADD --unpack=false https://example.com/a.tgz /x/')).toEqual(downloaded);
  expect(stepsOf('ADD --unpack https://example.com/a.tgz /x/')).toEqual([
    expect.stringMatching(/unpacks archives of the build context alone.*RUN: https:\/\/example\.com\/a\.tgz$/),
  ]);
});

test('a switch that is neither true nor false is refused, as by BuildKit', () => {
  expect(stepsOf('ADD --unpack=maybe a.tar.gz /x/')).toEqual(['--unpack is true or false, got maybe']);
  expect(stepsOf('COPY --link=1 a /x/')).toEqual(['--link is true or false, got 1']);
});
