import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Body } from "./body.ts";
import { HeadReader, headLimitBytes } from "./head-reader.ts";
import { MessageFault } from "./message-fault.ts";
import { parseRequestHead, RequestHead } from "./request-head.ts";

/** The parse of one request that comes in these pieces: a head with its body and what is left, or why it is refused. */
function parse(pieces: readonly Buffer[]): unknown {
  const reader = new HeadReader();
  const body = new Body();
  let head: RequestHead | undefined;
  let bodyText = "";
  let rest = "";
  for (const piece of pieces) {
    let bytes = piece;
    let from = 0;
    if (head === undefined) {
      const state = reader.read(piece, 0);
      if (state === "incomplete") continue;
      if (state !== "complete") return state;
      const parsed = parseRequestHead(reader.bytes, reader.start, reader.end);
      if (parsed instanceof MessageFault) return { status: parsed.status, reason: parsed.reason };
      head = parsed;
      body.beginRequest(head.fields);
      ({ bytes, end: from } = reader);
    }
    const end = body.isDone ? from : body.advance(bytes, from);
    if (body.isMalformed) return "malformed body";
    bodyText += bytes.toString("latin1", from, end);
    rest += bytes.toString("latin1", end);
  }
  if (head === undefined) return "incomplete";
  const { method, keepsAlive, asksUpgrade, minorVersion } = head;
  return { method, keepsAlive, asksUpgrade, minorVersion, bodyText, rest, isDone: body.isDone };
}

const parseText = (text: string): unknown => parse([Buffer.from(text, "latin1")]);
const get = {
  method: "GET",
  keepsAlive: true,
  asksUpgrade: false,
  minorVersion: 1,
  bodyText: "",
  rest: "",
  isDone: true,
};
const post = { ...get, method: "POST" };

const accepted: Readonly<Record<string, [string, object]>> = {
  "a plain GET": ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", get],
  "a GET after a line break too many": ["\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", get],
  "two requests at once, of which the second waits": [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2",
    { ...get, rest: "GET /2" },
  ],
  "HTTP/1.0, which closes": ["GET / HTTP/1.0\r\n\r\n", { ...get, minorVersion: 0, keepsAlive: false }],
  "HTTP/1.0 with keep-alive": [
    "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
    { ...get, minorVersion: 0 },
  ],
  "the wish to close": [
    "GET / HTTP/1.1\r\nHOST: a\r\nconnection: TE, Close\r\n\r\n",
    { ...get, keepsAlive: false },
  ],
  "an upgrade": [
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n",
    { ...get, asksUpgrade: true },
  ],
  "a body by length": [
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:  3 \r\n\r\nabcd",
    { ...post, bodyText: "abc", rest: "d" },
  ],
  "a body that is not all there": [
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc",
    { ...post, bodyText: "abc", isDone: false },
  ],
  "a chunked body with extension and trailer": [
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n1;a=b\r\nx\r\n00\r\nT: v\r\n\r\nGET",
    { ...post, bodyText: "1;a=b\r\nx\r\n00\r\nT: v\r\n\r\n", rest: "GET" },
  ],
};

