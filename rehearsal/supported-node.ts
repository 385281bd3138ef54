import { NOT_RUNNABLE_HERE } from './image/not-runnable-here';
import { whyWrongNode } from './node-version';

// The first import of each command: what comes after it an older Node.js cannot load.
const why = whyWrongNode(process.versions.node);
if (why !== undefined) {
  process.stderr.write(`not runnable here: ${why}\n`);
  process.exit(NOT_RUNNABLE_HERE);
}
