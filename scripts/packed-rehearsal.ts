import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Mode } from '../rehearsal/engine/mode';
import { NOT_RUNNABLE_HERE } from '../rehearsal/image/not-runnable-here';
import { packedFiles } from './build-rehearsal';
import { findHere } from './engine/found-here';
import { NotRun, pack, report, run, type Step, snippet } from './lib/steps';

/**
 * `npm run packed`: packs the library and the rehearsal, installs both in an empty folder outside of the
 * clone, writes the README's lines and a small Django project there, synthesizes with the CDK's command
 * line and rehearses, in both modes where a container engine can. Needs the registries of npm and Python,
 * and takes some minutes.
 */
const ROOT = path.join(__dirname, '..');
const WORK = mkdtempSync(path.join(tmpdir(), 'packed-'));
const SHOP = path.join(WORK, 'shop');
/** Where the Django project goes once it is synthesized: the cloud assembly has a copy. */
const ELSEWHERE = path.join(WORK, 'elsewhere');
const { version, devDependencies } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
const REHEARSAL = 'cdk-django-fargate-rehearsal';

/** Nothing of the clone and of npm, which runs this: neither programs nor settings nor a cache. */
const variables: { [name: string]: string } = {
  ...Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined || /^(npm_|NODE_|AWS_|CDK_)/.test(name) ? [] : [[name, value]],
    ),
  ),
  PATH: (process.env.PATH ?? '')
    .split(path.delimiter)
    .filter((folder) => !folder.includes('node_modules'))
    .join(path.delimiter),
  XDG_CACHE_HOME: path.join(WORK, 'cache'),
};

const tarballs = { library: '', rehearsal: '' };

