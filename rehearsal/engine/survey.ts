import { KNOWN_FILES } from '../task/container';
import type { TaskDefinition } from '../template/task-definition';

/** What a shell in the image answers: a line for each program that is not on its PATH, and for each file. */
const QUESTION = `
while [ "$1" != -- ]; do command -v "$1" >/dev/null || echo "missing $1"; shift; done
shift
for file; do [ ! -e "$file" ] || echo "file $file"; done
`;

/** The words that ask a shell of the image for programs and for files of the working directory. */
export function questionOf(programs: Iterable<string>, files: readonly string[] = KNOWN_FILES): string[] {
  return ['/bin/sh', '-c', QUESTION, 'sh', ...programs, '--', ...files];
}

/** The words that ask a shell of the image for the first line of a program. */
export function firstLineOf(program: string): string[] {
  return ['/bin/sh', '-c', 'IFS= read -r line < "$(command -v "$1")" && printf %s "$line"', 'sh', program];
}

/** What a shell has answered. */
export interface Survey {
  readonly missing: readonly string[];
  readonly files: readonly string[];
}

export function surveyOf(stdout: string): Survey {
  const lines = stdout.split('\n').map((line) => line.trim());
  const after = (word: string) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  return { missing: after('missing'), files: after('file') };
}

/** The programs of the container health checks, each with the names of its containers. */
export function healthPrograms(definitions: Iterable<TaskDefinition>): Map<string, string[]> {
  const programs = new Map<string, string[]>();
  for (const { healthCheck, family, kind } of definitions) {
    const [program] = healthCheck?.command ?? [];
    if (program !== undefined) {
      programs.set(program, [...(programs.get(program) ?? []), kind ?? family]);
    }
  }
  return programs;
}

/** Why ECS would find every task of an image unhealthy; undefined where it would not. */
export function whyUnhealthy(programs: ReadonlyMap<string, string[]>, { missing }: Survey): string | undefined {
  const lines = missing.map((program) => {
    const names = [...new Set(programs.get(program) ?? [])].join(', ');
    return `the container health check of ${names} runs ${program}, which the image does not have: ECS would replace each task as unhealthy. Install it in the Dockerfile, or give another \`healthCheck\`.`;
  });
  return lines.length === 0 ? undefined : lines.join('\n');
}
