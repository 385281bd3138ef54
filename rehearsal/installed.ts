import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** Where programs keep what they can make again: one folder for all applications of a user. */
export function userCache(given = process.env.XDG_CACHE_HOME ?? '', platform = process.platform): string {
  const usual = platform === 'darwin' ? ['Library', 'Caches'] : ['.cache'];
  const caches = path.isAbsolute(given) ? given : path.join(homedir(), ...usual);
  return path.join(caches, 'cdk-django-fargate', 'rehearsal');
}

/** Where `cdk synth` in a folder writes. Throws when it has written nothing yet. */
export function assemblyOf(folder: string): string {
  const settings = path.join(folder, 'cdk.json');
  const { output = 'cdk.out' } = existsSync(settings) ? JSON.parse(readFileSync(settings, 'utf8')) : {};
  const assembly = path.resolve(folder, output);
  if (!existsSync(path.join(assembly, 'manifest.json'))) {
    throw new Error(
      `there is no cloud assembly in ${assembly}. Run \`npx cdk synth\` first, in the folder of your CDK app, or name one with --assembly.`,
    );
  }
  return assembly;
}
