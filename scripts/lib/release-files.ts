import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the one version of the npm packages, of the wheel and of django-fargate is written. */
const VERSIONED: readonly (readonly [file: string, pattern: RegExp])[] = [
  ['package.json', /^( {2}"version": ")([^"]+)/gm],
  [
    'package-lock.json',
    /^( {2}"version": "| {4}"(?:|rehearsal)": \{\n {6}"name": "[^"]+",\n {6}"version": ")([^"]+)/gm,
  ],
  ['rehearsal/package.json', /^( {2}"version": ")([^"]+)/gm],
  ['runtime/pyproject.toml', /^(version = ")([^"]+)/gm],
  ['runtime/django_fargate/__init__.py', /^(__version__ = ")([^"]+)/gm],
  ['constructs/core/runbook.ts', /^(export const VERSION = ')([^']+)/gm], // Alarms link to the runbooks of their version.
];

/** Every place where the version is written, with what it says. */
export function versionsIn(root: string): { file: string; version: string }[] {
  return VERSIONED.flatMap(([file, pattern]) => {
    const found = [...readFileSync(join(root, file), 'utf8').matchAll(pattern)];
    if (found.length === 0) {
      throw new Error(`${file} says no version`);
    }
    return found.map(([, , version]) => ({ file, version }));
  });
}

export function writeVersion(root: string, version: string): void {
  for (const [file, pattern] of VERSIONED) {
    rewrite(join(root, file), (text) => text.replace(pattern, `$1${version}`));
  }
}

/** The lines below "Unreleased", which become those of the version. Throws when there are none. */
export function cutChangelog(changelog: string, version: string, date: string): string {
  const [heading, body] = /^## \[Unreleased\]\n([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(changelog) ?? [];
  if (heading === undefined || !/^- /m.test(body)) {
    throw new Error('CHANGELOG.md has nothing below "## [Unreleased]"');
  }
  return changelog.replace('## [Unreleased]\n', `## [Unreleased]\n\n## [${version}] - ${date}\n`);
}

export function rewrite(file: string, change: (text: string) => string): void {
  writeFileSync(file, change(readFileSync(file, 'utf8')));
}

/** Below 1.0.0 a new minor version may break the API, after it only a new major one. */
export function mayBreak(last: string, next: string): boolean {
  const [[lastMajor, lastMinor], [major, minor]] = [last, next].map(parts);
  return major > lastMajor || (major === 0 && minor > lastMinor);
}

export function isLater(one: string, other: string): boolean {
  const [a, b] = [one, other].map(parts);
  const index = a.findIndex((part, at) => part !== b[at]);
  return index !== -1 && a[index] > b[index];
}

function parts(version: string): number[] {
  return version.split('.').map(Number);
}
