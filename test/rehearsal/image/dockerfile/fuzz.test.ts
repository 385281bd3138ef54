// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are a Dockerfile's
import fc from 'fast-check';
import { parseDockerfile } from '../../../../rehearsal/image/dockerfile/parse';
import type { Plan } from '../../../../rehearsal/image/dockerfile/plan';
import { readDockerfile } from '../../../../rehearsal/image/dockerfile/read';

/** `npm run dockerfiles` tries 5,000. */
const RUNS = Number(process.env.FUZZED ?? 600);

const value = fc.constantFrom(
  ...[
    'a',
    '/app',
    '.',
    './',
    '$A',
    '${A:-b}',
    '${A',
    '"a b"',
    "'",
    '"',
    '["a", "b"]',
    '["a" 1]',
    '*',
    '',
    'a=b',
    'A=1 B=$A',
  ],
  ...[
    '<<EOF\nx\nEOF',
    '<<-E /x\n\ty\n\tE',
    '\\',
    '\\\n  b',
    '# c',
    'scratch',
    'python:3.12',
    'base',
    'AS base',
    '0',
    'NONE',
    'CMD x',
  ],
  ...['https://x/y', 'apt-get install -y a && b', 'if a; then b; fi', 'é\u2028', '\t'],
);
const flag = fc.constantFrom(
  '',
  '',
  '',
  '--from=base ',
  '--from=9 ',
  '--chown=a ',
  '--chmod=755 ',
  '--link ',
  '--mount=type=cache,target=/c ',
  '--mount= ',
  '--x ',
  '-- ',
);
const name = fc.constantFrom(
  ...['FROM', 'COPY', 'RUN', 'ENV', 'ARG', 'WORKDIR', 'ADD', 'CMD', 'ENTRYPOINT', 'LABEL', 'USER', 'EXPOSE', 'VOLUME'],
  ...['STOPSIGNAL', 'HEALTHCHECK', 'ONBUILD', 'SHELL', 'MAINTAINER', 'run', 'from', 'NOPE', '#', '# escape=`', ''],
);
const line = fc.tuple(name, flag, fc.array(value, { maxLength: 3 })).map(([a, b, c]) => `${a} ${b}${c.join(' ')}`);
const end = fc.constantFrom('\n', '\n', '\n', '\r\n', '\n\n', ' \\\n');
const head = fc.constantFrom(
  'FROM python:3.12\n',
  'ARG A=x\nFROM python:3.12 AS base\n',
  '# escape=`\nFROM base\n',
  '',
);
const dockerfile = fc
  .tuple(head, fc.array(fc.tuple(line, end), { maxLength: 12 }))
  .map(([first, lines]) => first + lines.map(([text, after]) => text + after).join(''));

/** Lines of which the plan says something. */
function said(plan: Plan): Set<number> {
  const steps = plan.stages.flatMap((stage) => stage.steps);
  return new Set([...steps, ...plan.globals, ...plan.announced, ...plan.refused].map((place) => place.line));
}

/** Lines that are neither followed nor announced nor refused. */
function unsaid(text: string): number[] {
  const plan = readDockerfile(text);
  if (plan.target === undefined) {
    // Nothing is followed: the file is refused as a whole.
    return plan.refused.length > 0 ? [] : [0];
  }
  const stages = parseDockerfile(text).instructions.reduce<number[][]>((found, instruction) => {
    if (instruction.name === 'FROM' || found.length === 0) {
      found.push([]);
    }
    found[found.length - 1].push(instruction.line);
    return found;
  }, []);
  const lines = said(plan);
  const left = new Set(
    plan.announced.filter(({ why }) => why.includes('the target does not need it')).map((one) => one.line),
  );
  return stages.filter(([from]) => !left.has(from)).flatMap((stage) => stage.filter((one) => !lines.has(one)));
}

test(`no line of ${RUNS} fuzzed Dockerfiles is passed over in silence, and none is a crash`, () => {
  fc.assert(
    fc.property(dockerfile, (text) => {
      expect(unsaid(text)).toEqual([]);
    }),
    { numRuns: RUNS, seed: 20261127 },
  );
}, 120_000);

test('any text at all is a plan or a refusal', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      const plan = readDockerfile(text);
      expect(plan.target !== undefined || plan.refused.length > 0).toBe(true);
    }),
    { numRuns: RUNS, seed: 20261127 },
  );
}, 120_000);

test('the fuzzed files are neither all refused nor all followed', () => {
  const plans = fc.sample(dockerfile, { numRuns: 300, seed: 1 }).map((text) => readDockerfile(text));
  const whole = plans.filter(({ refused }) => refused.length === 0).length;
  expect(whole).toBeGreaterThan(15);
  expect(whole).toBeLessThan(285);
});
