/** Of Node, before the files. Files of tests share the machine, so a process runs one after the other. */
export const testArguments: readonly string[] = [
  ...['--disable-warning=ExperimentalWarning', '--test', '--test-reporter=spec'],
  ...['--test-concurrency=1', '--test-timeout=600000'],
];
