import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Body } from "./body.ts";
import { HeadReader } from "./head-reader.ts";
import { MessageFault } from "./message-fault.ts";
import { parseResponseHead } from "./response-head.ts";
import { withConnectionClose, withoutConnectionLines } from "./rewrite.ts";

function parse(text: string): ReturnType<typeof parseResponseHead> {
  const reader = new HeadReader();
  assert.equal(reader.read(Buffer.from(text, "latin1"), 0), "complete");
  return parseResponseHead(reader.bytes, reader.start, reader.end);
}

/** How the body of an answer to `method` ends. */
function framingOf(method: string, text: string): string {
  const head = parse(text);
  assert.ok(!(head instanceof MessageFault));
  const body = new Body();
  body.beginResponse(method, head.status, head.fields);
  if (body.isUntilClose) return "until close";
  if (body.isDone) return "empty";
  return body.advance(Buffer.from("5\r\nabcde\r\n0\r\n\r\n"), 0) === 15 && body.isDone ? "chunked" : "length";
}

const ok = "HTTP/1.1 200 OK\r\n";

describe("an answer", () => {
  for (const [method, text, framing] of [
    ["GET", `${ok}Content-Length: 9\r\n\r\n`, "length"],
    ["GET", `${ok}Transfer-Encoding: chunked\r\n\r\n`, "chunked"],
    ["GET", `${ok}Transfer-Encoding: gzip\r\n\r\n`, "until close"],
    ["GET", `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n`, "chunked"],
    ["GET", `${ok}Transfer-Encoding: xchunked\r\n\r\n`, "until close"],
    ["GET", `${ok}\r\n`, "until close"],
    ["GET", `${ok}Content-Length: 0\r\n\r\n`, "empty"],
    ["HEAD", `${ok}Content-Length: 9\r\n\r\n`, "empty"],
    ["HEAD", `${ok}Transfer-Encoding: chunked\r\n\r\n`, "empty"],
    ["GET", "HTTP/1.1 204 No Content\r\n\r\n", "empty"],
    ["GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "empty"],
    ["GET", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "empty"],
  ] as const) {
    test(`to ${method} that says ${JSON.stringify(text)} has a body: ${framing}`, () => {
      assert.equal(framingOf(method, text), framing);
    });
  }

  for (const text of [
    "HTTP/2 200 OK\r\n\r\n",
    "HTTP/1.1 20x OK\r\n\r\n",
    "HTTP/1.1 099 No\r\n\r\n",
    "HTTP/1.1 2000 OK\r\n\r\n",
    "HTTP/1.1 200 O\0K\r\n\r\n",
    `${ok}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
    `${ok}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    `${ok}Bad Name: 1\r\n\r\n`,
  ]) {
    test(`that says ${JSON.stringify(text)} is not passed on`, () =>
      assert.ok(parse(text) instanceof MessageFault));
  }

  test("says whether its connection is kept, by the rules of its version", () => {
    const keeps = (text: string) => {
      const head = parse(text);
      return head instanceof MessageFault ? undefined : head.keepsAlive;
    };
    assert.equal(keeps(`${ok}\r\n`), true);
    assert.equal(keeps(`${ok}Connection: close\r\n\r\n`), false);
    assert.equal(keeps("HTTP/1.0 200 OK\r\n\r\n"), false);
    assert.equal(keeps("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n"), true);
  });

  test("loses only its Connection lines when the connection's fate is another", () => {
    const text = `${ok}A: 1\r\nConnection: x\r\nB: 2\r\nconnection: y\r\n\r\n`;
    const bytes = Buffer.from(text);
    const head = parse(text);
    assert.ok(!(head instanceof MessageFault));
    const all = (pieces: readonly Buffer[]) => Buffer.concat(pieces).toString();
    assert.equal(
      all(withoutConnectionLines(bytes, 0, bytes.length, head.fields)),
      `${ok}A: 1\r\nB: 2\r\n\r\n`,
    );
    assert.equal(
      all(withConnectionClose(bytes, 0, bytes.length, head.fields)),
      `${ok}A: 1\r\nB: 2\r\nConnection: close\r\n\r\n`,
    );
  });
});
