/** An error of cfn-lint in a template that was synthesized for a region. */
export interface LintFinding {
  /** Id of the rule, as in `E3006`. */
  readonly rule: string;
  readonly template: string;
  /** Logical id without the hash at its end. */
  readonly resource: string;
  readonly message: string;
}

/** A row of the table in docs/testing.md: errors that stay, and why. */
export interface ArguedLint {
  readonly rule: string;
  /** Names of templates; an asterisk stands for any letters. */
  readonly templates: string[];
  /** Logical ids without their hash; an asterisk stands for any letters. */
  readonly resources: string[];
  readonly why: string;
}

/** What cfn-lint prints as JSON, as far as we read it. */
export interface LintMatch {
  readonly Level: string;
  readonly Message: string;
  readonly Filename: string;
  readonly Rule: { readonly Id: string };
  readonly Location: { readonly Path: readonly (string | number)[] };
}

/** A template that cfn-lint reads once, for all regions in which it is the same but for their names. */
export interface Shape {
  readonly template: string;
  readonly regions: string[];
  /** As it is in the first of the regions. */
  readonly text: string;
}

const HASH = /[0-9A-F]{8}$/;
const TABLE = /<!-- begin cfn-lint -->\n([\s\S]*?)<!-- end cfn-lint -->/;

/** Puts the templates together that differ by names alone, which cfn-lint does not judge. */
export function shapesOf(templates: { readonly [region: string]: { readonly [name: string]: string } }): Shape[] {
  const shapes = new Map<string, Shape>();
  for (const [region, byName] of Object.entries(templates)) {
    for (const [template, text] of Object.entries(byName)) {
      const key = `${template} ${withoutNames(text, region)}`;
      const { regions = [], text: first = text } = shapes.get(key) ?? {};
      shapes.set(key, { template, regions: [...regions, region], text: first });
    }
  }
  return [...shapes.values()];
}

function withoutNames(text: string, region: string): string {
  return text
    .replaceAll(region, 'REGION')
    .replaceAll(region.replaceAll('-', ''), 'REGION')
    .replaceAll(/\barn:aws[a-z-]*:/g, 'arn:aws:')
    .replaceAll(/:iam::\d{12}:root/g, ':iam::ACCOUNT:root')
    .replaceAll(/-REGION-[0-9a-f]{8}\b/g, '-REGION-HASH'); // Where an asset goes.
}

/** The errors of a report about `<name>.json`. */
export function errorsIn(matches: LintMatch[]): LintFinding[] {
  return matches
    .filter(({ Level }) => Level === 'Error')
    .map(({ Rule, Filename, Location, Message }) => ({
      rule: Rule.Id,
      template: (Filename.split('/').pop() as string).replace(/\.json$/, ''),
      resource: String(Location.Path[1] ?? '').replace(HASH, ''),
      message: Message,
    }));
}

/** The rows of the table in a page of the documentation. */
export function arguedLints(page: string): ArguedLint[] {
  const [, table = ''] = TABLE.exec(page) ?? [];
  const rows = table.split('\n').filter((line) => /^\| [EW]\d+/.test(line));
  return rows.map((line) => {
    const [, rule, templates, resources, why] = line.split('|').map((cell) => cell.trim());
    return { rule: rule.split(' ')[0], templates: coded(templates), resources: coded(resources), why };
  });
}

/** Errors that no row argues, and rows of what is no longer found. */
export function lintDifferences(findings: LintFinding[], argued: ArguedLint[]): string[] {
  const unlisted = findings.filter((finding) => !argued.some((row) => covers(row, finding)));
  const stale = argued.filter((row) => !findings.some((finding) => covers(row, finding)));
  return [
    ...new Set(unlisted.map(({ rule, template, resource, message }) => `${rule} ${template} ${resource}: ${message}`)),
    ...stale.map(({ rule, templates }) => `in the table, but no longer found: ${rule} ${templates.join(', ')}`),
  ];
}

/** Regions in which a resource type of the templates does not exist, by type. */
export function typesMissing(
  types: readonly string[],
  known: { readonly [region: string]: readonly string[] },
): { [type: string]: string[] } {
  const missing = types.map((type): [string, string[]] => [
    type,
    Object.keys(known).filter((region) => !known[region].includes(type)),
  ]);
  return Object.fromEntries(missing.filter(([, regions]) => regions.length > 0));
}

function covers(row: ArguedLint, finding: LintFinding): boolean {
  const fits = (patterns: string[], name: string) =>
    patterns.some((pattern) => new RegExp(`^${pattern.replaceAll('*', '[\\w-]*')}$`).test(name));
  return row.rule === finding.rule && fits(row.templates, finding.template) && fits(row.resources, finding.resource);
}

function coded(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
}
