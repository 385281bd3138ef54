import { App } from 'aws-cdk-lib';
import { LedgerStack } from './stack';

new LedgerStack(new App(), 'Ledger');
