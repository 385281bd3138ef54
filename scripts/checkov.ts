import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Profile } from 'cdk-django-fargate';
import { ShopStack } from '../examples/django-app/shop-stack';
import { arguedIn, type CheckovReport, differences, findingsOf } from './lib/checkov-findings';
import { productionExample } from './production-example';

/** A version finds what it finds: another one may come with other rules. */
const VERSION = '3.3.30';
const root = join(__dirname, '..');

/**
 * `npm run checkov`: the example in production and in development, looked at by checkov.
 *
 * The first run installs it from PyPI into .cache/. Nothing of it runs in the network. It fails for a finding
 * that the table in docs/testing.md does not argue, and for a row of what is no longer found.
 */
function main(): void {
  const checkov = installed();
  const folder = mkdtempSync(join(tmpdir(), 'checkov-'));
  try {
    const development = new ShopStack(new App(), 'Shop', { profile: Profile.development() });
    const templates = { production: productionExample().stack, development };
    for (const [name, stack] of Object.entries(templates)) {
      writeFileSync(join(folder, `${name}.json`), JSON.stringify(Template.fromStack(stack).toJSON()));
    }
    const report = run(checkov, folder);
    const findings = findingsOf(report);
    const argued = arguedIn(readFileSync(join(root, 'docs', 'testing.md'), 'utf8'));
    const complaints = differences(findings, argued);
    const rules = new Set(findings.map(({ check }) => check));
    process.stdout.write(
      `checkov ${VERSION}: ${findings.length} findings of ${rules.size} rules over ${Object.keys(templates).join(' and ')}, ` +
        `${complaints.length} differences from docs/testing.md\n${complaints.map((line) => `  ${line}\n`).join('')}`,
    );
    process.exitCode = complaints.length === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The program, in a virtual environment that is made once for each version. */
function installed(): string {
  const venv = join(root, '.cache', `venv-checkov-${VERSION}`);
  const program = join(venv, 'bin', 'checkov');
  const stamp = join(venv, '.stamp');
  if (!existsSync(stamp)) {
    rmSync(venv, { recursive: true, force: true });
    mkdirSync(join(root, '.cache'), { recursive: true });
    execFileSync('python3', ['-m', 'venv', venv], { stdio: 'inherit' });
    const install = ['-m', 'pip', '--disable-pip-version-check', 'install', '--quiet', '--no-compile'];
    execFileSync(join(venv, 'bin', 'python'), [...install, `checkov==${VERSION}`], { stdio: 'inherit' });
    writeFileSync(stamp, VERSION);
  }
  return program;
}

function run(checkov: string, folder: string): CheckovReport {
  const options = ['--framework', 'cloudformation', '--output', 'json', '--quiet', '--compact', '--skip-download'];
  const { stdout, stderr, error } = spawnSync(checkov, ['--directory', folder, ...options], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error !== undefined || !stdout.startsWith('{')) {
    throw new Error(`checkov did not report: ${error?.message ?? stderr}`);
  }
  const report: CheckovReport & { readonly summary: { readonly resource_count: number } } = JSON.parse(stdout);
  if (report.summary.resource_count === 0) {
    throw new Error('checkov looked at no resource');
  }
  return report;
}

main();
