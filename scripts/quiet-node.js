/**
 * Runs a tool of node_modules/.bin without jsii's banner about the age of Node 20, so that a warning means
 * something.
 */
const { spawnSync } = require('node:child_process');
const path = require('node:path');

const [tool, ...args] = process.argv.slice(2);
const env = { ...process.env, JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: process.versions.node.split('.')[0] };
const bin = path.join(__dirname, '..', 'node_modules', '.bin', tool);
process.exit(spawnSync(bin, args, { stdio: 'inherit', env }).status ?? 1);
