import { runCommand } from '../../../rehearsal/control/run-command';

/** A second command: the cache first, then what follows `run`. */
const [cache, ...args] = process.argv.slice(2);

runCommand({ args, cache, typed: 'npm start --' }).then(
  (code) => process.exit(code),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);
