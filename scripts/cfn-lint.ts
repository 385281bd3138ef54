import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { InstanceType } from 'aws-cdk-lib/aws-ec2';
import type { CloudAssembly } from 'aws-cdk-lib/cx-api';
import { WITHOUT_RESTORE_TESTING } from '../constructs/backup/private/restore-test';
import { isDatabaseClass, KNOWN_FAMILIES, maxConnectionsOf } from '../constructs/database/private/classes';
import { WITHOUT_SES } from '../constructs/mail/private/regions';
import { WITHOUT_CODEBUILD } from '../lib/pipeline-stack';
import { examplesIn } from './examples';
import {
  arguedLints,
  errorsIn,
  type LintFinding,
  type LintMatch,
  lintDifferences,
  type Shape,
  shapesOf,
  typesMissing,
} from './lib/cfn-lint-findings';

/** Three partitions, and the regions that are youngest. */
const REGIONS = [
  'eu-central-1',
  'us-gov-east-1',
  'us-gov-west-1',
  'cn-north-1',
  'cn-northwest-1',
  'ap-southeast-5',
  'ap-southeast-7',
  'ca-west-1',
  'il-central-1',
  'mx-central-1',
];
/** The full example, in one region of each partition and a young one. */
const QUICK = { regions: ['us-gov-west-1', 'cn-north-1', 'ca-west-1'], templates: ['Production-of-Shop'] };
const PROCESSES = 2;

const root = join(__dirname, '..');
const venv = join(root, '.cache', 'venv-runtime');

/**
 * `npm run cfn-lint`: every example, synthesized for ten regions of three partitions, looked at by cfn-lint
 * with the resource types of those regions.
 *
 * It fails for an error that the table in docs/testing.md does not argue, for a row of what is no longer
 * found, and when the lists of what a region lacks, or the table of database classes, differ from what
 * cfn-lint knows. `--quick` looks at the full example in three regions.
 */
async function main(): Promise<void> {
  const quick = process.argv.includes('--quick');
  const folder = mkdtempSync(join(tmpdir(), 'cfn-lint-'));
  try {
    const regions = quick ? QUICK.regions : REGIONS;
    const templates = Object.fromEntries(regions.map((region) => [region, templatesIn(region, quick)]));
    const shapes = shapesOf(templates);
    const findings = await lint(shapes, folder);
    const argued = arguedLints(readFileSync(join(root, 'docs', 'testing.md'), 'utf8'));
    const rows = quick ? argued.filter((row) => findings.some(({ rule }) => rule === row.rule)) : argued;
    const complaints = [
      ...lintDifferences(findings, rows),
      ...(quick ? [] : listsThatDiffer(templates)),
      ...classesThatDiffer(),
    ];
    const looked = shapes.reduce((sum, shape) => sum + shape.regions.length, 0);
    process.stdout.write(
      `cfn-lint: ${looked} templates of ${regions.length} regions, which are ${shapes.length} but for names; ` +
        `${findings.length} errors, ${findings.length - complaints.length} of them argued in docs/testing.md\n` +
        complaints.map((line) => `  ${line}\n`).join(''),
    );
    process.stdout.write(`${looked} passed, ${complaints.length} failed\n`);
    process.exitCode = complaints.length === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The templates of all stacks of the examples, by name. */
function templatesIn(region: string, quick: boolean): { [name: string]: string } {
  const stacks = stacksOf(examplesIn(region).synth()).map(({ stackName, template }) => [
    stackName,
    JSON.stringify(template),
  ]);
  return Object.fromEntries(stacks.filter(([name]) => !quick || QUICK.templates.includes(name)));
}

function stacksOf(assembly: CloudAssembly): CloudAssembly['stacks'] {
  return [...assembly.stacks, ...assembly.nestedAssemblies.flatMap(({ nestedAssembly }) => stacksOf(nestedAssembly))];
}

/** Runs cfn-lint once for all shapes that have the same regions, several at a time. */
async function lint(shapes: Shape[], folder: string): Promise<LintFinding[]> {
  const sets = [...new Set(shapes.map(({ regions }) => regions.join(' ')))];
  const runs = sets.flatMap((set) => halves(shapes.filter(({ regions }) => regions.join(' ') === set)));
  const found: LintFinding[] = [];
  const next = async (): Promise<void> => {
    const run = runs.pop();
    if (run !== undefined) {
      found.push(...(await lintGroup(run, join(folder, String(runs.length)))));
      await next();
    }
  };
  await Promise.all(Array.from({ length: PROCESSES }, next));
  return found;
}

/** Two processors are kept busy where nearly all is in one group. */
function halves(group: Shape[]): Shape[][] {
  const middle = Math.ceil(group.length / 2);
  return group.length < 4 ? [group] : [group.slice(0, middle), group.slice(middle)];
}

async function lintGroup(group: Shape[], folder: string): Promise<LintFinding[]> {
  mkdirSync(folder);
  const files = group.map(({ template, text }) => {
    const file = join(folder, `${template}.json`);
    writeFileSync(file, text);
    return file;
  });
  const regions = group[0].regions;
  const output = await run(['--format', 'json', '--ignore-checks', 'W', 'I', '--regions', ...regions, '--', ...files]);
  return errorsIn(JSON.parse(output) as LintMatch[]);
}

function run(args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(venv, 'bin', 'cfn-lint'), args);
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (errors += chunk));
    child.on('error', reject);
    // It ends with other codes than 0 when it finds something.
    child.on('close', () => (output.startsWith('[') ? resolve(output) : reject(new Error(errors || 'no report'))));
  });
}

