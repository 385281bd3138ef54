import type { Incoming } from './signature';
import { Refusal } from './signature';

/** What a browser sends with a form: fields by lower-case name, and the file. */
export interface Form {
  readonly fields: ReadonlyMap<string, string>;
  readonly file: Buffer;
  readonly fileName: string;
}

/** Reads `multipart/form-data`, as S3 does: what follows the file does not count. */
export function readForm({ headers, body }: Incoming): Form {
  const [, quoted, plain] = /boundary=(?:"([^"]+)"|([^;\s]+))/.exec(headers['content-type'] ?? '') ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) {
    throw new Refusal(
      'MalformedPOSTRequest',
      'The body of your POST request is not well-formed multipart/form-data.',
      400,
    );
  }
  const fields = new Map<string, string>();
  const delimiter = `--${boundary}`;
  let start = body.indexOf(delimiter);
  while (start >= 0) {
    const from = start + delimiter.length + 2;
    const end = body.indexOf(`\r\n${delimiter}`, from);
    const head = body.indexOf('\r\n\r\n', from);
    if (end < 0 || head < 0 || head > end) {
      break;
    }
    const text = body.toString('utf8', from, head);
    const name = (/[;\s]name="([^"]*)"/.exec(text)?.[1] ?? '').toLowerCase();
    const content = body.subarray(head + 4, end);
    if (name === 'file') {
      return { fields, file: content, fileName: /filename="([^"]*)"/.exec(text)?.[1] ?? '' };
    }
    fields.set(name, content.toString('utf8'));
    start = end + 2;
  }
  throw new Refusal('InvalidArgument', 'POST requires exactly one file upload per request.', 400);
}

/** Fields that no condition has to name. */
const FREE = /^(x-amz-signature|policy|file|x-ignore-.*|x-amz-checksum-.*)$/;

/**
 * Throws a `Refusal` unless a form keeps to its policy: every condition is met, and names every field.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/HTTPPOSTForms.html
 */
export function checkPolicy({ fields, file }: Form, bucket: string, now = Date.now()): void {
  const policy = parsed(fields.get('policy') ?? '');
  if (!(Date.parse(policy.expiration) > now)) {
    throw new Refusal('AccessDenied', 'Invalid according to Policy: Policy expired.');
  }
  const given = new Map([...fields, ['bucket', bucket]]);
  const named = new Set<string>(['bucket']);
  for (const condition of policy.conditions) {
    const [operator, name, value] = Array.isArray(condition)
      ? condition
      : (['eq', ...(Object.entries(condition)[0] ?? [])] as unknown[]);
    if (operator === 'content-length-range') {
      checkSize(file.length, Number(name), Number(value));
      continue;
    }
    const field = String(name).replace(/^\$/, '').toLowerCase();
    named.add(field);
    const text = given.get(field) ?? '';
    const isMet = operator === 'starts-with' ? text.startsWith(String(value)) : text === String(value);
    if (!isMet) {
      throw new Refusal(
        'AccessDenied',
        `Invalid according to Policy: Policy Condition failed: ${JSON.stringify(condition)}`,
      );
    }
  }
  const extra = [...fields.keys()].find((field) => !FREE.test(field) && !named.has(field));
  if (extra !== undefined) {
    throw new Refusal('AccessDenied', `Invalid according to Policy: Extra input fields: ${extra}`);
  }
}

function checkSize(size: number, least: number, most: number): void {
  if (size < least) {
    throw new Refusal('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', 400);
  }
  if (size > most) {
    throw new Refusal('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', 400);
  }
}

function parsed(policy: string): { readonly expiration: string; readonly conditions: readonly object[] } {
  try {
    const { expiration, conditions } = JSON.parse(Buffer.from(policy, 'base64').toString('utf8'));
    return { expiration: String(expiration), conditions: Array.isArray(conditions) ? conditions : [] };
  } catch {
    throw new Refusal('InvalidPolicyDocument', 'The content of the form does not meet the conditions.', 400);
  }
}
