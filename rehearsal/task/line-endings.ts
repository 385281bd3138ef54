import type { KnownImage } from './container';
import type { Task } from './process';

/** What a kernel, a shell or an engine says where a program or its interpreter is not there. */
const MISSING = /no such file or directory|ENOENT/i;

/**
 * What is added to an error where a script does not start although it is there: Windows ends its first line,
 * so that the kernel looks for an interpreter whose name ends in a carriage return. Empty otherwise.
 */
export async function badLineEndings(
  { logs }: Pick<Task, 'logs'>,
  program: string | undefined,
  image: Pick<KnownImage, 'firstLine'> | undefined,
): Promise<string> {
  const isMissing = program !== undefined && logs.last(20).some((line) => MISSING.test(line));
  const line = isMissing ? await image?.firstLine(program) : undefined;
  return line?.startsWith('#!') && line.endsWith('\r')
    ? `. The first line of ${program} ends in a carriage return, as Windows ends lines: write \`*.sh text eol=lf\` into .gitattributes, and save the file with line feeds alone`
    : '';
}
