const RUNBOOKS = 'https://github.com/cdk-django-fargate/cdk-django-fargate/blob/main/docs/runbooks.md';

/** Address of a section of the runbooks. */
export function runbookUrl(section: string): string {
  return `${RUNBOOKS}#${section}`;
}
