import type { Announce } from '../../rehearsal/announce';
import type { Sandbox } from '../../rehearsal/task/sandbox';
import type { Aws } from './aws';
import type { Cdk } from './cdk';
import type { Emulator } from './emulator';
import type { Report } from './report';
import type { StandIns } from './stand-ins';
import type { EmulatedAssembly } from './template/assembly';
import type { Template } from './template/template';

/** What every step of a run works with. */
export interface World {
  readonly sandbox: Sandbox;
  readonly announce: Announce;
  readonly emulator: Emulator;
  readonly aws: Aws;
  readonly cdk: Cdk;
  readonly standIns: StandIns;
  readonly report: Report;
  /** Makes the next assembly of a synthesized example, and has the CLI use it. */
  assemble(profile: string, change?: (template: Template) => Template): EmulatedAssembly;
}

/** The name of the stack, as in the guide. */
export const STACK = 'Shop';
