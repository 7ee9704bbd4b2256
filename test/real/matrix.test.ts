import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { Cell, Laboratory } from "./bed/cell.ts";
import { type Fault, faults, noFault } from "./bed/faults.ts";
import { type Scenario, scenarios } from "./scenarios.ts";

// Every scenario under every fault. `TEAL_REAL=<regular expression>` chooses cells by their names.
const chosen = new RegExp(process.env["TEAL_REAL"] ?? "");
const concurrency = Number(process.env["TEAL_REAL_PARALLEL"] ?? 8);

const laboratory = await Laboratory.open();
after(() => laboratory.close());

describe("a controller behind a faulty network", { concurrency }, () => {
  for (const fault of [noFault, ...faults]) {
    for (const scenario of scenarios) {
      const name = `${scenario.name} × ${fault.name}`;
      if (chosen.test(name)) test(name, () => play(scenario, fault, name));
    }
  }
});

async function play(scenario: Scenario, fault: Fault, name: string): Promise<void> {
  const begin = performance.now();
  const cell = await Cell.open(laboratory, scenario.name, scenario.setting, fault);
  let mark = "✖";
  try {
    await scenario.play(cell);
    mark = "✔";
  } catch (error) {
    process.stdout.write(`${name}: ${cell.report()}\n`);
    throw error;
  } finally {
    const code = await cell.close();
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    const { requests, writes } = cell.proxy;
    process.stdout.write(`${mark} ${name}  ${seconds} s, ${writes} writes, ${requests} requests\n`);
    if (mark === "✔") assert.equal(code, 0, `the controller stops with exit code 0\n${cell.controller.log}`);
  }
}