const chunkedHead = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n";
const refused: Readonly<Record<string, [string, string | number]>> = {
  "length and chunked together": [`${chunkedHead}Content-Length: 3\r\n\r\n`, 400],
  "two lengths": ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 400],
  "two equal lengths": ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", 400],
  "a list of lengths": ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n", 400],
  "a signed length": ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n", 400],
  "a length beyond counting": ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999\r\n\r\n", 400],
  "an empty length": ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400],
  "chunked twice": [`${chunkedHead}Transfer-Encoding: chunked\r\n\r\n`, 400],
  "another coding": ["POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501],
  "a coding that only looks chunked": [
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n",
    400,
  ],
  "a coding beside a tab": ["POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\t\r\n\r\n", 400],
  "a coding that ends in chunked": ["POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501],
  "chunked in HTTP/1.0": ["POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400],
  "no Host": ["GET / HTTP/1.1\r\n\r\n", 400],
  "two Hosts": ["GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400],
  "a folded line": ["GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", 400],
  "white space before the colon": ["GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 1\r\n\r\n", 400],
  "a header without a colon": ["GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400],
  "a NUL in a value": ["GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 400],
  "a bare carriage return in a value": ["GET / HTTP/1.1\r\nHost: a\r\nX: 1\rY: 2\r\n\r\n", 400],
  "a space in the target": ["GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  "a method with a colon": ["G:T / HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  "an unknown version": ["GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505],
  "HTTP/2": ["PRI * HTTP/2.0\r\n\r\n", 505],
  "no version": ["GET /\r\n\r\n", 400],
  CONNECT: ["CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 405],
  "a bare line feed": ["GET / HTTP/1.1\nHost: a\r\n\r\n", "malformed"],
  "a bare line feed at the end of the head": ["GET / HTTP/1.1\r\nHost: a\r\n\n", "malformed"],
  "a TLS hello": ["\x16\x03\x01", "malformed"],
  "a head over the limit": [`GET / HTTP/1.1\r\nX: ${"a".repeat(headLimitBytes)}\r\n\r\n`, "tooLarge"],
  "a chunk size that is no number": [`${chunkedHead}\r\n0x1\r\n`, "malformed body"],
  "an empty chunk size": [`${chunkedHead}\r\n\r\n`, "malformed body"],
  "a chunk size with a sign": [`${chunkedHead}\r\n-1\r\n`, "malformed body"],
  "a chunk size with too many digits": [`${chunkedHead}\r\n0000000000001\r\n`, "malformed body"],
  "a chunk longer than it says": [`${chunkedHead}\r\n1\r\nab\r\n`, "malformed body"],
  "a bare line feed after a chunk size": [`${chunkedHead}\r\n1\na\r\n`, "malformed body"],
  "a bare line feed in a chunk extension": [`${chunkedHead}\r\n1;a\n\r\n`, "malformed body"],
  "an endless chunk extension": [`${chunkedHead}\r\n1;${"a".repeat(5000)}`, "malformed body"],
  "a bare line feed in a trailer": [`${chunkedHead}\r\n0\r\nT: v\n\r\n`, "malformed body"],
  "a trailer without a name": [`${chunkedHead}\r\n0\r\n:T: v\r\n\r\n`, "malformed body"],
  "a trailer without a colon": [`${chunkedHead}\r\n0\r\nT v\r\n\r\n`, "malformed body"],
  "a blank between a trailer's name and its colon": [
    `${chunkedHead}\r\n0\r\nT : v\r\n\r\n`,
    "malformed body",
  ],
  "a folded trailer": [`${chunkedHead}\r\n0\r\n folded\r\n\r\n`, "malformed body"],
};

describe("a request", () => {
  for (const [title, [text, expected]] of Object.entries(accepted)) {
    test(`with ${title} is understood`, () => assert.deepEqual(parseText(text), expected));
  }
  for (const [title, [text, expected]] of Object.entries(refused)) {
    test(`with ${title} is refused`, () => {
      const parsed = parseText(text);
      assert.equal(typeof parsed === "object" ? (parsed as MessageFault).status : parsed, expected);
    });
  }

  test("says what it can be led by", () => {
    const headOf = (text: string): RequestHead => {
      const bytes = Buffer.from(text, "latin1");
      const reader = new HeadReader();
      assert.equal(reader.read(Buffer.concat([Buffer.from("\r\n"), bytes]), 0), "complete");
      const head = parseRequestHead(reader.bytes, reader.start, reader.end);
      assert.ok(head instanceof RequestHead);
      return head;
    };
    const head = headOf(
      "GET /a?b HTTP/1.1\r\nHost: web:80\r\nX-Flag:  on \r\nCookie: a=1\r\nx-flag:off\r\ncookie: b=2\r\nE:\r\n\r\nX-Flag: no",
    );
    assert.equal(head.target, "/a?b");
    assert.equal(head.authority, "web:80");
    assert.equal(head.field("x-flag"), "on, off");
    assert.equal(head.field("cookie"), "a=1; b=2");
    assert.equal(head.field("e"), "");
    assert.equal(head.field("absent"), undefined);
    assert.equal(headOf("GET HTTP://a:1/b HTTP/1.1\r\nHost: other\r\n\r\n").authority, "a:1");
    assert.equal(headOf("GET / HTTP/1.0\r\n\r\n").authority, "");
    assert.equal(headOf("OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n").target, "*");
  });

  test("means the same however its bytes are cut into pieces", () => {
    const texts = [...Object.values(accepted), ...Object.values(refused)].map(([text]) => text);
    const cuts = fc.array(fc.nat({ max: 200 }), { maxLength: 12 });
    fc.assert(
      fc.property(fc.constantFrom(...texts), cuts, (text, places) => {
        const bytes = Buffer.from(text, "latin1");
        const edges = [
          0,
          ...places.filter((place) => place < bytes.length).sort((a, b) => a - b),
          bytes.length,
        ];
        const pieces = edges.slice(1).map((edge, index) => Buffer.from(bytes.subarray(edges[index], edge)));
        assert.deepEqual(parse(pieces), parseText(text));
      }),
      { numRuns: 2000 },
    );
  });

  test("never makes the parser throw, whatever bytes come", () => {
    const alphabet = [
      "GET",
      " ",
      "/",
      "HTTP/1.1",
      "\r",
      "\n",
      "\r\n",
      ":",
      "Host",
      "Content-Length",
      "1",
      "\0",
      "chunked",
      "é",
    ];
    const text = fc.array(fc.constantFrom(...alphabet), { maxLength: 40 }).map((parts) => parts.join(""));
    fc.assert(fc.property(text, (random) => void parseText(random)));
  });

  test("does not keep the buffer that an unfinished head came in", () => {
    const reader = new HeadReader();
    const reused = Buffer.from("GET / HTTP/1.1\r\nHo");
    assert.equal(reader.read(reused, 0), "incomplete");
    reused.fill("!");
    assert.equal(reader.read(Buffer.from("st: a\r\n\r\n"), 0), "complete");
    assert.equal(
      reader.bytes.toString("latin1", reader.start, reader.end),
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    );
  });
});
