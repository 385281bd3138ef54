import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ts from 'typescript';
import { pack, report, run, type Step, snippet } from './lib/steps';

/**
 * `npm run package`: builds, packs, and installs the npm package and the wheel in empty folders, as somebody
 * would who has nothing but the README, and synthesizes what it shows. Needs the registries of npm and
 * Python; takes some minutes. `-- --npm` leaves the wheel out, and so installs nothing that `npm ci` has not.
 */
const ROOT = join(__dirname, '..');
const HANDLERS = join(ROOT, 'constructs', 'handlers');
const WORK = mkdtempSync(join(tmpdir(), 'package-'));
const CONSUMER = join(WORK, 'consumer');
const PYTHON = join(WORK, 'python');
const VENV = join(WORK, 'venv', 'bin', 'python');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

let tarball = '';
let packed: string[] = [];
let wheel = '';

const npm: Step[] = [
  ['builds with jsii', () => run('npm', ['run', '--silent', 'build'], ROOT)],
  [
    'packs',
    () => {
      const { filename, files, size } = pack(ROOT, WORK);
      tarball = join(WORK, filename);
      packed = files;
      return `${files.length} files, ${Math.round(size / 1000)} kB`;
    },
  ],
  ['the tarball has what it needs, and nothing else', checkContent],
  ['NOTICE and the bill of materials name every bundled package, NOTICE with its licence', checkNotices],
  [
    'installs beside aws-cdk-lib and constructs in an empty project',
    () => {
      mkdirSync(CONSUMER);
      writeFileSync(
        join(CONSUMER, 'package.json'),
        JSON.stringify({ name: 'consumer', version: '0.0.0', private: true }),
      );
      const peers = Object.keys(manifest.peerDependencies).map((name) => `${name}@${manifest.devDependencies[name]}`);
      run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball, ...peers], CONSUMER);
      return peers.join(', ');
    },
  ],
  [
    'an ES module can import every public name',
    () => {
      const script = `
        import * as names from '${manifest.name}';
        const { default: all, ...named } = names;
        console.log(JSON.stringify([Object.keys(all), Object.keys(all).filter((name) => named[name] === undefined)]));`;
      const output = run(process.execPath, ['--input-type=module', '--eval', script], CONSUMER, { output: 'stdout' });
      const [names, missing]: string[][] = JSON.parse(output);
      if (names.length === 0 || missing.length > 0) {
        throw new Error(`of ${names.length} names, these cannot be imported: ${missing.join(', ')}`);
      }
      return `${names.length} names`;
    },
  ],
  [
    "the README's lines compile against its types",
    () => {
      writeFileSync(join(CONSUMER, 'app.ts'), snippet(README, 'ts'));
      const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext'];
      return run(
        process.execPath,
        [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), ...options, 'app.ts'],
        CONSUMER,
      );
    },
  ],
  [
    "the README's lines synthesize with plain node",
    () => {
      const { outputText } = ts.transpileModule(snippet(README, 'ts'), {
        compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
      });
      writeFileSync(join(CONSUMER, 'app.js'), outputText);
      return synthesize(CONSUMER, [process.execPath, 'app.js'], 'Shop', 5);
    },
  ],
];

const python: Step[] = [
  [
    'makes a wheel with jsii-pacmak',
    () => {
      const outdir = join(WORK, 'jsii');
      run(process.execPath, ['scripts/quiet-node.js', 'jsii-pacmak', '--targets', 'python', '--outdir', outdir], ROOT);
      const [name] = readdirSync(join(outdir, 'python')).filter((file) => file.endsWith('.whl'));
      wheel = join(outdir, 'python', name);
      return name;
    },
  ],
  ['the wheel installs in an empty environment', installWheel],
  [
    "the README's Python synthesizes",
    () => {
      mkdirSync(PYTHON);
      writeFileSync(join(PYTHON, 'app.py'), snippet(README, 'python'));
      return synthesize(PYTHON, [VENV, 'app.py'], 'Shop', 3);
    },
  ],
  [
    'the command of the wheel runs, and names the package that rehearses',
    () => {
      const command = join(WORK, 'venv', 'bin', manifest.name);
      const { status, stdout, stderr, error } = spawnSync(command, ['rehearse'], { cwd: PYTHON, encoding: 'utf8' });
      if (status !== 69 || !`${stdout}${stderr}`.includes(`${manifest.name}-rehearsal@${manifest.version}`)) {
        throw new Error(`${command} rehearse ended with ${status}\n${stdout}${stderr}${error ?? ''}`);
      }
      return '';
    },
  ],
  [
    'examples/python synthesizes',
    () => {
      const examples = join(WORK, 'examples');
      cpSync(join(ROOT, 'examples', 'python'), join(examples, 'python'), { recursive: true });
      cpSync(join(ROOT, 'examples', 'minimal', 'app'), join(examples, 'minimal', 'app'), { recursive: true });
      return synthesize(join(examples, 'python'), [VENV, 'app.py'], 'Notes', 1);
    },
  ],
];

