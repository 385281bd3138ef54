/**
 * Releases of Node.js that can `require` the modules of ECMAScript that the rehearsal has: the same as
 * `engines` of its package.json says.
 */
const SUPPORTED: readonly { readonly major: number; readonly minor: number }[] = [
  { major: 20, minor: 19 },
  { major: 22, minor: 12 },
];

/** Why a Node.js cannot run the rehearsal; undefined where it can. */
export function whyWrongNode(version: string): string | undefined {
  const [major, minor] = version.split('.').map(Number);
  const same = SUPPORTED.filter((one) => one.major === major)[0];
  const isSupported = same === undefined ? major > SUPPORTED[SUPPORTED.length - 1].major : minor >= same.minor;
  const words = SUPPORTED.map((one) => `${one.major}.${one.minor}`).join(' (or later of 20), or ');
  return isSupported
    ? undefined
    : `the rehearsal needs Node.js ${words} or later, and this is ${version}. Install one of them, for example by \`nvm install 22\`, and start the command again.`;
}
