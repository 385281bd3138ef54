import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { withNested } from '../../../rehearsal/template/nested';
import { type LeftOut, reduced, type Template } from './template';

/** A cloud assembly of one stack that the emulator can make, and what it makes of the whole. */
export interface EmulatedAssembly {
  readonly directory: string;
  readonly template: Template;
  /** Resources of the template that the example synthesizes. */
  readonly total: number;
  readonly leftOut: readonly LeftOut[];
  readonly altered: readonly string[];
}

/** What of a synthesized stack is put where, and how. */
export interface Emulate {
  /** The folder that `cdk synth` wrote. */
  readonly source: string;
  readonly target: string;
  readonly stack: string;
  readonly unknown: readonly string[];
  /**
   * Changes the template, as a developer would by a change of the code.
   *
   * @default - none
   */
  change?(template: Template): Template;
}

/**
 * Writes the cloud assembly of a stack once more, without what the emulator does not know.
 *
 * The images of containers are taken out of the assets: publishing one needs an engine that builds it. The
 * task definitions keep the address that the image would have, which the emulator never pulls.
 *
 * What stands in nested stacks is made in the stack itself, since the emulator lacks parts of them, too.
 */
export function emulate({ source, target, stack, unknown, change = (same) => same }: Emulate): EmulatedAssembly {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  for (const name of readdirSync(source)) {
    if (name.startsWith('asset.')) {
      symlinkSync(path.join(source, name), path.join(target, name));
    } else {
      cpSync(path.join(source, name), path.join(target, name));
    }
  }
  const { files } = JSON.parse(readFileSync(path.join(source, `${stack}.assets.json`), 'utf8'));
  const original = withNested(
    JSON.parse(readFileSync(path.join(source, `${stack}.template.json`), 'utf8')),
    (hash) => files[hash] && path.join(source, files[hash].source.path),
  ) as Template;
  const { template, leftOut, altered } = reduced(original, unknown);
  const changed = change(template);
  const text = JSON.stringify(changed);
  writeFileSync(path.join(target, `${stack}.template.json`), text);
  renameAsset(target, stack, createHash('sha256').update(text).digest('hex'));
  return { directory: target, template: changed, total: Object.keys(original.Resources).length, leftOut, altered };
}

/** The CLI skips a template whose hash is there already, so another text needs another hash. */
function renameAsset(target: string, stack: string, hash: string): void {
  const assetsFile = path.join(target, `${stack}.assets.json`);
  const assets = JSON.parse(readFileSync(assetsFile, 'utf8'));
  const [old] = Object.keys(assets.files).filter((id) => assets.files[id].source.path === `${stack}.template.json`);
  writeFileSync(assetsFile, JSON.stringify({ ...assets, dockerImages: {} }).replaceAll(old, hash));
  const manifestFile = path.join(target, 'manifest.json');
  writeFileSync(manifestFile, readFileSync(manifestFile, 'utf8').replaceAll(old, hash));
}
