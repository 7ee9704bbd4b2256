// What a real kube-apiserver v1.34.4 with RBAC answered to several users, in the order of the requests.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ApiRequest, ApiResponse, User } from "../../../kubernetes/transport.ts";
import { startApi } from "../api-server.fixture.ts";
import type { Fields } from "../json.ts";
import { Refusal } from "../refusal.ts";
import recorded from "./data/access.json" with { type: "json" };
import { assertLike, type RecordedRequest, requestOf } from "./replay.fixture.ts";

interface Recorded {
  readonly case: string;
  readonly request: RecordedRequest;
  /** The cluster's owner when absent. */
  readonly user?: User;
  readonly code: number;
  readonly status?: Fields;
  readonly body?: Fields;
}

const { api } = startApi({ access: { authorization: "rbac" } });

describe("what the real server lets whom do", () => {
  for (const {
    case: title,
    request,
    user,
    code,
    status,
    body,
  } of recorded as unknown as readonly Recorded[]) {
    it(title, async () => {
      const answer = await asked({ ...requestOf(request), ...(user === undefined ? {} : { user }) });
      assert.equal(answer.code, code, JSON.stringify(answer.body));
      if (status !== undefined) {
        const { message, reason, details } = answer.body as Fields;
        assert.deepEqual({ message, reason, ...(details === undefined ? {} : { details }) }, status);
      }
      if (body !== undefined) assertLike(answer.body, body);
    });
  }
});

/** As over HTTP: whether the user may ask is looked at first. */
async function asked(request: ApiRequest): Promise<ApiResponse> {
  try {
    if (request.user !== undefined) api.access.checkRequest(request.user, request);
  } catch (error) {
    if (error instanceof Refusal) return { code: error.status.code, body: error.status };
    throw error;
  }
  return api.request(request);
}
