import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { localCertificate } from '../../../rehearsal/edge/local-certificate';
import { distrustCommands, isTrusted, trust, trustCommands, trustPlace } from '../../../rehearsal/view/trust';

const AUTHORITY = { authority: '/cache/localhost/authority.crt', name: 'rehearsal-localhost-1a2b' };
const words = (commands: { words: readonly string[] }[]) => commands.map((command) => command.words.join(' '));

test('on Linux Chrome and each profile of Firefox get the authority', () => {
  const home = mkdtempSync(path.join(tmpdir(), 'home-'));
  for (const profile of ['abc.default', 'without-database']) {
    mkdirSync(path.join(home, '.mozilla', 'firefox', profile), { recursive: true });
  }
  const firefox = path.join(home, '.mozilla', 'firefox', 'abc.default');
  writeFileSync(path.join(firefox, 'cert9.db'), '');
  const place = trustPlace('linux', home);
  rmSync(home, { recursive: true });
  const ending = `-n ${AUTHORITY.name} -t C,, -i ${AUTHORITY.authority}`;
  expect(words(trustCommands(place, AUTHORITY))).toEqual([
    `certutil -A -d sql:${home}/.pki/nssdb ${ending}`,
    `certutil -A -d sql:${firefox} ${ending}`,
  ]);
  expect(words(distrustCommands(place, AUTHORITY))).toEqual([
    `certutil -D -d sql:${home}/.pki/nssdb -n ${AUTHORITY.name}`,
    `certutil -D -d sql:${firefox} -n ${AUTHORITY.name}`,
  ]);
});

test.each([
  [
    'darwin' as const,
    'security add-trusted-cert -r trustRoot -p ssl -k /Users/me/Library/Keychains/login.keychain-db /cache/localhost/authority.crt',
    'security delete-certificate -t -c rehearsal-localhost-1a2b /Users/me/Library/Keychains/login.keychain-db',
  ],
  [
    'win32' as const,
    'certutil -addstore -user Root /cache/localhost/authority.crt',
    'certutil -delstore -user Root rehearsal-localhost-1a2b',
  ],
])('on %s the list of this user changes, and comes back', (platform, install, remove) => {
  const place = { platform, home: '/Users/me', databases: [] };
  expect(words(trustCommands(place, AUTHORITY))).toEqual([install]);
  expect(words(distrustCommands(place, AUTHORITY))).toEqual([remove]);
});

describe('for this machine', () => {
  const home = mkdtempSync(path.join(tmpdir(), 'home-'));
  const before = process.env.HOME;
  beforeAll(() => {
    process.env.HOME = home;
  });
  afterAll(() => {
    process.env.HOME = before;
    rmSync(home, { recursive: true });
  });

  test('each command is printed; one that fails leaves the certificate untrusted', async () => {
    const certificate = await localCertificate(path.join(home, 'cache'));
    const printed: string[] = [];
    expect(() =>
      trust(
        certificate,
        (line) => printed.push(line),
        () => ({ code: 1, output: 'no right\n' }),
      ),
    ).toThrow(/is unchanged: no right$/);
    expect(isTrusted(certificate.folder)).toBe(false);
    expect(printed).toHaveLength(1);
    expect(() =>
      trust(
        certificate,
        () => undefined,
        () => undefined,
      ),
    ).toThrow(/is not installed. Install it/);
    trust(
      certificate,
      (line) => printed.push(line),
      () => ({ code: 0, output: '' }),
    );
    expect(isTrusted(certificate.folder)).toBe(true);
    expect(printed.join('\n')).toContain(certificate.authority);
  });
});
