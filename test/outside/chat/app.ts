import { App } from 'aws-cdk-lib';
import { ChatStack } from './stack';

new ChatStack(new App(), 'Chat');
