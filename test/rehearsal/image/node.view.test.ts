import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Building } from './building';

/** The forms in which stages with Node get their package managers; each makes /app/made. */
const FORMS: { readonly [form: string]: string } = {
  npm: 'FROM node:22\nWORKDIR /app\nCOPY package.json .\nRUN npm install && npm run make',
  'Yarn of the image':
    'FROM node:22\nWORKDIR /app\nCOPY package.json .\nRUN yarn install && yarn cache clean && yarn make',
  'Yarn in a script of the project':
    'FROM node:22-slim\nWORKDIR /app\nCOPY package.json .\nCOPY --chmod=755 <<EOF run\n#!/bin/bash\nyarn --version && npm run make\nEOF\nRUN ./run',
  'pnpm by Corepack':
    'FROM node:22\nWORKDIR /app\nCOPY package.json .\nRUN corepack enable && corepack prepare pnpm@9.15.9 --activate\nRUN pnpm install && pnpm make',
  'Yarn by Corepack, whose programs replace those of the image':
    'FROM node:20-alpine\nWORKDIR /app\nCOPY package.json .\nRUN corepack enable\nRUN yarn install && yarn make',
  'a package for the whole image':
    'FROM node:22\nRUN npm install --global pnpm@9.15.9\nWORKDIR /app\nCOPY package.json .\nRUN pnpm install && pnpm run make',
  'a package for the whole image, in another folder':
    'FROM node:22\nENV NPM_CONFIG_PREFIX=/home/node/.npm-global PATH=$PATH:/home/node/.npm-global/bin\nRUN npm i -g pnpm@9.15.9\nWORKDIR /app\nCOPY package.json .\nRUN test "$(command -v pnpm)" = /home/node/.npm-global/bin/pnpm && pnpm run make',
  'Node alone, taken from its image':
    'FROM debian:trixie\nCOPY --from=node:22 /usr/local/bin/node /usr/local/bin/\nWORKDIR /app\nRUN test "$(command -v node)" = /usr/local/bin/node && node --eval "fs.writeFileSync(\'made\', \'\')"',
  'Node and npm, taken from folders of the image':
    'FROM debian:trixie\nCOPY --from=node:24-slim /usr/local/bin /usr/local/bin\nCOPY --from=node:24-slim /usr/local/lib/node_modules /usr/local/lib/node_modules\nWORKDIR /app\nCOPY package.json .\nRUN npm install --quiet && npm run make',
  'Node and npm, with links of the Dockerfile':
    'FROM node:22 AS node\nFROM debian:trixie\nCOPY --from=node /usr/local/bin/node /usr/local/bin/node\nCOPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules\nRUN ln -s /usr/local/lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx\nWORKDIR /app\nCOPY package.json .\nRUN test "$(command -v npm)" = /usr/local/bin/npm && npx --version && npm run make',
  'the whole of /usr/local and /opt':
    'FROM node:22 AS node\nFROM debian:trixie\nCOPY --from=node /usr/local /usr/local\nCOPY --from=node /opt/yarn-v1.22.22 /opt/yarn-v1.22.22\nWORKDIR /app\nCOPY package.json .\nRUN yarn run make',
};

let place: Building;

beforeEach(() => {
  process.env.COREPACK_INTEGRITY_KEYS = '0'; // A mirror of npm's registry may have no signatures.
  place = new Building();
});

afterEach(() => {
  delete process.env.COREPACK_INTEGRITY_KEYS;
  place.end();
});

test.each(Object.entries(FORMS))(
  'an image of Node gives %s',
  async (_, dockerfile) => {
    const scripts = { make: "node --eval \"fs.writeFileSync('made', '')\"" };
    writeFileSync(path.join(place.context, 'package.json'), JSON.stringify({ name: 'x', private: true, scripts }));
    const { root } = await place.build(`${dockerfile}\n`);
    expect(existsSync(path.join(root, 'app/made'))).toBe(true);
  },
  300_000,
);

test('an image of a version of Node without Corepack has none, as the official one', async () => {
  const ask = '(command -v yarn; command -v npx) > /found; [ -e /usr/local/bin/corepack ] || echo none >> /found';
  const { root } = await place.build(`FROM node:26\nRUN ${ask}\n`);
  expect(readFileSync(path.join(root, 'found'), 'utf8')).toBe('/usr/local/bin/yarn\n/usr/local/bin/npx\nnone\n');
}, 300_000);
