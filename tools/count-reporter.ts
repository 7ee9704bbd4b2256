import type { TestEvent } from "node:test/reporters";

/** Writes `{passed, failed, skipped}` of a test run; suites are not counted, only the tests in them. */
export default async function* countReporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const count = { passed: 0, failed: 0, skipped: 0 };
  for await (const event of events) {
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    if (event.data.details.type === "suite" && event.type === "test:pass") continue;
    if (event.data.skip !== undefined && event.data.skip !== false) count.skipped += 1;
    else if (event.type === "test:pass") count.passed += 1;
    else count.failed += 1;
  }
  yield JSON.stringify(count);
}
