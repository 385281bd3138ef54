import { spawnSync } from 'node:child_process';
import { userInfo } from 'node:os';
import { call, complaint, type Engine, findEngine } from '../../rehearsal/engine/engine';
import { BASES, makeBase } from './base-images';
import { whyNotHere } from './trial';

/** Milliseconds that a call of the engine may take, such as a build; a slower machine runs no image. */
const PATIENCE = 3 * 60_000;

/** An engine with which image mode is possible on this machine, or why there is none. */
export interface Here {
  readonly engine?: Engine;
  readonly why?: string;
  /** Removes what was made for it. */
  readonly restore: () => Promise<void>;
}

/**
 * Finds the engine, the base image of a Dockerfile, and out whether image mode is possible with both.
 *
 * A base image that cannot be pulled is made from packages of Debian where that is possible, and removed
 * afterwards. Never throws: whatever goes wrong here is the machine's.
 */
export async function findHere(base: string, write: (line: string) => void): Promise<Here> {
  const made: string[] = [];
  const patient: typeof call = (program, args, options) => call(program, args, { timeout: PATIENCE, ...options });
  const { engine, remarks } = await findEngine(process.env, patient);
  const restore = async () => {
    if (made.length > 0) {
      await engine?.call(['rmi', '--force', ...made]);
    }
  };
  for (const remark of remarks) {
    write(remark);
  }
  if (engine === undefined) {
    return { why: 'no container engine answers', restore };
  }
  try {
    const why = (await whyNoBase(base, engine, made)) ?? (await whyNotHere(engine, base));
    return why === undefined ? { engine, restore } : { why, restore };
  } catch (error) {
    return { why: (error as Error).message, restore };
  }
}

/** Why a base image is not there and cannot be had; undefined where it is there now. */
async function whyNoBase(name: string, engine: Engine, made: string[]): Promise<string | undefined> {
  if ((await engine.call(['image', 'inspect', name])).code === 0) {
    return undefined;
  }
  const pulled = await engine.call(['pull', name]);
  if (pulled.code === 0) {
    return undefined;
  }
  const base = BASES.find(({ names }) => names.includes(name));
  if (base === undefined || userInfo().uid !== 0 || spawnSync('mmdebstrap', ['--version']).status !== 0) {
    return `${name} is not here and cannot be pulled: ${complaint(pulled)}`;
  }
  made.push(...(await makeBase(base, engine)));
  return undefined;
}
