import type { Control } from '../controls/control';

/** What protects instead, where a rule of a pack is acknowledged. */
export interface Protection extends Omit<Control, 'ids'> {
  readonly rules: string[];
}
