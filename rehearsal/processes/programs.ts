import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Image, withoutPath } from '../image/image';
import { type ContainerProps, typedWords } from '../task/container';
import type { Identity } from '../task/identity';
import { type Localization, localize, localizeCommand } from '../task/localize';
import type { Program } from './entrance';
import type { Files } from './files';

export interface ProgramsProps extends ContainerProps {
  readonly image: Image;
  readonly identity: Identity;
  readonly files: Files;
  /** Stands for RDS's certificate bundle. */
  readonly caBundle: string;
}

/** Variables of a container that only this machine needs. */
const MACHINE = { LANG: 'C.UTF-8', PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1' };

/** The programs of a task, as they must read on this machine. */
export class Programs {
  readonly local: Localization;
  private readonly environment: NodeJS.ProcessEnv;
  private readonly workingDirectory: string;

  constructor(private readonly props: ProgramsProps) {
    const { definition, image, files, environment, caBundle } = props;
    const caPath = environment.PGSSLROOTCERT;
    this.local = {
      temporary: files.temporary,
      volumes: files.inside,
      root: image.root,
      exists: (file) => existsSync(path.join(image.root, file)),
      caBundle: caPath === undefined ? undefined : { path: caPath, local: caBundle },
    };
    this.environment = this.variables();
    this.workingDirectory = path.join(image.root, definition.workingDirectory ?? image.defaults.workingDirectory);
  }

  of(command: readonly string[]): Program {
    const { image, identity } = this.props;
    return {
      words: this.words(command),
      environment: this.environment,
      workingDirectory: this.workingDirectory,
      identity,
      python: image.python,
    };
  }

  private words(command: readonly string[]): string[] {
    const { definition, port } = this.props;
    const local = { ...this.local, containerPort: definition.port, port };
    return localizeCommand(command, local, typedWords(definition));
  }

  private variables(): NodeJS.ProcessEnv {
    const { image, environment, definition, port } = this.props;
    const all = { ...withoutPath(image.defaults.environment), ...environment };
    const localized = Object.entries(all).map(([name, value]) => {
      if (name === 'PORT' && Number(value) === definition.port && port !== undefined) {
        return [name, String(port)];
      }
      return [name, definition.secrets[name] === undefined ? localize(value, this.local) : value];
    });
    return {
      ...MACHINE,
      PATH: `${image.path}:${process.env.PATH}`,
      TMPDIR: this.local.temporary,
      ...Object.fromEntries(localized),
    };
  }
}
