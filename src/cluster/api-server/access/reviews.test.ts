import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startApi } from "../api-server.fixture.ts";

const api = startApi();
const authorization = "/apis/authorization.k8s.io/v1";
const attributes = { namespace: "default", verb: "get", resource: "pods" };

describe("a kind that is a question", () => {
  it("is answered with its status, and not stored", async () => {
    const before = api.store.version;
    const answer = await api.post(`${authorization}/selfsubjectaccessreviews`, {
      spec: { resourceAttributes: attributes },
    });
    assert.deepEqual(answer, {
      code: 201,
      body: {
        kind: "SelfSubjectAccessReview",
        apiVersion: "authorization.k8s.io/v1",
        metadata: {},
        spec: { resourceAttributes: attributes },
        status: { allowed: true },
      },
    });
    assert.equal(api.store.version, before);
  });

  it("cannot be asked for, changed or listed, as a real server has it", async () => {
    const path = `${authorization}/selfsubjectaccessreviews`;
    assert.deepEqual(
      await Promise.all(
        [api.get(path), api.delete(path), api.get(`${path}/x`)].map(async (one) => (await one).code),
      ),
      [405, 405, 404],
    );
  });

  it("tells who asks", async () => {
    const user = { name: "alice", groups: ["dev", "system:authenticated"], extra: { team: ["a"] } };
    const path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    const { body } = await api.api.request({ method: "POST", path, body: {}, user });
    const { status } = body as { readonly status: unknown };
    assert.deepEqual(status, {
      userInfo: { username: "alice", groups: user.groups, extra: user.extra },
    });
  });

  it("is in discovery, with nothing but creating", () => {
    const found = api.api.resources().filter(({ group }) => group === "authorization.k8s.io");
    assert.deepEqual(
      found.map(({ plural, verbs }) => `${plural} ${verbs.join(" ")}`),
      [
        "subjectaccessreviews create",
        "localsubjectaccessreviews create",
        "selfsubjectaccessreviews create",
        "selfsubjectrulesreviews create",
      ],
    );
  });
});
