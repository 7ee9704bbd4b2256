import { spawn } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

// Everything that a reviewer would ask for, in the order in which it fails fastest. `npm test` takes minutes;
// `TEAL_TEST=full npm test`, which CI runs, is the same with all seeds and all that needs installed tools (test/effort.ts).
// `npm test -- scenarios` runs the parts whose names contain that word. `npm test -- real --kubeconfig FILE` needs a
// cluster, so it runs only when it is named.

interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface Part {
  readonly name: string;
  /** It needs something of its own, so it runs when it is asked for. */
  readonly isOnlyNamed?: boolean;
  run(): Promise<Count>;
}

const bin = (name: string): string => join("node_modules", ".bin", name);

const parts: readonly Part[] = [
  check("format", bin("biome"), ["check", "--error-on-warnings"]),
  check("lint", bin("oxlint"), ["--type-aware"]),
  check("types", bin("tsc"), []),
  check("dead code", bin("knip"), []),
  tests(
    "units",
    ["src/**/*.test.ts", "test/planner/*.test.ts", "test/conformance/*.test.ts", "test/house/*.test.ts"],
    ["--test-isolation=none"],
  ),
  tests("scenarios", ["test/scenarios/**/*.test.ts"], ["--test-isolation=none"]),
  tests("simulation", ["test/simulation/**/*.test.ts"], ["--test-isolation=none"]),
  // Real processes and ports. They wait more than they work, so two files run at once, each with addresses of its own (`freePort`).
  tests("acceptance", ["test/acceptance/**/*.test.ts"], ["--test-concurrency=2"]),
  // Real kubectl and helm, beside what they answer on a real cluster.
  tests("comparison", ["test/comparison/*.test.ts"], ["--test-isolation=none"]),
  // A Kubernetes that somebody has at hand, named by a kubeconfig.
  { ...tests("real", ["test/real/**/*.test.ts"], ["--test-concurrency=1"]), isOnlyNamed: true },
];

/**
 * What runs at the same time: scenarios take one processor and so does all that is before them, one after another. Simulation and
 * acceptance take two each.
 */
function stagesOf(chosen: readonly Part[]): readonly (readonly (readonly Part[])[])[] {
  const at = chosen.findIndex(({ name }) => name === "scenarios");
  const others = chosen.slice(at + 1).map((part) => [[part]]);
  return at < 0 ? others : [[chosen.slice(0, at), chosen.slice(at, at + 1)], ...others];
}

function check(name: string, command: string, args: readonly string[]): Part {
  return {
    name,
    run: async () => {
      const isGood = (await finish(command, args)) === 0;
      return { passed: isGood ? 1 : 0, failed: isGood ? 0 : 1, skipped: 0 };
    },
  };
}

function tests(name: string, patterns: readonly string[], options: readonly string[]): Part {
  return {
    name,
    run: async () => {
      const files = globSync([...patterns]).toSorted();
      if (files.length === 0) throw new Error(`no test file matches ${patterns.join(", ")}`);
      const folder = mkdtempSync(join(tmpdir(), "teal-gate-"));
      const countFile = join(folder, "count.json");
      try {
        const reporters = [
          "--test-reporter=./tools/failures-reporter.ts",
          "--test-reporter-destination=stdout",
          "--test-reporter=./tools/count-reporter.ts",
          `--test-reporter-destination=${countFile}`,
        ];
        const code = await finish(process.execPath, ["--test", ...options, ...reporters, ...files]);
        const count = JSON.parse(readFileSync(countFile, "utf8")) as Count;
        // A run that ends badly without a failed test (a crash, a file that does not load) has failed all the same.
        return code === 0 || count.failed > 0 ? count : { ...count, failed: 1 };
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  };
}

function finish(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: "inherit" });
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals: words } = parseArgs({
    args: [...args],
    options: { kubeconfig: { type: "string" } },
    allowPositionals: true,
  });
  // One for all processes of all tests: whoever starts Teal in a folder of his own would have it compile everything anew.
  process.env["NODE_COMPILE_CACHE"] ??= resolve("node_modules", ".cache", "compiled");
  if (values.kubeconfig !== undefined) process.env["KUBECONFIG"] = resolve(values.kubeconfig);
  const chosen = parts.filter(({ name, isOnlyNamed = false }) =>
    words.length === 0 ? !isOnlyNamed : words.some((word) => name.includes(word)),
  );
  if (chosen.length === 0) {
    process.stderr.write(
      `no part is named ${words.join(" ")}: ${parts.map((part) => part.name).join(", ")}\n`,
    );
    process.exitCode = 2;
    return;
  }
  const total = { passed: 0, failed: 0, skipped: 0 };
  const runPart = async (part: Part): Promise<void> => {
    const from = performance.now();
    const count = await part.run();
    const seconds = ((performance.now() - from) / 1000).toFixed(1);
    process.stdout.write(
      `${count.failed === 0 ? "✔" : "✖"} ${part.name}: ${summary(count)} (${seconds} s)\n`,
    );
    total.passed += count.passed;
    total.failed += count.failed;
    total.skipped += count.skipped;
  };
  const runAll = async (row: readonly Part[]): Promise<void> => {
    for (const part of row) await runPart(part);
  };
  for (const stage of stagesOf(chosen)) await Promise.all(stage.map(runAll));
  process.stdout.write(`${summary(total)}\n`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

function summary({ passed, failed, skipped }: Count): string {
  return `${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`;
}

await main(process.argv.slice(2));
