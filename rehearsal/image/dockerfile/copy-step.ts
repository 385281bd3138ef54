import path from 'node:path';
import { baseOf } from './base';
import { expanded, flagsOf } from './flags';
import { expand } from './lexer';
import type { Instruction } from './parse';
import type { CopyStep, DownloadStep, Scope, Source } from './plan';
import { Refused, RULES } from './rules';

/** What a line of a stage needs of the rest of the file. */
export interface Surroundings {
  readonly scope: Scope;
  readonly escapeToken: string;
  /** Stage, folder or image by the name in `--from`. */
  readonly source: (name: string) => Source;
  readonly announce: (why: string) => void;
  readonly buildArgs: Readonly<Record<string, string>>;
  /** ARG before the first FROM, and the predefined ones. */
  readonly globals: ReadonlyMap<string, string>;
}

const GIT = /^(?:git@|git:\/\/|ssh:\/\/)|^https?:\/\/.*\.git(?:#.*)?$/;
/** RDS's certificate bundle, in whose place the rehearsal has its own. */
export const RDS = /^https:\/\/truststore\.pki\.rds\.amazonaws\.com\//;

/** Steps of one COPY or ADD. */
export function copySteps(instruction: Instruction, around: Surroundings): (CopyStep | DownloadStep)[] {
  const { scope, escapeToken } = around;
  const { name, line, text } = instruction;
  const place = { line, text };
  const flags = flagsOf(instruction, scope.variables, escapeToken);
  const words = instruction.json ?? instruction.rest.split(/[\t\v\f\r ]+/).filter((word) => word !== '');
  if (words.length < 2) {
    throw new Refused(`${name} needs a source and a destination`);
  }
  const given = words.slice(0, -1);
  const chmod = flags('chmod')?.[0];
  if (chmod !== undefined && !/^[0-7]{1,4}$|^[ugoa]*[-+=]/.test(chmod)) {
    throw new Refused(`--chmod=${chmod} is no mode such as 755 or u+x`);
  }
  const target = resolved(scope.workingDirectory, expanded(words[words.length - 1], scope.variables, escapeToken));
  const documents = given.flatMap((word) => documentOf(word, instruction, around));
  const sources = given
    .filter((word) => !/^\d*<</.test(word))
    .map((word) => expanded(word, scope.variables, escapeToken));
  const addresses = sources.filter((source) => /^https?:\/\//.test(source) || GIT.test(source));
  if (given.length > 1 && !target.endsWith('/')) {
    throw new Refused(`${name} of several sources needs a destination that ends with /`);
  }
  refuseSources(name, addresses, flags('from') !== undefined);
  if (flags('chown') !== undefined) {
    around.announce(`--chown: ${RULES.chown.what}`);
  }
  if (flags('link') !== undefined) {
    around.announce(`--link: ${RULES.link.what}`);
  }
  const checksum = flags('checksum')?.[0];
  if (checksum !== undefined && (addresses.length !== 1 || sources.length !== 1)) {
    throw new Refused('--checksum is for one address');
  }
  const unpack = flags('unpack')?.[0].toLowerCase();
  if (unpack !== undefined && unpack !== 'false' && addresses.length > 0) {
    throw new Refused(`${RULES.unpackUrl.what}: ${addresses[0]}`);
  }
  const downloads = addresses.flatMap((url) => downloadOf({ ...place, url, target, checksum, chmod }, around));
  const files = sources.filter((source) => !addresses.includes(source));
  const from = flags('from')?.[0];
  const copy: CopyStep = {
    ...place,
    kind: 'copy',
    from: from === undefined ? { kind: 'context' } : around.source(from),
    ...{ sources: files, documents, target, chmod },
    exclude: flags('exclude') ?? [],
    parents: flags('parents') !== undefined,
    unpack: name === 'ADD' && unpack !== 'false',
  };
  return [...(files.length + documents.length > 0 ? [copy] : []), ...downloads];
}

function refuseSources(name: string, addresses: string[], from: boolean): void {
  if (name === 'COPY' && addresses.length > 0) {
    throw new Refused(`COPY takes no address (${addresses[0]}): ADD does`);
  }
  const git = from ? undefined : addresses.find((source) => GIT.test(source));
  if (git !== undefined) {
    throw new Refused(`${RULES.addGit.what}: ${git}`);
  }
}

function downloadOf(download: Omit<DownloadStep, 'kind'>, around: Surroundings): DownloadStep[] {
  if (RDS.test(download.url)) {
    around.announce(RULES.rdsCertificates.what);
    return [];
  }
  return [{ ...download, kind: 'download' }];
}

function documentOf(word: string, { heredocs }: Instruction, { scope, escapeToken }: Surroundings) {
  const [, written] = /^\d*<<-?(.+)$/.exec(word) ?? [];
  if (written === undefined) {
    return [];
  }
  const name = expand(written, undefined, { escapeToken, keepUnset: true });
  const found = heredocs.find((heredoc) => heredoc.name === name);
  if (found === undefined) {
    throw new Refused(`the heredoc ${word} is not in the file`);
  }
  const content = found.expand ? inDocument(found.content, scope) : found.content;
  return [{ name, content }];
}

/** Variables of a document, whose quotes stand for themselves and whose escape character is a backslash. */
function inDocument(content: string, scope: Scope): string {
  try {
    return expand(content, scope.variables, { plainQuotes: true });
  } catch (error) {
    throw new Refused(`${RULES.invalid.what}: ${(error as Error).message}`);
  }
}

/** Absolute path in the image; `.` and a slash at the end make it a folder. */
export function resolved(workingDirectory: string, target: string): string {
  const folder = target === '' || target === '.' || /\/\.?$/.test(target) || target.endsWith('/..');
  const absolute = path.posix.resolve(workingDirectory, target);
  return folder && absolute !== '/' ? `${absolute}/` : absolute;
}

/** The source that a name in `--from` stands for, where it is neither a stage nor a folder. */
export function imageSource(name: string): Source {
  const base = baseOf(name);
  if (base.kind === 'unknown' || base.kind === 'system') {
    throw new Refused(`${RULES.imageFiles.what}: ${name}`);
  }
  return { kind: 'image', base };
}

/** A bind of a step is a copy of what it names, to /x. */
export function bindStep(from: Source, source: string): CopyStep {
  const rest = { documents: [], exclude: [], parents: false, unpack: false };
  return {
    kind: 'copy',
    line: 0,
    text: `--mount=type=bind,source=${source}`,
    from,
    sources: [source],
    target: '/x',
    ...rest,
  };
}
