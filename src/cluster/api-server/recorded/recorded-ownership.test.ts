// What a real kube-apiserver v1.34 answers several managers who create, update, patch and apply the same objects, at random:
// objects, owners and conflicts. Recorded by tools/record-ownership.ts.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ApiRequest } from "../../../kubernetes/transport.ts";
import { definitionsPath, startApi } from "../api-server.fixture.ts";
import { type Fields, fieldsOf, withValueAt } from "../json.ts";
import stories from "./data/ownership.json" with { type: "json" };
import {
  comparable,
  type OwnershipStep,
  type OwnershipStory,
  storyDefinition,
} from "./ownership-story.fixture.ts";

describe("who owns which fields, as on the real server", () => {
  for (const { seed, steps } of stories as readonly OwnershipStory[]) {
    it(`story ${seed}: ${steps[0]?.request.path}`, async () => {
      const { api, post } = startApi();
      await post(definitionsPath, storyDefinition);
      let now: Fields = {};
      for (const { request, code, answer } of steps) {
        const got = await api.request(withVersion(request, now));
        assert.deepEqual(comparable(got), answer, JSON.stringify(request));
        assert.equal(got.code, code);
        if (code < 300) now = fieldsOf(got.body);
      }
    });
  }
});

function withVersion(request: OwnershipStep["request"], now: Fields): ApiRequest {
  const path = ["metadata", "resourceVersion"];
  const { metadata } = fieldsOf(request.body);
  if (fieldsOf(metadata).resourceVersion !== "<rv>") return request;
  return { ...request, body: withValueAt(request.body, path, fieldsOf(now.metadata).resourceVersion) };
}
