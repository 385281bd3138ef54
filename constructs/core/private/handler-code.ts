import { basename, join } from 'node:path';
import { Code } from 'aws-cdk-lib/aws-lambda';

/**
 * The bundled Lambda handler of that name; `npm run build:handlers` makes it from
 * constructs/handlers/<name>/index.ts.
 */
export function handlerCode(name: string): Code {
  return Code.fromAsset(join(packageRoot(), 'assets', name));
}

/** The folder of package.json: three folders up from the sources, four from dist/constructs/core/private. */
function packageRoot(): string {
  const up = join(__dirname, '..', '..', '..');
  return basename(up) === 'dist' ? join(up, '..') : up;
}
