import { NotRunnableHere } from '../image/not-runnable-here';
import { type Engine, type Found, findEngine } from './engine';

/** Whether the image itself runs, or processes of this machine in its place. */
export type Mode = 'image' | 'processes';

const STAND = 'processes of this machine stand for the image';

export interface ModeProps {
  /** What `--mode` says. */
  readonly given?: string;
  /** Where nothing is said: the image where an engine answers, or processes on each machine. */
  readonly otherwise: 'image where an engine answers' | 'processes';
  /** An option that belongs to one of the two, as it was typed. */
  readonly only?: { readonly mode: Mode; readonly option: string };
  readonly write: (line: string) => void;
  readonly find?: () => Promise<Found>;
}

/**
 * The engine that is to run the image; undefined where processes stand for it. Prints a line that says which.
 */
export async function chooseMode({
  given,
  otherwise,
  only,
  write,
  find = findEngine,
}: ModeProps): Promise<Engine | undefined> {
  if (given !== undefined && given !== 'image' && given !== 'processes') {
    throw new Error(`--mode must be image or processes, got "${given}".`);
  }
  if (only !== undefined && given !== undefined && given !== only.mode) {
    throw new Error(`${only.option} belongs to --mode ${only.mode}: leave one of them out.`);
  }
  const asked = given ?? only?.mode;
  if ((asked ?? otherwise) === 'processes') {
    if (asked !== undefined) {
      write(`≈ process mode, as ${given === undefined ? only?.option : '--mode'} says: ${STAND}`);
    }
    return undefined;
  }
  const { engine, remarks } = await find();
  for (const remark of remarks) {
    write(`≈ ${remark}`);
  }
  if (engine === undefined && asked === 'image') {
    throw new NotRunnableHere(
      'image mode needs a container engine that answers: start Docker or Podman, or name its program in CDK_DOCKER. Without one: --mode processes.',
    );
  }
  write(
    engine === undefined
      ? `≈ process mode: no container engine answers, so ${STAND}`
      : `≈ image mode: ${engine} builds the image and runs it (--mode processes does without)`,
  );
  return engine;
}
