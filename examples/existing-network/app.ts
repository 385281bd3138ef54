import { App } from 'aws-cdk-lib';
import { ExistingNetworkStack } from './stack';

new ExistingNetworkStack(new App(), 'Intranet', { env: { account: '111122223333', region: 'eu-central-1' } });
