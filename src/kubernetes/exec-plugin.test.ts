import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { later } from "../time/clock.ts";
import { type ExecPlugin, execCredentials } from "./exec-plugin.ts";
import { ObservedClock } from "./observed-clock.fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "exec-plugin-"));
after(() => rmSync(folder, { recursive: true }));

const apiVersion = "client.authentication.k8s.io/v1";
const credential = (status: unknown): string =>
  `echo '${JSON.stringify({ apiVersion, kind: "ExecCredential", status })}'`;
const good = credential({ token: "t1" });

/** A plugin that runs this shell script. */
function open(script: string, more: Partial<ExecPlugin> = {}, isTerminal = false) {
  const clock = new ObservedClock();
  let told = "";
  const heard = Promise.withResolvers<void>();
  const stderr = (text: string): void => {
    told += text;
    heard.resolve();
  };
  const plugin = {
    apiVersion,
    command: "sh",
    args: ["-c", script],
    env: {},
    installHint: undefined,
    cluster: undefined,
  };
  const source = execCredentials({ ...plugin, ...more }, { clock, isTerminal, stderr });
  return { clock, source, told: () => told, heard: heard.promise };
}

describe("a credential plugin", () => {
  test("has its words for people told as they come, also when it succeeds", async () => {
    const { source, told, heard } = open(
      `echo open https://login and type ABC >&2; until [ -e ${folder}/go ]; do sleep 0.01; done; ${good}`,
    );
    const asked = source.current();
    await heard;
    assert.equal(told(), "open https://login and type ABC\n");
    writeFileSync(join(folder, "go"), "\n");
    assert.deepEqual(await asked, { authorization: "Bearer t1" });
  });

  test("that fails has them in the error as well, or else how it ended", async () => {
    const complaining = open("echo please log in >&2; exit 3");
    await assert.rejects(
      complaining.source.current(),
      /^KubeconfigError: credential plugin sh failed: please log in$/,
    );
    assert.equal(complaining.told(), "please log in\n");
    await assert.rejects(open("exit 3").source.current(), /failed: it ended with exit code 3$/);
    await assert.rejects(open("kill -9 $$").source.current(), /failed: it ended by SIGKILL$/);
  });

  test("that never stops talking is not passed on for ever", async () => {
    const { source, told } = open(`head -c 3000000 /dev/zero | tr '\\0' x >&2; ${good}`);
    assert.deepEqual(await source.current(), { authorization: "Bearer t1" });
    assert.ok(told().length < 70_000, `${told().length} characters`);
    assert.match(told(), /credential plugin sh: what else it says is left out\n$/);
  });

  test("is told whether somebody can be asked", async () => {
    const script = `printf '%s' "$KUBERNETES_EXEC_INFO" >${folder}/info; ${good}`;
    const asked = async (mode: ExecPlugin["interactiveMode"], isTerminal: boolean): Promise<unknown> => {
      await open(script, { interactiveMode: mode }, isTerminal).source.current();
      const info = JSON.parse(readFileSync(join(folder, "info"), "utf8")) as {
        spec: { interactive: boolean };
      };
      return info.spec.interactive;
    };
    assert.equal(await asked(undefined, true), true);
    assert.equal(await asked(undefined, false), false);
    assert.equal(await asked("Never", true), false);
    assert.equal(await asked("Always", true), true);
    await assert.rejects(asked("Always", false), /has to ask somebody, and there is no terminal/);
  });

  test("that does not answer is ended after a minute", async () => {
    const { source, clock, heard } = open(`echo waiting >&2; echo $$ >${folder}/pid; exec sleep 600`);
    const refused = assert.rejects(source.current(), /has not answered within 60 s: waiting$/);
    await heard;
    await clock.advance(59);
    assert.equal(clock.pending, 1);
    await clock.advance(1);
    await refused;
    assert.equal(clock.pending, 0);
  });

  test("has as much time as a person needs when it may ask one", async () => {
    const { source, clock, heard } = open("echo waiting >&2; exec sleep 600", {}, true);
    const refused = assert.rejects(source.current(), /has not answered within 600 s/);
    await heard;
    await clock.advance(599);
    assert.equal(clock.pending, 1);
    await clock.advance(1);
    await refused;
  });

  test("may leave something running that keeps its output open", async () => {
    const { source, clock } = open(`sleep 30 & echo $! >${folder}/left; ${good}`);
    const asked = source.current();
    // Until the plugin has ended; its output has not.
    await clock.whenAsked(later(clock.now(), 1));
    await clock.advance(1);
    assert.deepEqual(await asked, { authorization: "Bearer t1" });
    process.kill(Number(readFileSync(join(folder, "left"), "utf8")));
  });

  test("that writes without end is ended", async () => {
    await assert.rejects(open("exec yes").source.current(), /wrote more than any credentials have/);
  });

  const bad: readonly [what: string, script: string, because: RegExp][] = [
    ["nothing", "true", /did not write JSON/],
    ["no object", "echo 5", /did not write JSON/],
    ["another kind", 'echo \'{"kind":"Pod"}\'', /wrote no ExecCredential of client/],
    ["no status", credential(undefined), /gave neither a token nor a client certificate/],
    ["a status that is none", credential("odd"), /gave neither/],
    ["an empty token", credential({ token: "" }), /gave neither/],
    ["a certificate without a key", credential({ clientCertificateData: "c" }), /gave neither/],
    ["a token that is no text", credential({ token: 5 }), /wrote a token that is no text/],
    [
      "a token that no header can carry",
      credential({ token: "t€" }),
      /plugin sh: this token cannot be sent: it has the character U\+20AC at position 2/,
    ],
  ];
  for (const [what, script, because] of bad) {
    test(`is told apart from one that works when it writes ${what}`, async () => {
      await assert.rejects(open(script).source.current(), because);
    });
  }

  test("may give a certificate, until it expires", async () => {
    const status = {
      clientCertificateData: "c",
      clientKeyData: "k",
      expirationTimestamp: "2026-01-01T01:00:00Z",
    };
    const { source, clock } = open(`echo run >>${folder}/runs; ${credential(status)}`);
    const runs = (): number => readFileSync(join(folder, "runs"), "utf8").length / "run\n".length;
    assert.deepEqual(await source.current(), { cert: "c", key: "k" });
    await clock.advance(3569);
    await source.current();
    assert.equal(runs(), 1);
    await clock.advance(1);
    await source.current();
    assert.equal(runs(), 2);
  });
});
