// What a real kube-apiserver v1.34.4 says of objects that break rules in CEL, and of definitions with rules that cannot be, in the
// order of the requests.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startApi } from "../api-server.fixture.ts";
import type { Fields } from "../json.ts";
import rules from "./data/rules.json" with { type: "json" };
import { type RecordedRequest, replay } from "./replay.fixture.ts";

interface Recorded {
  readonly case: string;
  readonly request: RecordedRequest;
  readonly code: number;
  readonly message?: string;
  readonly causes?: readonly Fields[];
  readonly spec?: Fields;
}

const { api } = startApi();

describe("what the real server says of rules", () => {
  for (const recorded of rules as unknown as readonly Recorded[]) {
    it(recorded.case, async () => {
      const { code, body } = await replay(api, recorded.request);
      const { message, details, spec } = body as { message?: string; details?: Fields; spec?: Fields };
      assert.equal(code, recorded.code, JSON.stringify(body));
      if (code >= 300) assert.equal(message, recorded.message);
      if (code >= 300) assert.deepEqual(details?.["causes"], recorded.causes);
      if (recorded.spec !== undefined) assert.deepEqual(spec, recorded.spec);
    });
  }
});
