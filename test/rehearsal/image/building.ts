import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Announce } from '../../../rehearsal/announce';
import { type Image, type ImageOverrides, prepareImage } from '../../../rehearsal/image/image';

/** A base that needs no Python: building upon it takes some tenths of a second. */
export const NODE = `FROM node:${process.versions.node.split('.')[0]}\n`;

/** Builds images in a folder of its own. */
export class Building {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'build-'));
  readonly context = path.join(this.folder, 'context');
  readonly said: string[] = [];

  constructor() {
    mkdirSync(this.context);
  }

  build(dockerfile: string, overrides: ImageOverrides = {}, target?: string): Promise<Image> {
    const { context: directory, folder } = this;
    writeFileSync(path.join(directory, 'Dockerfile'), dockerfile);
    const announce: Announce = {
      progress: (text) => this.said.push(text),
      substitution: (text) => this.said.push(text),
      event: () => undefined,
    };
    return prepareImage({
      asset: { directory, dockerFile: 'Dockerfile', target },
      cache: path.join(folder, 'cache'),
      work: path.join(folder, 'work'),
      announce,
      spawn: (program, args, options) => spawn(program, args, options),
      overrides,
    });
  }

  end(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
