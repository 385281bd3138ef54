// Makes the commands of the built package executable. npm does that when it installs them; jsii, which runs
// them for the wheel, does not.
const { chmodSync } = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
for (const file of Object.values(require('../package.json').bin)) {
  chmodSync(path.join(root, file), 0o755);
}
