// The WebAssembly template validator costs about a second for each process: only the validity test pays it.
process.env.CDK_VALIDATION ??= 'false';
// aws-cdk-lib warns of a property that it sets itself, at every App.
process.env.JSII_DEPRECATED ??= 'quiet';
// No test looks at these, and they take their time: a stack trace for every resource, and a copy of every asset.
process.env.CDK_CONTEXT_JSON ??= JSON.stringify({
  'aws:cdk:disable-creation-stack-traces': true,
  'aws:cdk:disable-asset-staging': true,
});
// jest keeps a hundred frames; the first ten of node.js say where a test failed, and the CDK takes a trace for each acknowledgement.
Error.stackTraceLimit = 10;
