import { randomBytes } from 'node:crypto';
import { sleep } from '../../wait';
import { type Check, type CheckContext, expect, NotApplicable } from '../check';
import { MEDIA_PRIVATE, MEDIA_STORED, PAGES } from '../names';
import { evaluate, MARK } from './answer';

const ABOUT = 'a bucket of the template in AWS_STORAGE_BUCKET_NAME';
const PYTHON = `
import json, os
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage as storage
name = os.environ["REHEARSAL_FILE"]
def answer(value):
    print("${MARK}" + json.dumps(value))
`;
const SAVE = `${PYTHON}
answer(storage.save(name, ContentFile(os.environ["REHEARSAL_TEXT"].encode())))
`;
/** What another task finds, and whether the file is still there when that has deleted it. */
const READ_AND_DELETE = `${PYTHON}
with storage.open(name) as file:
    text = file.read().decode()
size = storage.size(name)
storage.delete(name)
answer({"text": text, "size": size, "left": storage.exists(name)})
`;
/** Addresses of a file: as the project has them, and one for a second where its storage knows of such. */
const SIGN = `${PYTHON}
saved = storage.save(name, ContentFile(b"private"))
def short():
    try:
        return storage.url(saved, expire=1)
    except TypeError:
        return None
answer({"url": storage.url(saved), "short": short()})
`;

const bucketOf = ({ rehearsal }: Pick<CheckContext, 'rehearsal'>) =>
  rehearsal.services
    .map(({ definition }) => definition.environment.AWS_STORAGE_BUCKET_NAME)
    .find((name) => rehearsal.signed.buckets.includes(name));

/** Through the default storage of a project, with the role of its task. */
export const mediaChecks: Check[] = [
  {
    name: MEDIA_STORED,
    lane: 'media',
    needs: [PAGES],
    about: ABOUT,
    applies: (context) => bucketOf(context) !== undefined,
    async run(context) {
      const { rehearsal } = context;
      const text = randomBytes(12).toString('hex');
      const environment = { REHEARSAL_FILE: `rehearsal/${text}.txt`, REHEARSAL_TEXT: text };
      const name = await evaluate<string>(rehearsal, SAVE, environment);
      const saved = { ...environment, REHEARSAL_FILE: name };
      const keys = await rehearsal.doubles.keysOf(String(bucketOf(context)));
      expect(
        keys.some((key) => key.endsWith(name)),
        `a file of the default storage is not in the bucket: read AWS_STORAGE_BUCKET_NAME into STORAGES["default"]`,
      );
      const read = await evaluate<{ text: string; size: number; left: boolean }>(rehearsal, READ_AND_DELETE, saved);
      expect(
        read.text === text && read.size === text.length,
        'a file that one task saves another one reads differently',
      );
      expect(!read.left, 'a file that is deleted is still there');
      return undefined;
    },
  },
  {
    name: MEDIA_PRIVATE,
    lane: 'media',
    needs: [MEDIA_STORED],
    about: ABOUT,
    applies: (context) => bucketOf(context) !== undefined,
    async run(context) {
      const { rehearsal } = context;
      const environment = { REHEARSAL_FILE: `rehearsal/${randomBytes(12).toString('hex')}.txt` };
      const { url, short } = await evaluate<{ url: string; short: string | null }>(rehearsal, SIGN, environment);
      if (!url.startsWith(rehearsal.signed.s3.endpoint)) {
        throw new NotApplicable('an address of S3: the files of the default storage have addresses of their own');
      }
      const status = async (address: string) => (await fetch(address)).status;
      const bare = url.replace(/\?.*/, '');
      expect((await status(bare)) === 403, `${bare} answers without a signature: the bucket is not private`);
      expect(url !== bare, 'the address of a file is not signed, so that S3 refuses it: leave querystring_auth on');
      expect(
        !/[?&]AWSAccessKeyId=/.test(url),
        'the address of a file is signed with version 2, which S3 takes in its oldest regions alone: set signature_version to "s3v4"',
      );
      expect((await status(url)) === 200, 'a signed address is refused');
      const other = url.replace(/(X-Amz-Signature=)(.)/, (_, start, first) => `${start}${first === '0' ? '1' : '0'}`);
      expect((await status(other)) === 403, 'an altered signature is taken');
      const longer = url.replace(/X-Amz-Expires=\d+/, 'X-Amz-Expires=604800');
      expect(longer === url || (await status(longer)) === 403, 'an altered expiry is taken');
      if (short === null) {
        return 'a storage that takes no expiry';
      }
      await sleep(2000);
      expect((await status(short)) === 403, 'an expired address is taken');
      return undefined;
    },
  },
];
