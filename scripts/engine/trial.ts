import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PlainAnnounce } from '../../rehearsal/announce';
import { leastWords } from '../../rehearsal/engine/abilities';
import { buildImage } from '../../rehearsal/engine/builder';
import { complaint, type Engine } from '../../rehearsal/engine/engine';
import type { BuiltImage } from '../../rehearsal/engine/engine-host';
import { abilitiesOf, reachLoopback, run } from '../../rehearsal/engine/engine-runner';

/** What the Dockerfiles of layouts need beside their base: RDS's certificates, and an index of packages. */
const LINES = [
  'ADD --chmod=444 https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem /tmp/rds.pem',
  'RUN python -m pip download --no-deps --no-cache-dir --dest /tmp/trial asgiref',
];
const MEMORY = ['--memory', '256m', '--memory-swap', '256m'];
/** Takes memory until something ends it, or until nothing has ended it. */
const HOG = 'taken = [bytearray(b"x" * (1 << 24)) for _ in range(40)]';
/** Code of a process that SIGKILL has ended. */
const KILLED = 137;

/**
 * Why image mode is not possible with an engine on this machine; undefined where it is.
 *
 * An engine can answer and yet be of no use: without user namespaces, cgroups, a registry or an index of
 * packages. What a rehearsal would do is tried here with the smallest image, so that what a rehearsal finds
 * afterwards is not the machine's.
 */
export async function whyNotHere(engine: Engine, base: string): Promise<string | undefined> {
  const folder = mkdtempSync(path.join(tmpdir(), 'engine-trial-'));
  const said: string[] = [];
  const announce = new PlainAnnounce(undefined, (line) => said.push(line), true);
  const sandbox = { folder: (name: string) => mkdtempSync(path.join(folder, name)) };
  try {
    writeFileSync(path.join(folder, 'Dockerfile'), [`FROM ${base}`, ...LINES, ''].join('\n'));
    const { platform } = engine;
    const asset = { directory: folder, dockerFile: 'Dockerfile' };
    const image = await buildImage({ asset, platform }, { engine, announce, sandbox, platform });
    const abilities = await abilitiesOf({ engine, announce }, image);
    const lacking = said.find((line) => line.includes('the engine cannot do it here'));
    if (lacking !== undefined) {
      return lacking.replace(/^[\s\d.≈]+/, '');
    }
    const able = engine.with(abilities.globals);
    await reachLoopback(able, abilities, image);
    const options = leastWords(abilities);
    return (await whyNotLimited(able, options, image)) ?? (await whyNotReached(able, options, image));
  } catch (error) {
    return (error as Error).message;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Why a container may take more memory than it is given, or write where it must not. */
async function whyNotLimited(engine: Engine, options: string[], image: BuiltImage): Promise<string | undefined> {
  const hog = await run(engine, [...options, ...MEMORY], image, ['python', '-c', HOG]);
  if (hog.code !== KILLED) {
    return `a container that takes more memory than it is given ends with ${hog.code} instead of ${KILLED}`;
  }
  const written = await run(engine, [...options, '--read-only'], image, ['/bin/sh', '-c', ': >/written']);
  return written.code === 0 ? 'a container whose file system is read-only can write to it' : undefined;
}

/** Why a container that runs cannot be asked, or does not get signals. */
async function whyNotReached(engine: Engine, options: string[], image: BuiltImage): Promise<string | undefined> {
  const name = `engine-trial-${process.pid}`;
  const words = ['run', '--detach', '--name', name, '--init', '--pull', 'never', ...options];
  try {
    for (const step of [
      [...words, image.name, 'sleep', '600'],
      ['exec', name, 'true'],
      ['kill', '--signal', 'SIGTERM', name],
    ]) {
      const answer = await engine.call(step);
      if (answer.code !== 0) {
        return `${engine.program} ${step[0]} fails: ${complaint(answer)}`;
      }
    }
    const { stdout } = await engine.call(['wait', name]);
    return stdout.trim() === '143' ? undefined : `a container that is sent SIGTERM ends with ${stdout.trim()}`;
  } finally {
    await engine.call(engine.removal([name]));
  }
}
