import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { PlainAnnounce } from '../../rehearsal/announce';
import { Sandbox } from '../../rehearsal/task/sandbox';
import { Aws } from './aws';
import { Cdk, synthesizeShop } from './cdk';
import { development } from './development';
import { CACHE, startEmulator } from './emulator';
import { FAULTS, type Fault } from './faults';
import { Guide } from './guide';
import { guideAlone, production } from './production';
import { Report } from './report';
import { StandIns } from './stand-ins';
import { emulate } from './template/assembly';
import { type Share, statedShares } from './template/shares';
import { reduced, type Template } from './template/template';
import { UNKNOWN_TYPES } from './template/unknown-types';
import { checkTable } from './types';
import { STACK, type World } from './world';

/** `npm run emulated`: the CDK's command line and the guide's commands against an emulator of AWS. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { fault: { type: 'string' }, faults: { type: 'boolean' } } });
  const report = new Report();
  if (values.faults) {
    seedFaults(report);
  } else {
    const fault = values.fault === undefined ? undefined : FAULTS[values.fault];
    if (values.fault !== undefined && fault === undefined) {
      throw new Error(`--fault must be one of ${Object.keys(FAULTS).join(', ')}`);
    }
    await run(report, fault);
  }
  console.log(`${report.passed} passed, ${report.failed} failed`);
  process.exitCode = report.failed === 0 && report.passed > 0 ? 0 : 1;
}

async function run(report: Report, fault?: Fault): Promise<void> {
  const sandbox = new Sandbox(CACHE);
  const announce = new PlainAnnounce(undefined, (line) => process.stdout.write(`   ${line}\n`));
  try {
    const emulator = await startEmulator(sandbox);
    const aws = new Aws(emulator);
    const cdk = new Cdk(emulator, sandbox.directory, fault?.silent);
    const standIns = new StandIns({ aws, emulator, sandbox, announce });
    const zone = await hostedZone(cdk);
    const folder = (profile: string) => path.join(sandbox.directory, profile);
    await Promise.all([
      synthesizeShop(emulator, folder('development'), []),
      synthesizeShop(emulator, folder('production'), [
        ...['profile=production', 'domainName=shop.example.com', `hostedZoneId=${zone}`],
      ]),
    ]);
    const unknown = [...UNKNOWN_TYPES, ...(fault?.leavesOut === undefined ? [] : [fault.leavesOut])];
    let assemblies = 0;
    const world: World = {
      ...{ sandbox, announce, emulator, aws, cdk, standIns, report },
      assemble(profile, change = (same) => same) {
        assemblies += 1;
        const target = path.join(sandbox.directory, `assembly-${assemblies}`);
        const all = (template: Template) => change(fault?.change?.(template) ?? template);
        const assembly = emulate({ source: folder(profile), target, stack: STACK, unknown, change: all });
        cdk.use(assembly.directory);
        return assembly;
      },
    };
    const guide = new Guide({ cwd: cdk.folder, env: cdk.environment, change: fault?.page });
    await parts(world, guide, zone, { fault, unknown, folder });
    guide.close();
    await report.step('the stand-ins', () => standIns.close());
    if (report.failed > 0) {
      console.log(`The end of what the emulator logged:\n${emulator.log()}`);
    }
    aws.close();
  } finally {
    sandbox.close();
  }
}

interface Parts {
  readonly fault?: Fault;
  readonly unknown: readonly string[];
  folder(profile: string): string;
}

async function parts(world: World, guide: Guide, zone: string, { fault, unknown, folder }: Parts): Promise<void> {
  const wanted = (part: Fault['only']) => fault === undefined || fault.only === part;
  if (wanted('table')) {
    const originals = ['development', 'production'].map(
      (profile): Template => JSON.parse(readFileSync(path.join(folder(profile), `${STACK}.template.json`), 'utf8')),
    );
    const [one, other] = originals;
    const shares = [shareOf('development', one, unknown), shareOf('production', other, unknown)];
    await checkTable(world, originals, unknown);
    world.report.same('docs/testing.md states how much of the example is made', statedShares(), shares);
  }
  if (wanted('development')) {
    await development(world, guide);
  }
  if (fault === undefined) {
    await production(world, guide, zone);
  } else if (fault.only === 'guide') {
    await guideAlone(world, guide);
  }
}

function shareOf(profile: string, original: Template, unknown: readonly string[]): Share {
  const { template, altered } = reduced(original, unknown);
  const [made, total] = [template, original].map(({ Resources }) => Object.keys(Resources).length);
  return { profile, made, total, altered: altered.length };
}

/** Each fault must make the check fail that is there for it. */
function seedFaults(report: Report): void {
  for (const [name, { what, notices }] of Object.entries(FAULTS)) {
    const given = [...process.execArgv, process.argv[1], '--fault', name];
    const { status, stdout } = spawnSync(process.execPath, given, { encoding: 'utf8', maxBuffer: 1 << 26 });
    const noticed = stdout.split('\n').some((line) => line.startsWith(`FAILED ${notices}`));
    report.that(`${name}: ${what}`, status === 1 && noticed, `not noticed:\n${stdout}`);
  }
}

/** The hosted zone of the domain, as its owner has one. */
async function hostedZone(cdk: Cdk): Promise<string> {
  const made = await cdk.aws(
    'route53',
    'create-hosted-zone',
    '--name',
    'example.com',
    '--caller-reference',
    'emulated',
  );
  return JSON.parse(made).HostedZone.Id.split('/').at(-1);
}

main();
