import { App } from 'aws-cdk-lib';
import { BookshopStack } from './stack';

new BookshopStack(new App(), 'Bookshop');
