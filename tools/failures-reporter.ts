import type { TestEvent } from "node:test/reporters";
import { inspect } from "node:util";

/** Prints failures only, with what the failing test printed before it; a run of hundreds of tests stays readable. */
export default async function* failuresReporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    if (event.type === "test:stdout" || event.type === "test:stderr") yield event.data.message;
    if (event.type !== "test:fail" || event.data.details.type === "suite") continue;
    const { name, file, line, details } = event.data;
    yield `✖ ${name}  (${file ?? ""}:${line ?? ""})\n${inspect(details.error?.cause ?? details.error)}\n\n`;
  }
}
