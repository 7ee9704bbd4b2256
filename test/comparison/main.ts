import { parseArgs } from "node:util";
import { type ToolSet, toolSets } from "../acceptance/kubectl-binary.ts";
import { type Case, readTopics } from "./case-files.ts";
import { difference, knownDifference, readDifferences, writeDocument } from "./differences.ts";
import { type Answer, play, type Target } from "./play.ts";
import { readRecorded, writeRecorded } from "./recorded.ts";

// node test/comparison/main.ts record --kubeconfig FILE   types the cases on a real, fresh cluster and writes down its answers
// node test/comparison/main.ts compare                    types them on the embedded cluster and prints what is otherwise
// node test/comparison/main.ts document                   writes the known differences into docs/embedded-cluster.md
// --only PATTERN: cases (topic/case) that match; --tools v35|v32: with these tools only; --all: known differences as well;
// --parallel N: so many cases at a time

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kubeconfig: { type: "string" },
    only: { type: "string", default: "." },
    tools: { type: "string" },
    all: { type: "boolean", default: false },
    parallel: { type: "string", default: "4" },
  },
});
const only = new RegExp(values.only);
const sets = toolSets.filter((set) => values.tools === undefined || set === values.tools);

async function playAll(
  target: Target,
  set: ToolSet,
  each: (topic: string, one: Case, answers: readonly Answer[]) => void,
): Promise<void> {
  const queue = readTopics().flatMap((topic) => topic.cases.map((one) => ({ topic: topic.name, one })));
  const chosen = queue.filter(({ topic, one }) => only.test(`${topic}/${one.name}`));
  const work = async (): Promise<void> => {
    for (let next = chosen.shift(); next !== undefined; next = chosen.shift()) {
      const { topic, one } = next;
      try {
        each(topic, one, await play(one, target, set));
      } catch (error) {
        process.exitCode = 1;
        process.stdout.write(`✖ ${topic}/${one.name} (${set}): ${String(error)}\n`);
      }
    }
  };
  await Promise.all(Array.from({ length: Number(values.parallel) }, work));
}

async function record(kubeconfig: string): Promise<void> {
  const firstObjects = ["serviceaccount/default", "configmap/kube-root-ca.crt"];
  for (const set of sets) {
    const topics = new Map(readTopics().map((topic) => [topic.name, topic]));
    await playAll({ kubeconfig, firstObjects }, set, (name, one, answers) => {
      const topic = topics.get(name);
      if (topic !== undefined) writeRecorded(topic, set, { [one.name]: answers });
      process.stdout.write(`${name}/${one.name} (${set})\n`);
    });
  }
}

async function compare(): Promise<void> {
  // Only now, because recording needs none of it.
  const { startEmbeddedCluster } = await import("./embedded-cluster.ts");
  const cluster = await startEmbeddedCluster((problem) => process.stdout.write(`problem: ${problem}\n`));
  const differences = readDifferences();
  const recorded = new Map(
    sets.flatMap((set) => readTopics().map((topic) => [`${topic.name}/${set}`, readRecorded(topic, set)])),
  );
  const count = { same: 0, known: 0, other: 0 };
  for (const set of sets)
    await playAll(cluster, set, (topic, one, answers) => {
      const expected = recorded.get(`${topic}/${set}`)?.[one.name] ?? [];
      for (const [index, answer] of answers.entries()) {
        const should = expected[index];
        const isKnown = knownDifference(differences, one.name, answer.line) !== undefined;
        const text =
          should?.line === answer.line ? difference(should, answer) : "not recorded as it is written now";
        if (text === "") count.same += 1;
        else if (isKnown) count.known += 1;
        else count.other += 1;
        if (text === "" ? isKnown : !isKnown || values.all)
          process.stdout.write(
            `✖ ${topic}/${one.name} (${set}): ${answer.line}\n${text || "known to differ, but it does not"}\n`,
          );
      }
    });
  await cluster.stop();
  process.stdout.write(`${count.same} the same, ${count.known} known to differ, ${count.other} differ\n`);
}

const [command] = positionals;
if (command === "record" && values.kubeconfig !== undefined) await record(values.kubeconfig);
else if (command === "compare") await compare();
else if (command === "document") writeDocument();
else {
  process.stderr.write(
    "usage: main.ts record --kubeconfig FILE | compare | document, with --only, --tools, --all\n",
  );
  process.exitCode = 2;
}
