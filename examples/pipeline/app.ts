import { App } from 'aws-cdk-lib';
import { NotesPipelineStack } from './stack';

const connectionArn =
  'arn:aws:codeconnections:eu-central-1:111122223333:connection/11111111-2222-3333-4444-555555555555';

new NotesPipelineStack(new App(), 'Pipeline', {
  account: '111122223333',
  productionAccount: '444455556666',
  region: 'eu-central-1',
  connectionArn,
});
