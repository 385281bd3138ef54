// The WebAssembly template validator costs about a second for each process: only the validity test pays it.
process.env.CDK_VALIDATION ??= 'false';
// aws-cdk-lib warns of a property that it sets itself, at every App.
process.env.JSII_DEPRECATED ??= 'quiet';
// A stack trace for every resource, mapped back to its source, is an eighth of the time, and no test looks at one.
process.env.CDK_CONTEXT_JSON ??= JSON.stringify({ 'aws:cdk:disable-creation-stack-traces': true });
