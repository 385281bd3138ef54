import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Certificate } from '../edge/certificates';
import type { Assembly } from '../template/assembly';
import type { Intrinsics } from '../template/intrinsics';
import type { Doubles } from './doubles';

const run = promisify(execFile);

/** An AWS::Lambda::Function whose code is in the assembly. */
export interface LambdaFunction {
  readonly id: string;
  readonly folder: string;
  readonly handler: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** The function that a `Fn::GetAtt: [function, Arn]` or a `Ref` of the template names. */
export function lambdaFunction(assembly: Assembly, intrinsics: Intrinsics, reference: unknown): LambdaFunction {
  const { Ref, 'Fn::GetAtt': attribute } = reference as { Ref?: string; 'Fn::GetAtt'?: string[] };
  const id = String(Ref ?? attribute?.[0]);
  const resource = assembly.template.Resources[id];
  const key = String(resource?.Properties?.Code?.S3Key ?? '');
  const folder = assembly.files.get(key.replace(/\.zip$/, ''));
  if (folder === undefined) {
    throw new Error(`the code of ${id} is not in the assembly`);
  }
  const { Handler = 'index.handler', Environment } = intrinsics.properties(resource);
  return { id, folder, handler: Handler, environment: Environment?.Variables ?? {} };
}

export interface InvokeProps {
  readonly handler: LambdaFunction;
  /** One after the other, in one process, as a function that stays warm is called. */
  readonly events: object[];
  readonly doubles: Doubles;
  readonly ca: Certificate;
  readonly region: string;
  readonly seconds: number;
}

/**
 * Calls a function of the stack, from the bundle that would be deployed.
 *
 * Returns its output. Throws with the last of it when the function fails.
 */
export async function invoke(props: InvokeProps): Promise<string> {
  const { handler, events, doubles, ca, region, seconds } = props;
  const [file, name] = handler.handler.split('.');
  const program = `const { ${name}: handler } = require(${JSON.stringify(path.join(handler.folder, file))});
    (async () => { for (const event of ${JSON.stringify(events)}) {
      await handler(event, { getRemainingTimeInMillis: () => 60000, functionName: 'rehearsal' });
    } })().then(() => process.exit(0), (error) => { console.error(error.message); process.exit(1); })`;
  try {
    const { stdout } = await run(
      process.execPath,
      ['--require', path.join(__dirname, 'trust-local-ca.cjs'), '-e', program],
      {
        timeout: seconds * 1000,
        env: {
          PATH: process.env.PATH,
          ...doubles.variables('ofHandlers'),
          AWS_REGION: region,
          AWS_ACCESS_KEY_ID: 'rehearsal',
          AWS_SECRET_ACCESS_KEY: 'rehearsal',
          AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
          NODE_NO_WARNINGS: '1',
          REHEARSAL_CA_FILE: ca.certFile,
          NODE_EXTRA_CA_CERTS: ca.certFile,
          ...handler.environment,
        },
      },
    );
    return stdout;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new Error((stderr || message).slice(0, 500));
  }
}
