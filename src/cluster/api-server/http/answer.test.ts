import assert from "node:assert/strict";
import { IncomingMessage, type ServerResponse } from "node:http";
import { Socket } from "node:net";
import { Writable } from "node:stream";
import { it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { sendAnswer } from "./answer.ts";

/** Takes what is written until so many characters have come, and nothing after. */
class Reader extends Writable {
  statusCode = 0;
  text = "";
  readonly #most: number;

  constructor(most: number) {
    super({ decodeStrings: false });
    this.#most = most;
  }

  setHeader(): void {}

  override _write(piece: string | Buffer, _: string, taken: () => void): void {
    this.text += String(piece);
    if (this.text.length < this.#most) taken();
  }
}

const request = new IncomingMessage(new Socket());

/** A list of large elements that count how many of their texts have been made. */
function listOf(count: number) {
  const made = { count: 0 };
  const element = (n: number) => ({
    toJSON() {
      made.count += 1;
      return { n, text: "x".repeat(500_000) };
    },
  });
  const items = Array.from({ length: count }, (_, n) => element(n));
  return { made, answer: { code: 200, body: { kind: "List", items } } };
}

it("a list of few large elements is made only as far as its reader takes it", async () => {
  const { made, answer } = listOf(40);
  const reader = new Reader(100);
  const sent = sendAnswer(request, reader as unknown as ServerResponse, answer);
  for (let turn = 0; turn < 100; turn += 1) await setImmediate();
  assert.ok(made.count < 10, `${made.count} of 40`);
  reader.destroy();
  await assert.rejects(sent);
});

for (const count of [0, 1, 2, 3, 40])
  it(`a list of ${count} large elements comes whole to who reads it`, async () => {
    const { answer } = listOf(count);
    const reader = new Reader(Number.POSITIVE_INFINITY);
    await sendAnswer(request, reader as unknown as ServerResponse, answer);
    const { items } = JSON.parse(reader.text) as { items: readonly { n: number }[] };
    assert.deepEqual(
      items.map(({ n }) => n),
      Array.from({ length: count }, (_, n) => n),
    );
  });
