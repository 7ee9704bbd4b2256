import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { toolFolder, toolSets } from "../acceptance/kubectl-binary.ts";
import { isFull } from "../effort.ts";
import { readTopics } from "./case-files.ts";
import {
  difference,
  documentWith,
  idlePatterns,
  knownDifference,
  readDifferences,
  readDocument,
} from "./differences.ts";
import { type EmbeddedCluster, startEmbeddedCluster } from "./embedded-cluster.ts";
import { type Answer, play } from "./play.ts";
import { readRecorded } from "./recorded.ts";

const topics = readTopics();
const differences = readDifferences();
const tools = toolFolder("v35");
const missing = "missingBecause" in tools ? tools.missingBecause : undefined;

describe("kubectl and helm on the embedded cluster", { skip: missing, concurrency: 4 }, () => {
  let cluster: EmbeddedCluster;
  const problems: string[] = [];
  before(async () => {
    cluster = await startEmbeddedCluster((problem) => problems.push(problem));
  });
  after(() => cluster.stop());

  for (const set of isFull ? toolSets : toolSets.slice(0, 1))
    for (const topic of topics)
      for (const one of topic.cases.filter(({ isRare }) => isFull || !isRare))
        it(`answer as recorded: ${topic.name}, ${one.name} (${set})`, async () => {
          const answers = await play(one, cluster, set);
          const expected = readRecorded(topic, set)[one.name];
          assert.deepEqual(
            expected?.map(({ line }) => line),
            answers.map(({ line }) => line),
            "the case has changed since it was recorded: node test/comparison/main.ts record",
          );
          for (const [index, answer] of answers.entries()) {
            const should: Answer = expected?.[index] ?? answer;
            if (knownDifference(differences, one.name, answer.line) === undefined)
              assert.equal(difference(should, answer), "", answer.line);
          }
        });
});

describe("the known differences from a real cluster", () => {
  it("are all of command lines that are compared", () =>
    assert.deepEqual(idlePatterns(differences, topics), []));

  it("stand in the document with their reasons", () =>
    assert.equal(readDocument(), documentWith(differences), "node test/comparison/main.ts document"));
});
