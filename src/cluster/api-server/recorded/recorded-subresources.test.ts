// What a real kube-apiserver v1.34.4 says of the bodies of PUT, PATCH, DELETE and subresources, in the order of the requests.
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { startApi } from "../api-server.fixture.ts";
import type { Fields } from "../json.ts";
import answers from "./data/subresources.json" with { type: "json" };
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

describe("what the real server says of a body", () => {
  before(() => api.post("/api/v1/namespaces", { metadata: { name: "sub" } }));

  for (const recorded of answers as unknown as readonly Recorded[]) {
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
});
