process.env.CDK_VALIDATION = 'true';

import { complaintsOf, FLAGS } from '../../scripts/validity';
import { edgeIn } from './edge-in';

test.each(Object.keys(FLAGS))('it and what reads it pass the strict template validation with %s', (flags) => {
  expect(complaintsOf((props) => edgeIn(props, true), FLAGS[flags])).toEqual([]);
});
