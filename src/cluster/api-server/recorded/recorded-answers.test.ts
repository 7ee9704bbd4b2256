// Answers of a real kube-apiserver v1.34, to requests in the order in which they were made.
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { apiVersionOf, pathOf } from "../../../api/resources.ts";
import { startApi } from "../api-server.fixture.ts";
import { type Fields, fieldsOf } from "../json.ts";
import answers from "./data/answers.json" with { type: "json" };
import defaults from "./data/defaults.json" with { type: "json" };
import { assertLike, isLike, type RecordedRequest, replay, withoutOwn } from "./replay.fixture.ts";

interface Answer {
  readonly case: string;
  readonly request: RecordedRequest;
  readonly code: number;
  readonly status?: object;
  readonly body?: unknown;
  readonly text?: string;
  readonly warnings?: readonly string[];
}

interface Defaulted {
  readonly title: string;
  readonly sent: Fields & { readonly apiVersion: string; readonly kind: string };
  readonly added: readonly [path: string, value: unknown][];
  readonly dropped: readonly string[];
}

const api = startApi();

before(async () => {
  for (const name of ["t", "ns1"]) await api.post("/api/v1/namespaces", { metadata: { name } });
});

describe("what the real server adds to a new object", () => {
  for (const { title, sent, added, dropped } of defaults as unknown as readonly Defaulted[]) {
    it(title, async () => {
      const info = api.api
        .resources()
        .find((resource) => resource.kind === sent.kind && apiVersionOf(resource) === sent.apiVersion);
      assert.ok(info, `${sent.kind} is served`);
      const url = pathOf(info, info.namespaced ? "t" : undefined);
      const answer =
        title === "Namespace" ? await api.get("/api/v1/namespaces/ns1") : await api.post(url, sent);
      assert.ok(answer.code < 300, JSON.stringify(answer.body));
      for (const [path, value] of added) {
        const found = at(answer.body, path);
        if (path.endsWith("[+]"))
          assert.ok(
            found.some((one) => isLike(one, value)),
            `${path} has ${JSON.stringify(value)}`,
          );
        else assert.deepEqual(found[0], value, path);
      }
      for (const path of dropped) assert.equal(at(answer.body, path)[0], undefined, `${path} is dropped`);
    });
  }
});

describe("what the real server answers", () => {
  before(async () => {
    await api.post("/api/v1/namespaces/t/configmaps", { metadata: { name: "x" }, data: { a: "1" } });
  });

  for (const answer of answers as readonly Answer[]) {
    it(answer.case, async () => {
      const got = await replay(api.api, answer.request);
      assert.equal(got.code, answer.code, JSON.stringify(got.body));
      if (answer.status !== undefined) assert.deepEqual(got.body, answer.status);
      if (answer.text !== undefined) assert.equal(got.body, answer.text);
      if (answer.body !== undefined) assertLike(got.body, answer.body);
      if (answer.warnings !== undefined) assert.deepEqual(withoutOwn(got.warnings), answer.warnings);
    });
  }
});

// Paths as in `spec.containers[name=c].ports[0].protocol`, `labels["a/b"]`, `tolerations[+]` (all elements).
function at(value: unknown, path: string): unknown[] {
  let found = [value];
  for (const [, quoted, key, wanted, index, each, field] of path.matchAll(
    /\["([^"]+)"\]|\[(\w+)=([^\]]+)\]|\[(\d+)\]|\[(\+)\]|([^.[\]]+)/g,
  )) {
    found = found.flatMap((one) => {
      if (Array.isArray(one)) {
        if (each !== undefined) return one;
        if (index !== undefined) return [one[Number(index)]];
        return one.filter((element) => String(fieldsOf(element)[key ?? ""]) === wanted);
      }
      return [fieldsOf(one)[quoted ?? field ?? ""]];
    });
  }
  return found;
}
