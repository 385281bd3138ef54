/** Unit tests run on the sources; the built-in template validator is off (one test turns it on, see test/validity.sweep.test.ts). */
module.exports = {
  testEnvironment: '<rootDir>/test/environment.js',
  testTimeout: 60_000, // how long a test takes is not what it tests: a machine may be busy
  maxWorkers: 2, // one for each processor of the smallest machine that CI has
  roots: ['<rootDir>/test'],
  // Sweeps over every option, many applications or whole packages take as long as all others: `npm run sweeps`.
  // Steps of Dockerfiles that run, and mounts of tasks, need Linux with mount namespaces: `npm run dockerfiles`.
  testPathIgnorePatterns: ['/node_modules/', '\\.(sweep|view)\\.test\\.ts$'],
  moduleNameMapper: { '^cdk-django-fargate$': '<rootDir>/lib/index.ts' },
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, sourceMaps: 'inline' }],
  },
  testSequencer: '<rootDir>/test/sequencer.js',
  setupFiles: ['<rootDir>/test/env.js'],
  setupFilesAfterEnv: ['aws-cdk-lib/testhelpers/jest-autoclean'],
  // With `--coverage`, as `npm test` runs it. The provider of V8 itself counts in aws-cdk-lib, too, which doubles the time.
  coverageProvider: 'babel',
  collectCoverageFrom: ['{constructs,lib}/**/*.ts'],
  coverageDirectory: '<rootDir>/.cache/test/coverage',
  coverageReporters: ['json-summary', ['text', { skipFull: true }]],
  coverageThreshold: { global: { statements: 98, branches: 96, functions: 99, lines: 99 } },
};
