// What a real kube-apiserver v1.34.4 says of the bodies of PUT, PATCH, DELETE and subresources, and of objects that are older
// than their schema, in the order of the requests.
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { startApi } from "../api-server.fixture.ts";
import type { Fields } from "../json.ts";
import ratcheting from "./data/ratcheting.json" with { type: "json" };
import subresources from "./data/subresources.json" with { type: "json" };
import { assertLike, type RecordedRequest, replay, withoutOwn } from "./replay.fixture.ts";

interface Recorded {
  readonly case: string;
  readonly request: RecordedRequest;
  readonly code: number;
  /** Left out where it shows the whole object, or what differs from server to server. */
  readonly message?: string;
  readonly causes?: readonly Fields[];
  readonly spec?: Fields;
  readonly warnings?: readonly string[];
}

const api = startApi();

before(() => api.post("/api/v1/namespaces", { metadata: { name: "sub" } }));

describe("what the real server says of a body", () =>
  replayAll(subresources as unknown as readonly Recorded[]));

// Each object was made before its schema became stricter: only what changes is judged by the new one.
describe("what the real server says of objects that are older than their schema", () =>
  replayAll(ratcheting as unknown as readonly Recorded[]));

function replayAll(answers: readonly Recorded[]): void {
  for (const recorded of answers) {
    it(recorded.case, async () => {
      const { code, body, warnings } = await replay(api.api, recorded.request);
      assert.equal(code, recorded.code, JSON.stringify(body));
      const { message, causes, spec } = recorded;
      if (message !== undefined)
        assertLike(body, { message, ...(causes === undefined ? {} : { details: { causes } }) });
      if (spec !== undefined) assert.deepEqual((body as Fields)["spec"], spec);
      assert.deepEqual(withoutOwn(warnings), recorded.warnings ?? []);
    });
  }
}
