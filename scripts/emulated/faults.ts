import { impatientServices } from './template/changes';
import type { Template } from './template/template';

/** A fault that the command must notice. */
export interface Fault {
  readonly what: string;
  /** The beginning of the check that fails. */
  readonly notices: string;
  /** The part of a run that is enough to notice it. */
  readonly only: 'table' | 'development' | 'guide';
  /** A type that is left out although the emulator knows it. */
  readonly leavesOut?: string;
  /** The CDK's command line does nothing, and says that all is well. */
  readonly silent?: boolean;
  change?(template: Template): Template;
  /** Changes the guide. */
  page?(page: string): string;
}

/** By the name that `--fault` takes. */
export const FAULTS: { readonly [name: string]: Fault } = {
  'known-type': {
    what: 'queues are left out although the emulator knows them',
    notices: 'of ',
    only: 'table',
    leavesOut: 'AWS::SQS::Queue',
  },
  'silent-cli': {
    what: 'the CDK deploys nothing and succeeds',
    notices: 'the stack is complete',
    only: 'development',
    silent: true,
  },
  'impatient-services': {
    what: 'services do not wait for the release',
    notices: 'Custom::ReleaseCommand is complete before any AWS::ECS::Service begins',
    only: 'development',
    change: impatientServices,
  },
  'wrong-flag': {
    what: 'the guide spells a flag wrong',
    notices: 'no command of the block with "--retain-resources" failed',
    only: 'guide',
    page: (page) => page.replaceAll('--retain-resources Logical', '--retain-resources-of Logical'),
  },
};
