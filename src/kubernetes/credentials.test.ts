import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { later } from "../time/clock.ts";
import { ManualClock } from "../time/manual-clock.ts";
import {
  bearer,
  combinedCredentials,
  fileCredentials,
  fixedCredentials,
  type Renewal,
  renewedCredentials,
} from "./credentials.ts";

/** A source whose renewals a test decides: `t1`, `t2` … unless told otherwise. */
function open() {
  const clock = new ManualClock();
  let runs = 0;
  let next: (run: number) => Promise<Renewal> | Renewal = (run) => ({
    credentials: bearer(`t${run}`, "test"),
  });
  const source = renewedCredentials(clock, async () => {
    runs += 1;
    return next(runs);
  });
  return {
    clock,
    source,
    runs: () => runs,
    answer: (with_: typeof next) => {
      next = with_;
    },
    token: async () => (await source.current()).authorization,
  };
}

describe("renewed credentials", () => {
  test("are made once for all who wait, when they are needed", async () => {
    const { source, runs, token } = open();
    assert.equal(runs(), 0);
    assert.deepEqual(await Promise.all([token(), token(), token()]), Array(3).fill("Bearer t1"));
    assert.equal(await token(), "Bearer t1");
    assert.equal(runs(), 1);
    void source;
  });

  test("are made once when the same ones are refused many times, also late", async () => {
    const { source, runs, clock, token } = open();
    await token();
    const refused = bearer("t1", "test");
    assert.deepEqual(await Promise.all([source.refused(refused), source.refused(refused)]), [true, true]);
    assert.equal(await token(), "Bearer t2");
    // An answer to a request that was sent before.
    await clock.advance(600);
    assert.equal(await source.refused(refused), true);
    assert.equal(await token(), "Bearer t2");
    assert.equal(runs(), 2);
  });

  test("are not made again and again when they are refused at once", async () => {
    const { source, runs, clock, token } = open();
    const refuseAll = async (): Promise<void> => {
      await source.refused({ authorization: (await token()) ?? "" });
    };
    for (let tenth = 0; tenth < 600; tenth += 1) {
      await refuseAll();
      await clock.advance(0.1);
    }
    assert.ok(runs() >= 4 && runs() <= 8, `${runs()} runs in a minute`);
    // Patience returns with the first ones that are of use for a while.
    await clock.advance(600);
    const before = runs();
    await refuseAll();
    await refuseAll();
    assert.equal(runs(), before + 2);
  });

  test("say no when the new ones are the old ones", async () => {
    const { source, runs, token, answer } = open();
    answer(() => ({ credentials: bearer("same", "test") }));
    await token();
    assert.equal(await source.refused(bearer("same", "test")), false);
    assert.equal(runs(), 2);
    assert.equal(await source.refused(bearer("same", "test")), false);
    assert.equal(runs(), 2);
  });

  test("that cannot be made fail for all who wait, and are tried again after waits that double", async () => {
    const { source, runs, clock, token, answer } = open();
    answer(() => Promise.reject(new Error("please log in")));
    const at: number[] = [];
    const start = clock.now();
    for (let step = 0; step < 400; step += 1) {
      const before = runs();
      await assert.rejects(Promise.all([token(), source.current()]), /please log in/);
      if (runs() > before) at.push((clock.now() - start) / 1000);
      await clock.advance(0.5);
    }
    assert.deepEqual(at, [0, 1, 3, 7, 15, 31, 63, 123, 183]);
    answer(() => ({ credentials: bearer("good", "test") }));
    await clock.advance(60);
    assert.equal(await token(), "Bearer good");
  });

  test("that were refused and cannot be made say why, and are not used any more", async () => {
    const { source, token, answer } = open();
    await token();
    answer(() => Promise.reject(new Error("please log in")));
    await assert.rejects(source.refused(bearer("t1", "test")), /please log in/);
    await assert.rejects(token(), /please log in/);
  });

  test("are made anew when they have expired, and used on when the new ones expire at once", async () => {
    const { runs, clock, token, answer } = open();
    answer((run) => ({
      credentials: bearer(`t${run}`, "test"),
      until: later(clock.now(), run === 1 ? 100 : -1),
    }));
    assert.equal(await token(), "Bearer t1");
    await clock.advance(99);
    assert.equal(await token(), "Bearer t1");
    await clock.advance(1);
    for (let count = 0; count < 10; count += 1) await token();
    assert.equal(runs(), 3);
    assert.equal(await token(), "Bearer t3");
  });

  test("care only for what is theirs", async () => {
    const { source, runs, token } = open();
    await token();
    assert.equal(await source.refused({ ca: "authority" }), false);
    assert.equal(runs(), 1);
  });
});

describe("credentials from several sources", () => {
  test("have all parts, and are renewed where something was refused", async () => {
    const { source, runs } = open();
    const combined = combinedCredentials([fixedCredentials({ cert: "c", key: "k", ca: "a" }), source]);
    assert.deepEqual(await combined.current(), { cert: "c", key: "k", ca: "a", authorization: "Bearer t1" });
    assert.equal(await combined.refused({ ca: "a" }), false);
    assert.equal(await combined.refused({ cert: "c", key: "k", authorization: "Bearer t1" }), true);
    assert.equal(runs(), 2);
  });
});

describe("credentials from files", () => {
  const folder = mkdtempSync(join(tmpdir(), "credentials-"));
  after(() => rmSync(folder, { recursive: true }));
  const files = {
    authorization: join(folder, "token"),
    cert: join(folder, "cert"),
    key: join(folder, "key"),
  };
  const write = (number: number): void => {
    writeFileSync(files.authorization, ` t${number}\n`);
    writeFileSync(files.cert, `cert ${number}`);
    writeFileSync(files.key, `key ${number}`);
  };
  const of = (number: number): object => ({
    authorization: `Bearer t${number}`,
    cert: `cert ${number}`,
    key: `key ${number}`,
  });

  test("are read again every minute, and at once when one is refused", async () => {
    const clock = new ManualClock();
    const source = fileCredentials(files, clock);
    write(1);
    assert.deepEqual(await source.current(), of(1));
    write(2);
    await clock.advance(59);
    assert.deepEqual(await source.current(), of(1));
    await clock.advance(1);
    assert.deepEqual(await source.current(), of(2));
    assert.equal(await source.refused(of(2)), false);
    write(3);
    await clock.advance(2);
    assert.equal(await source.refused({ key: "key 2" }), true);
    assert.deepEqual(await source.current(), of(3));
  });

  test("stay as they were while a file is missing or empty, unless they were never read", async () => {
    const clock = new ManualClock();
    write(1);
    const source = fileCredentials(files, clock);
    await source.current();
    writeFileSync(files.authorization, "");
    await clock.advance(60);
    assert.deepEqual(await source.current(), of(1));
    rmSync(files.authorization);
    await clock.advance(60);
    assert.deepEqual(await source.current(), of(1));
    await assert.rejects(fileCredentials(files, clock).current(), /token: this file cannot be read/);
    writeFileSync(files.authorization, "\n");
    await assert.rejects(fileCredentials(files, clock).current(), /token: this file is empty/);
  });
});
