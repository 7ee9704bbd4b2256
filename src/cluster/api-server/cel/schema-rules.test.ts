import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Schema } from "../resource-info.ts";
import { withinBudget } from "./budget.ts";
import { brokenRules, ruleDefinitionErrors } from "./schema-rules.ts";

const texts: Schema = { type: "array", items: { type: "string" } };

function schemaOf(rule: string, properties: Schema["properties"] = { list: texts }): Schema {
  return { type: "object", properties, "x-kubernetes-validations": [{ rule }] };
}

describe("rules of a schema", () => {
  it("end within a second, also where they are loops within loops, and are judged again afterwards", () => {
    const schema = schemaOf(
      "self.list.all(a, self.list.all(b, self.list.all(c, self.list.all(d, a != ''))))",
    );
    const [error] = brokenRules(schema, { list: Array.from({ length: 2000 }, () => "x") }, undefined);
    assert.match(
      error?.message ?? "",
      /the rules of this object took longer than 1000 ms, the last one: self\.list/,
    );
    assert.deepEqual(brokenRules(schema, { list: ["a", "b"] }, undefined), []);
    assert.equal(brokenRules(schema, { list: ["a", ""] }, undefined).length, 1);
  });

  it("are read at once also when they are long and none", () => {
    for (const rule of ["r".repeat(300_000), `"${'\\"'.repeat(150_000)}`]) {
      const errors = withinBudget(5000, () => ruleDefinitionErrors(schemaOf(rule), "schema"));
      assert.match(errors[0]?.message ?? "", /compilation failed/);
    }
  });

  it("ask for fields of what is in a list, and leave such words in a text alone", () => {
    const items: Schema = { type: "object", properties: { a: { type: "string" } } };
    const list: Schema = { type: "array", items };
    const schema = schemaOf("has(self.list[0].a) && self.list[0].a != 'has(x) and matches(y)'", { list });
    assert.deepEqual(brokenRules(schema, { list: [{ a: "b" }] }, undefined), []);
    assert.equal(brokenRules(schema, { list: [{}] }, undefined).length, 1);
    assert.equal(brokenRules(schema, { list: [{ a: "has(x) and matches(y)" }] }, undefined).length, 1);
  });

  it("match texts in Kubernetes' way, with flags in front and no looking around", () => {
    const schema = schemaOf("self.list.all(a, a.matches('^(?i)[a-z]+$'))");
    assert.deepEqual(brokenRules(schema, { list: ["aB"] }, undefined), []);
    assert.equal(brokenRules(schema, { list: ["a1"] }, undefined).length, 1);
    const [error] = brokenRules(schemaOf("self.list.all(a, a.matches('(?=b)'))"), { list: ["b"] }, undefined);
    assert.match(error?.message ?? "", /error parsing regexp/);
  });

  it("say what has no value, a duration or a time zone that is none", () => {
    const judge = (rule: string, a: Schema, value: string) =>
      brokenRules(schemaOf(rule, { a }), { a: value }, undefined).map(({ message }) => message);
    const [duration] = judge("self.a > duration('1s')", { type: "string", format: "duration" }, "abc");
    assert.match(duration ?? "", / evaluating rule: self\.a > duration/);
    const zone = "timestamp(self.a).getHours('Nowhere/X') == 1";
    const [time] = judge(zone, { type: "string" }, "2020-01-01T00:00:00Z");
    assert.match(time ?? "", /Invalid time zone specified: Nowhere\/X evaluating rule/);
  });

  it("find nothing in an object that sent no such field, even one that every object of JavaScript has", () => {
    const schema = schemaOf("has(self.toString)", { toString: { type: "string" } });
    const [error] = ruleDefinitionErrors(schema, "schema");
    assert.match(error?.message ?? "", /undefined field 'toString'/);
    const map: Schema = { type: "object", additionalProperties: { type: "string" } };
    assert.equal(brokenRules(schemaOf("'toString' in self.map", { map }), { map: {} }, undefined).length, 1);
  });
});
