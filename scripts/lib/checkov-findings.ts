/** A rule of checkov that a resource of a template breaks. */
export interface CheckovFinding {
  readonly check: string;
  /** Name of the template: `production` or `development`. */
  readonly template: string;
  /** Logical id without the hash at its end. */
  readonly resource: string;
}

/** A row of the table in docs/testing.md: findings that stay, and why. */
export interface ArguedFinding {
  readonly check: string;
  readonly templates: string[];
  /** Logical ids without their hash; an asterisk stands for any letters. */
  readonly resources: string[];
  readonly why: string;
}

/** What checkov prints as JSON, as far as we read it. */
export interface CheckovReport {
  readonly results: {
    readonly failed_checks: { readonly check_id: string; readonly file_path: string; readonly resource: string }[];
  };
}

const HASH = /[0-9A-F]{8}$/;
const TABLE = /<!-- begin checkov -->\n([\s\S]*?)<!-- end checkov -->/;

/** The findings of a report over `production.json` and `development.json`. */
export function findingsOf({ results }: CheckovReport): CheckovFinding[] {
  return results.failed_checks.map(({ check_id, file_path, resource }) => ({
    check: check_id,
    template: file_path.replace(/^\//, '').replace(/\.json$/, ''),
    resource: (resource.split('.').pop() as string).replace(HASH, ''),
  }));
}

/** The rows of the table in a page of the documentation. */
export function arguedIn(page: string): ArguedFinding[] {
  const [, table = ''] = TABLE.exec(page) ?? [];
  const rows = table.split('\n').filter((line) => line.startsWith('| CKV'));
  return rows.map((line) => {
    const [, check, templates, resources, why] = line.split('|').map((cell) => cell.trim());
    return {
      check: check.split(' ')[0],
      templates: templates.split(', '),
      resources: [...resources.matchAll(/`([^`]+)`/g)].map(([, resource]) => resource),
      why,
    };
  });
}

/** Findings that no row argues, and rows of what checkov no longer finds. */
export function differences(findings: CheckovFinding[], argued: ArguedFinding[]): string[] {
  const claims = argued.flatMap(({ check, templates, resources }) =>
    templates.flatMap((template) => resources.map((resource) => ({ check, template, resource }))),
  );
  const unlisted = findings.filter((finding) => !claims.some((claim) => covers(claim, finding)));
  const stale = claims.filter((claim) => !findings.some((finding) => covers(claim, finding)));
  return [
    ...unlisted.map((finding) => `not in the table: ${say(finding)}`),
    ...stale.map((claim) => `in the table, but no longer found: ${say(claim)}`),
  ];
}

function covers(claim: CheckovFinding, finding: CheckovFinding): boolean {
  const pattern = new RegExp(`^${claim.resource.replaceAll('*', '\\w*')}$`);
  return claim.check === finding.check && claim.template === finding.template && pattern.test(finding.resource);
}

function say({ check, template, resource }: CheckovFinding): string {
  return `${check} ${template} ${resource}`;
}
