import https from 'node:https';
import { Readable } from 'node:stream';
import { type Check, type CheckContext, expect } from '../checks/check';
import { PAGES } from '../checks/names';
import type { Patch } from '../image/patch';
import type { Service } from '../task/services';

export const UPLOADED = 'uploads: 300 MB to web and to ASGI are 200 with temporaryStorage, and 500 without';

const MEGABYTES = 300;
const BOUNDARY = 'rehearsal';
const CHUNK = Buffer.alloc(1_000_000);
/** Paths that the listener rules of the example send to one service each. */
const PATHS = { web: '/upload', asgi: '/ws/upload' } as const;

/** A view for uploads, which the example has no use for. */
export const UPLOAD_VIEW: Patch = {
  file: 'config/urls.py',
  append: `
import os.path

from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt


@csrf_exempt
def upload(request):
    given = request.FILES["file"]
    return JsonResponse({"size": given.size, "folder": os.path.dirname(given.temporary_file_path())})


urlpatterns += [path("upload", upload), path("ws/upload", upload)]
`,
};

/** They need a rehearsal of an example in which `UPLOAD_VIEW` is patched. */
export const uploadChecks: Check[] = [
  {
    name: UPLOADED,
    lane: 'uploads',
    needs: [PAGES],
    proof: true,
    applies: ({ rehearsal }) => rehearsal.mounts,
    async run(context) {
      const said: string[] = [];
      for (const kind of ['web', 'asgi'] as const) {
        said.push(await upload(context, kind));
      }
      return said.join('; ');
    },
  },
];

/** One upload; gives what it took. What is expected follows from the template. */
async function upload({ rehearsal, front }: CheckContext, kind: keyof typeof PATHS): Promise<string> {
  const service = rehearsal.services.find(({ definition }) => definition.kind === kind);
  expect(service !== undefined, `the stack has no ${kind}`);
  const wanted = hasStorage(service) ? 200 : 500;
  const [head, tail] = [
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="zeros"\r\nContent-Type: application/octet-stream\r\n\r\n`,
    `\r\n--${BOUNDARY}--\r\n`,
  ].map((text) => Buffer.from(text));
  const size = MEGABYTES * CHUNK.length;
  const started = Date.now();
  // A visitor that would close its connection after the answer might not read it while it is still sending.
  const agent = new https.Agent({ keepAlive: true });
  const reply = await front.request(PATHS[kind], {
    agent,
    method: 'POST',
    host: front.hostFor(PATHS[kind]),
    headers: {
      'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
      'content-length': String(head.length + size + tail.length),
    },
    body: Readable.from(parts(head, tail)),
  });
  agent.destroy();
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  expect(reply.status === wanted, `${kind} answered ${reply.status}, not ${wanted}: ${reply.body.slice(0, 200)}`);
  if (wanted === 200) {
    const { size: received } = JSON.parse(reply.body);
    expect(received === size, `${kind} received ${received} bytes of ${size}`);
  }
  // What did not fit is gone again.
  const page = await front.request(service.group?.settings.path ?? '/', { host: front.hostFor(PATHS[kind]) });
  expect(page.status === 200, `${kind}: a page after it answered ${page.status}`);
  return `${kind} ${reply.status} after ${seconds} s`;
}

function hasStorage({ definition }: Service): boolean {
  return definition.mountPoints.length > 0;
}

function* parts(head: Buffer, tail: Buffer): Generator<Buffer> {
  yield head;
  for (let megabyte = 0; megabyte < MEGABYTES; megabyte++) {
    yield CHUNK;
  }
  yield tail;
}
