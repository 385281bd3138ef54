// Which way imports may point. test/layout.test.ts runs these rules on the sources, and shows that each of them bites.
// Cycles are the linter's to find (noImportCycles in biome.json): it leaves out imports of types.

/** The rooms of constructs/, the highest first. A room imports from lower lines only; rooms of one line do not import each other. */
const LEVELS = [
  ['application'],
  ['monitoring'],
  ['dumps'],
  ['processes', 'backup'],
  ['database', 'mail'],
  ['edge'],
  ['queues', 'cache', 'storage', 'secrets', 'notifications', 'network'],
  ['core', 'handlers'],
];

const rooms = LEVELS.flatMap((level, index) =>
  level.map((room) => {
    const allowed = [room, ...LEVELS.slice(index + 1).flat()].join('|');
    return {
      name: `${room}-imports-lower-rooms-only`,
      comment: 'application → monitoring → dumps → processes, backup → database → queues, secrets, … → core, handlers',
      severity: 'error',
      from: { path: `^constructs/${room}/` },
      to: { path: '^constructs/', pathNot: `^constructs/(${allowed})/` },
    };
  }),
);

const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

module.exports = {
  forbidden: [
    ...rooms,
    forbid(
      'constructs-import-nothing-above',
      'bin → lib → constructs',
      { path: '^constructs/' },
      { path: '^(bin|cli|lib|rehearsal|scripts|bench|test|examples)/' },
    ),
    forbid(
      'lib-imports-constructs-only',
      'bin → lib → constructs',
      { path: '^lib/' },
      { path: '^(bin|cli|rehearsal|scripts|bench|test|examples)/' },
    ),
    forbid('bin-imports-lib', 'bin → lib → constructs', { path: '^bin/' }, { path: '^constructs/' }),
    forbid(
      'no-foreign-private',
      'What two rooms share moves to core/, or the lower room hands it out.',
      { path: '^constructs/([^/]+)/' },
      { path: '^constructs/[^/]+/private/', pathNot: '^constructs/$1/private/' },
    ),
    forbid(
      'private-is-for-rooms',
      'Only the room itself imports its private files.',
      { path: '^(bin|lib|rehearsal)/' },
      { path: '^constructs/[^/]+/private/' },
    ),
    forbid(
      'handlers-know-no-cdk',
      'Handlers run in Lambda; the CDK would be bundled with them.',
      { path: '^constructs/handlers/' },
      { path: '(^|/)node_modules/(aws-cdk-lib|constructs)/' },
    ),
    forbid(
      'rehearsal-imports-nothing-of-ours',
      'It runs on what a deployment would get: the cloud assembly.',
      { path: '^rehearsal/' },
      { path: '^(bin|cli|lib|constructs|dist|scripts|bench|test|examples)/|(^|/)cdk-django-fargate($|/)' },
    ),
    forbid(
      'the-package-needs-no-clone',
      'What npm installs has no example to synthesize and no proof of its own: start.ts is for them.',
      { path: '^rehearsal/bin[.]ts$' },
      { path: '^rehearsal/(start|synth|steady|mutations|load)([.]ts$|/)', reachable: true },
    ),
    forbid(
      'cli-imports-nothing-of-ours',
      'It starts at once, and works where neither aws-cdk-lib nor the rehearsal is installed.',
      { path: '^cli/' },
      { path: '^(bin|lib|constructs|rehearsal|dist|scripts|bench|test|examples)/|(^|/)node_modules/' },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(assets|dist|rehearsal/dist)/' },
    tsPreCompilationDeps: true,
  },
};
