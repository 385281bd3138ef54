import { findEngine } from '../../rehearsal/engine/engine';
import { BASES, makeBase } from './base-images';

/**
 * `npm run outside:images`: makes base images from packages of Debian, for a machine that can pull none. They
 * have the names that FROM uses.
 */
async function main(): Promise<void> {
  const { engine, remarks } = await findEngine();
  for (const remark of remarks) {
    process.stdout.write(`${remark}\n`);
  }
  if (engine === undefined) {
    throw new Error('no container engine answers');
  }
  for (const base of BASES) {
    await makeBase(base, engine);
    process.stdout.write(`${base.names.join(', ')}: Debian ${base.suite}\n`);
  }
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