/** The lists of the constructs against the resource types that cfn-lint knows in each region. */
function listsThatDiffer(templates: { [region: string]: { [name: string]: string } }): string[] {
  const types = new Set(
    Object.values(templates).flatMap((byName) =>
      Object.values(byName).flatMap((text) => [...text.matchAll(/"Type":"(AWS::\w+::\w+)"/g)].map(([, type]) => type)),
    ),
  );
  const ours: { [type: string]: string[] } = {
    'AWS::Backup::RestoreTestingPlan': WITHOUT_RESTORE_TESTING,
    'AWS::Backup::RestoreTestingSelection': WITHOUT_RESTORE_TESTING,
    'AWS::CodeBuild::Project': WITHOUT_CODEBUILD,
    'AWS::SES::ConfigurationSet': WITHOUT_SES,
    'AWS::SES::ConfigurationSetEventDestination': WITHOUT_SES,
    'AWS::SES::EmailIdentity': WITHOUT_SES,
  };
  const theirs = typesMissing([...types], typesByRegion());
  return [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].flatMap((type) => {
    const [own, known] = [ours[type] ?? [], theirs[type] ?? []].map((regions) => [...regions].sort().join(', '));
    return own === known
      ? []
      : [`${type} does not exist in ${known || 'no region'}, and our list has ${own || 'none'}`];
  });
}

/** Of generations that RDS runs ended versions of PostgreSQL on. */
const RETIRED = /^db\.(t[12]|[mr][1-4])\./;
const SIZES = 'micro small medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge';

/**
 * What our table of database classes says otherwise than the classes that RDS sells for PostgreSQL in any
 * region.
 */
function classesThatDiffer(): string[] {
  const file = join(schemas(), 'extensions', 'aws_rds_dbinstance', 'dbinstanceclass_enum.json');
  const sold = classesOfPostgres(JSON.parse(readFileSync(file, 'utf8')));
  const families = new Set([...sold].map((name) => name.split('.')[1]));
  const refused = [...sold].filter((name) => !RETIRED.test(name) && !isDatabaseClass(new InstanceType(name.slice(3))));
  const invented = KNOWN_FAMILIES.flatMap((family) => SIZES.split(' ').map((size) => `${family}.${size}`)).filter(
    (name) => maxConnectionsOf(new InstanceType(name)) !== undefined && !sold.has(`db.${name}`),
  );
  const unknown = KNOWN_FAMILIES.filter((family) => !families.has(family));
  return [
    ...refused.map((name) => `${name} is sold for PostgreSQL, and refused by us`),
    ...invented.map((name) => `${name} is taken by us, and sold for PostgreSQL nowhere`),
    ...unknown.map((family) => `RDS has no family ${family}`),
  ];
}

/** The classes of every rule for the engine, wherever it stands: by region, and by licence. */
function classesOfPostgres(rules: unknown): Set<string> {
  const { if: condition, then } = rules as { if?: PostgresRule; then?: PostgresRule };
  const isOurs = JSON.stringify(condition?.properties.Engine ?? '').includes('"postgres"');
  const parts = typeof rules === 'object' && rules !== null ? Object.values(rules) : [];
  return new Set([
    ...(isOurs ? (then?.properties.DBInstanceClass?.enum ?? []) : []),
    ...parts.flatMap((part) => [...classesOfPostgres(part)]),
  ]);
}

interface PostgresRule {
  readonly properties: { readonly Engine?: unknown; readonly DBInstanceClass?: { readonly enum?: string[] } };
}

/** Regions that we know nothing of: isolated partitions, and the sovereign cloud. */
const APART = /^(us-iso|eu-isoe|eusc|sam)/;

function typesByRegion(): { [region: string]: string[] } {
  const folder = join(schemas(), 'providers');
  const files = readdirSync(folder).filter((name) => name.endsWith('.json') && !APART.test(name));
  return Object.fromEntries(
    files.map((name) => [
      basename(name, '.json'),
      Object.keys(JSON.parse(readFileSync(join(folder, name), 'utf8')) as object),
    ]),
  );
}

/** What cfn-lint knows of CloudFormation. */
function schemas(): string {
  const lib = join(venv, 'lib');
  const [python] = readdirSync(lib).filter((name) => name.startsWith('python'));
  return join(lib, python, 'site-packages', 'cfnlint', 'data', 'schemas');
}

main();