function checkContent(): string {
  const handlers = readdirSync(HANDLERS).filter((name) => existsSync(join(HANDLERS, name, 'index.ts')));
  const needed = [
    ...['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', '.jsii'],
    ...[
      'dist/cli/cdk-django-fargate.js',
      'dist/lib/index.js',
      'dist/lib/index.d.ts',
      'dist/constructs/application/django-application.js',
    ],
    ...handlers.map((name) => `assets/${name}/index.js`),
    ...['assets/NOTICE', 'assets/sbom.cdx.json'],
  ];
  const missing = needed.filter((file) => !packed.includes(file));
  const allowed = [
    /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|API\.md|\.jsii)$/,
    /^dist\/(cli|lib|constructs)\/[\w/-]+\.(js|d\.ts)$/,
    /^assets\/([\w-]+\/[\w.-]+\.(js|mjs|json|pem)|NOTICE|sbom\.cdx\.json)$/,
  ];
  const leaked = packed.filter(
    (file) =>
      !allowed.some((pattern) => pattern.test(file)) || /(^|\/)tests?\/|\.test\.|handlers\/[^/]+\/index\./.test(file),
  );
  if (missing.length > 0 || leaked.length > 0) {
    throw new Error(
      `missing: ${missing.join(', ') || 'nothing'}; should not be there: ${leaked.join(', ') || 'nothing'}`,
    );
  }
  return `${needed.length} looked for`;
}

/**
 * Asks a process of its own what the bundler puts in: esbuild's answer comes later than a step may wait for.
 */
function checkNotices(): string {
  const script = `require('./scripts/build-handlers.js').bundle().then(({ metafiles }) => console.log(JSON.stringify(metafiles)))`;
  const metafiles: { outputs: Record<string, { inputs: Record<string, unknown> }> }[] = JSON.parse(
    run(process.execPath, ['-e', script], ROOT, { output: 'stdout' }),
  );
  // Of all files that it read, those of which something is left in the bundle.
  const outputs = metafiles.flatMap((metafile) => Object.values(metafile.outputs));
  const files = outputs.flatMap(({ inputs }) => Object.keys(inputs)).filter((file) => file.includes('node_modules/'));
  const folders = new Set(files.map((file) => /.*node_modules\/(@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? file));
  const notice = read('assets/NOTICE').split(/\n-{80}\n/);
  const { components } = JSON.parse(read('assets/sbom.cdx.json'));
  const purls = components.map(({ purl }: { purl: string }) => decodeURIComponent(purl));
  const missing = [...folders].filter((folder) => {
    const { name, version, license } = JSON.parse(read(`${folder}/package.json`));
    const names = notice.findIndex((part) => part.split('\n').includes(`${name} ${version} (${license})`));
    const text = notice[names + 1] ?? '';
    const legal = /Apache License|Permission (is hereby granted|to use, copy)/.test(text) && /Copyright/i.test(text);
    return names === -1 || !legal || !purls.includes(`pkg:npm/${name}@${version}`);
  });
  if (missing.length > 0 || folders.size === 0) {
    throw new Error(`not named, or without a licence: ${missing.join(', ') || 'nothing is bundled'}`);
  }
  return `${folders.size} packages`;
}

/**
 * aws-cdk-lib reaches PyPI some days after npm: until then the wheel is tried with the newest one, and that
 * is said.
 */
function installWheel(): string {
  run('python3', ['-m', 'venv', join(WORK, 'venv')], WORK);
  const pip = (...args: string[]) =>
    run(VENV, ['-m', 'pip', '--disable-pip-version-check', 'install', '--quiet', ...args], WORK);
  try {
    pip(wheel);
    return 'with its dependencies';
  } catch (error) {
    if (!/No matching distribution found for aws-cdk-lib/.test(String(error))) {
      throw error;
    }
    pip('aws-cdk-lib', 'constructs', 'jsii', 'publication');
    pip('--no-deps', wheel);
    const version = run(VENV, ['-c', 'from importlib.metadata import version; print(version("aws-cdk-lib"))'], WORK, {
      output: 'stdout',
    });
    return `NOTE: PyPI has no aws-cdk-lib ${manifest.peerDependencies['aws-cdk-lib']} yet; with ${version.trim()} instead`;
  }
}

/** Runs an app as the CDK's command line does, and counts what it must have made. */
function synthesize(folder: string, [command, ...args]: string[], stack: string, services: number): string {
  mkdirSync(join(folder, 'app'), { recursive: true });
  writeFileSync(join(folder, 'app', 'Dockerfile'), 'FROM scratch\n');
  run(command, args, folder, { variables: { CDK_OUTDIR: join(folder, 'cdk.out') } });
  const template = JSON.parse(readFileSync(join(folder, 'cdk.out', `${stack}.template.json`), 'utf8'));
  const types = Object.values<{ Type: string }>(template.Resources).map(({ Type }) => Type);
  const made = types.filter((type) => type === 'AWS::ECS::Service').length;
  if (made !== services || !types.includes('AWS::RDS::DBInstance')) {
    throw new Error(
      `expected a database and ${services} services in ${stack}, got ${made} among ${types.length} resources`,
    );
  }
  return `${types.length} resources`;
}

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

report(process.argv.includes('--npm') ? [npm] : [npm, python]).finally(() =>
  rmSync(WORK, { recursive: true, force: true }),
);
