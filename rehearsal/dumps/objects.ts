import type { Rehearsal } from '../rehearsal';

/** Asks S3's double as the rehearsal itself, whom no policy binds. */
export function behind({ doubles }: Rehearsal, place: string, options: RequestInit = {}): Promise<Response> {
  const credential = `Credential=rehearsal/20260101/${doubles.region}/s3/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=host, Signature=0`;
  return fetch(`${doubles.behind}/${place}`, { ...options, headers: { authorization } });
}

/** A file of a dump, by its name: `manifest.json` or `dump/toc.dat`. */
export type Files = ReadonlyMap<string, Buffer>;

/** Where a dump lies: the key is all before its files. */
export interface Place {
  readonly bucket: string;
  readonly key: string;
}

/** All files of a dump. */
export async function readDump(rehearsal: Rehearsal, { bucket, key }: Place): Promise<Files> {
  const keys = (await rehearsal.doubles.keysOf(bucket)).filter((each) => each.startsWith(`${key}/`));
  const read = keys.map(async (each) => {
    const response = await behind(rehearsal, `${bucket}/${each}`);
    return [each.slice(key.length + 1), Buffer.from(await response.arrayBuffer())] as const;
  });
  return new Map(await Promise.all(read));
}

/** Removes a dump with all of its files. */
export async function removeDump(rehearsal: Rehearsal, { bucket, key }: Place): Promise<void> {
  const keys = (await rehearsal.doubles.keysOf(bucket)).filter((each) => each.startsWith(`${key}/`));
  await Promise.all(keys.map((each) => behind(rehearsal, `${bucket}/${each}`, { method: 'DELETE' })));
}

/** Writes a dump that is newer than all others while something is done. */
export async function whilePlanted<T>(
  rehearsal: Rehearsal,
  { bucket, key }: Place,
  files: Files,
  during: () => Promise<T>,
): Promise<T> {
  const moment = new Date(Date.now() + 60_000).toISOString().slice(0, 19).replaceAll(':', '-');
  const planted = key.replace(/[^/]+$/, `${moment}Z`);
  const put = ([name, body]: readonly [string, Buffer]) =>
    behind(rehearsal, `${bucket}/${planted}/${name}`, { method: 'PUT', body: new Uint8Array(body) });
  await Promise.all([...files].map(put));
  try {
    return await during();
  } finally {
    await removeDump(rehearsal, { bucket, key: planted });
  }
}