const steps: Step[] = [
  [
    'packs the library',
    () => {
      run('npm', ['run', '--silent', 'build'], ROOT);
      const { filename, files } = pack(ROOT, WORK);
      tarballs.library = path.join(WORK, filename);
      return `${files.length} files`;
    },
  ],
  [
    'packs the rehearsal, with each file that its command reaches and nothing else',
    () => {
      run('npm', ['run', '--silent', 'prepack', '--workspace', 'rehearsal'], ROOT);
      const { filename, files, size } = pack(ROOT, WORK, ['--workspace', 'rehearsal']);
      tarballs.rehearsal = path.join(WORK, filename);
      const expected = packedFiles();
      const differing = [...files, ...expected].filter((file) => !files.includes(file) || !expected.includes(file));
      if (differing.length > 0) {
        throw new Error(`in one of the archive and the sources alone: ${differing.join(', ')}`);
      }
      return `${files.length} files, ${Math.round(size / 1000)} kB`;
    },
  ],
  [
    'installs the library beside aws-cdk-lib, constructs and the command line in an empty folder',
    () => {
      mkdirSync(SHOP);
      const others = ['aws-cdk-lib', 'constructs', 'aws-cdk', 'tsx'].map((name) => `${name}@${devDependencies[name]}`);
      npm('init', '-y');
      npm('install', '--no-audit', '--no-fund', tarballs.library, ...others);
      return others.join(', ');
    },
  ],
  [
    'without the rehearsal, the command prints the line that installs it',
    () => {
      const { status, output } = rehearse('--check');
      const line = `npm install --save-dev ${REHEARSAL}@${version}`;
      expect(status === 69 && output.includes(line), `exit code ${status}, and:\n${output}`);
      return line;
    },
  ],
  [
    'installs the rehearsal',
    () => {
      npm('install', '--no-audit', '--no-fund', '--save-dev', tarballs.rehearsal);
      expect(rehearse('--help').status === 0, 'the command does not know --help');
      return '';
    },
  ],
  [
    'before a synthesis, the command says what to do',
    () => {
      const { status, output } = rehearse('--check');
      expect(status === 1 && output.includes('Run `npx cdk synth` first'), `exit code ${status}, and:\n${output}`);
      return '';
    },
  ],
  [
    "the README's lines and a Django project synthesize with the CDK's command line",
    () => {
      writeFileSync(path.join(SHOP, 'app.ts'), snippet(readFileSync(path.join(ROOT, 'README.md'), 'utf8'), 'ts'));
      writeFileSync(path.join(SHOP, 'cdk.json'), JSON.stringify({ app: 'npx tsx app.ts' }));
      const app = path.join(SHOP, 'app');
      // With runtime/ in the place of the link to it, as in a project of one's own.
      cpSync(path.join(ROOT, 'test', 'outside', 'startproject', 'app'), app, { recursive: true, dereference: true });
      const { status, output } = inShop('npx', 'cdk', 'synth', '--quiet');
      expect(status === 0, output);
      renameSync(app, ELSEWHERE);
      return '';
    },
  ],
  [
    'a stack that is not there is answered with those that are',
    () => {
      const { status, output } = rehearse('--stack', 'Nowhere');
      expect(status === 1 && /is named Nowhere; it has Shop\./.test(output), `exit code ${status}, and:\n${output}`);
      return '';
    },
  ],
  [
    'npx cdk-django-fargate rehearse --check passes',
    () => {
      const { status, output } = rehearse('--check');
      const last = output.trim().split('\n').at(-1) ?? '';
      expect(status === 0 && /^\d\d+ passed, 0 failed/.test(last), `exit code ${status}, and:\n${output}`);
      process.stdout.write(output.replace(/^/gm, '       '));
      expect(!existsSync(path.join(SHOP, '.cache')), 'it wrote into the folder of the app');
      return last;
    },
  ],
  [
    'npx cdk-django-fargate rehearse --check passes with the image itself',
    async () => {
      const [, base] = /^FROM (\S+)/m.exec(readFileSync(path.join(ELSEWHERE, 'Dockerfile'), 'utf8')) ?? [];
      const { engine, why, restore } = await findHere(base, () => undefined);
      try {
        if (engine === undefined) {
          throw new NotRun(why ?? 'no container engine can');
        }
        const { status, output } = rehearseIn('image', '--check', '--platform', engine.platform);
        const last = output.trim().split('\n').at(-1) ?? '';
        const isGreen = status === 0 && /^\d\d+ passed, 0 failed/.test(last) && output.includes('✓ image: ');
        expect(isGreen, `exit code ${status}, and:\n${output}`);
        return last;
      } finally {
        await restore();
      }
    },
  ],
  [
    'a Dockerfile that is not simple, of --app, is followed step by step',
    () => {
      if (process.platform !== 'linux') {
        throw new NotRun('it needs Linux');
      }
      const script = 'import sys; print("%d.%d" % sys.version_info[:2])';
      const python = inShop('python3', '-c', script).output.trim(); // one that this machine has
      const file = path.join(ELSEWHERE, 'Dockerfile');
      const changed = readFileSync(file, 'utf8').replace(/^FROM .*/, `FROM python:${python}`);
      writeFileSync(file, changed.replace('COPY . .', 'COPY --chmod=755 . .'));
      const { status, output } = rehearse('--app', ELSEWHERE, '--check', '--only', '^start: ');
      expect(status === 0 && output.includes('followed step by step'), `exit code ${status}, and:\n${output}`);
      return output.trim().split('\n').at(-1) ?? '';
    },
  ],
];

function npm(...args: string[]): void {
  const { status, output } = inShop('npm', ...args);
  expect(status === 0, `npm ${args.join(' ')}\n${output}`);
}

function rehearse(...options: string[]): Answer {
  return rehearseIn('processes', ...options);
}

/** Throws where this machine cannot rehearse so: that has neither passed nor failed. */
function rehearseIn(mode: Mode, ...options: string[]): Answer {
  const answer = inShop('npx', '--no-install', 'cdk-django-fargate', 'rehearse', '--mode', mode, ...options);
  if (answer.status === NOT_RUNNABLE_HERE) {
    throw new NotRun(answer.output.trim().split('\n').at(-1) ?? '');
  }
  return answer;
}

interface Answer {
  readonly status: number | null;
  readonly output: string;
}

function inShop(command: string, ...args: string[]): Answer {
  const given = { cwd: SHOP, env: variables, encoding: 'utf8', maxBuffer: 2 ** 26 } as const;
  const { status, stdout, stderr, error } = spawnSync(command, args, given);
  return { status, output: `${stdout}${stderr}${error ?? ''}` };
}

function expect(condition: boolean, problem: string): asserts condition {
  if (!condition) {
    throw new Error(problem);
  }
}

report([steps]).finally(() => rmSync(WORK, { recursive: true, force: true }));
