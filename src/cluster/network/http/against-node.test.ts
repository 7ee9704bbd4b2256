import assert from "node:assert/strict";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Body } from "./body.ts";
import { HeadReader } from "./head-reader.ts";
import { MessageFault } from "./message-fault.ts";
import { mendAnswerHead } from "./odd-answer.ts";
import { parseRequestHead } from "./request-head.ts";
import { parseResponseHead } from "./response-head.ts";

// Wherever our parser and one of Node's both take a message, they must read the same out of it, and both must see it end at
// the same byte: what lies between two readings is what request smuggling lives on. Node's strict parser stands for a careful
// pod or client, its lenient one for a careless one.

interface Message {
  /** Method and target, or the status. */
  readonly start: string;
  readonly fields: readonly string[];
  readonly body: string;
}

interface Reading {
  readonly whole: readonly Message[];
  /** What comes after them is refused. */
  readonly isRefused: boolean;
  /** What comes after them is not read. */
  readonly isOver: boolean;
}

function fieldsOf(head: string): readonly string[] {
  const lines = head.split("\r\n").slice(1, -2);
  return lines.map((line) => {
    const colon = line.indexOf(":");
    return `${line.slice(0, colon)}: ${line.slice(colon + 1).replaceAll(/^[ \t]+|[ \t]+$/g, "")}`;
  });
}

function decoded(body: string, isChunked: boolean): string {
  if (!isChunked) return body;
  let text = "";
  let at = 0;
  for (;;) {
    const size = Number.parseInt(body.slice(at), 16);
    const from = body.indexOf("\r\n", at) + 2;
    assert.ok(size >= 0, `no chunk size in ${JSON.stringify(body)}`);
    if (size === 0) return text;
    text += body.slice(from, from + size);
    at = from + size + 2;
  }
}

function ourRequests(input: string): Reading {
  const whole: Message[] = [];
  let bytes: Buffer = Buffer.from(input, "latin1");
  for (;;) {
    const reader = new HeadReader();
    const state = reader.read(bytes, 0);
    if (state === "incomplete") return { whole, isRefused: false, isOver: false };
    const head = state === "complete" ? parseRequestHead(reader.bytes, reader.start, reader.end) : undefined;
    if (head === undefined || head instanceof MessageFault) return { whole, isRefused: true, isOver: false };
    const body = new Body();
    body.beginRequest(head.fields);
    const end = body.isDone ? reader.end : body.advance(bytes, reader.end);
    if (body.isMalformed) return { whole, isRefused: true, isOver: false };
    if (!body.isDone) return { whole, isRefused: false, isOver: false };
    whole.push({
      start: `${head.method} ${head.target} 1.${head.minorVersion}`,
      fields: fieldsOf(bytes.toString("latin1", reader.start, reader.end)),
      body: decoded(bytes.toString("latin1", reader.end, end), head.fields.transferEncoding === "chunked"),
    });
    // Behind a request to leave HTTP may come anything.
    if (!head.keepsAlive || head.asksUpgrade) return { whole, isRefused: false, isOver: true };
    bytes = bytes.subarray(end);
  }
}

/** One end of a connection without a network. */
class Pipe extends Duplex {
  setTimeout(): void {}
  setNoDelay(): void {}
  setKeepAlive(): void {}
  override _read(): void {}
  override _write(_bytes: Buffer, _encoding: string, done: () => void): void {
    done();
  }
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
};

function fieldsOfNode(rawHeaders: readonly string[]): readonly string[] {
  return rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [`${name}: ${rawHeaders[index + 1] ?? ""}`] : [],
  );
}

async function nodeRequests(input: string, insecureHTTPParser: boolean): Promise<Reading> {
  const whole: Message[] = [];
  let isRefused = false;
  let isOver = false;
  const take = (incoming: IncomingMessage, response: ServerResponse): void => {
    let body = "";
    incoming.on("data", (bytes: Buffer) => {
      body += bytes.toString("latin1");
    });
    incoming.on("end", () => {
      // An answer of Node's own, such as 400 for a request without Host, is given before the handler is called.
      whole.push({
        start: `${incoming.method} ${incoming.url} ${incoming.httpVersion}`,
        fields: fieldsOfNode(incoming.rawHeaders),
        body,
      });
      response.end();
    });
    incoming.on("error", () => {});
  };
  const server = createServer({ maxHeaderSize: 1 << 20, insecureHTTPParser }, take);
  server.on("checkExpectation", take);
  server.on("checkContinue", take);
  server.on("clientError", () => {
    isRefused = true;
  });
  server.on("connect", () => {
    isOver = true;
  });
  const pipe = new Pipe({ allowHalfOpen: true });
  pipe.on("error", () => {});
  pipe.on("finish", () => {
    isOver = true;
  });
  server.emit("connection", pipe);
  pipe.push(Buffer.from(input, "latin1"));
  await turns();
  pipe.destroy();
  server.close();
  return { whole, isRefused, isOver };
}

/** What we take is what Node takes; what Node alone takes has not been passed on to it. */
function assertSameFraming(input: string, ours: Reading, nodes: Reading): void {
  const count = Math.min(ours.whole.length, nodes.whole.length);
  assert.deepEqual(ours.whole.slice(0, count), nodes.whole.slice(0, count), JSON.stringify(input));
  if (ours.whole.length > count) {
    assert.ok(nodes.isRefused || nodes.isOver, `only we see another message in ${JSON.stringify(input)}`);
  }
}

interface OurAnswer {
  readonly message: Message;
  /** As it goes to the client. */
  readonly forwarded: string;
}

/** The answer to a GET as it would be passed on; undefined when it is refused or not whole. */
function ourAnswer(input: string): OurAnswer | undefined {
  let bytes: Buffer = Buffer.from(input, "latin1");
  const reader = new HeadReader({ takesBareLineFeeds: true });
  if (reader.read(bytes, 0) !== "complete") return undefined;
  let { start, end } = reader;
  let head = parseResponseHead(bytes, start, end);
  if (head instanceof MessageFault) {
    const mended = mendAnswerHead(bytes, start, end);
    bytes = Buffer.concat([mended, bytes.subarray(end)]);
    [start, end] = [0, mended.length];
    head = parseResponseHead(bytes, start, end);
  }
  if (head instanceof MessageFault || head.status < 200) return undefined;
  const body = new Body();
  body.beginResponse("GET", head.status, head.fields);
  const bodyEnd = body.isDone ? end : body.advance(bytes, end);
  if (body.isMalformed || !(body.isDone || body.isUntilClose)) return undefined;
  return {
    message: {
      start: String(head.status),
      fields: fieldsOf(bytes.toString("latin1", start, end)),
      body: decoded(
        bytes.toString("latin1", end, bodyEnd),
        head.fields.transferEncoding.startsWith("chunked") && bodyEnd > end,
      ),
    },
    forwarded: bytes.toString("latin1", start, bodyEnd),
  };
}

/** What Node's client reads out of it before the connection ends; undefined when it refuses. */
async function nodeAnswer(input: string, insecureHTTPParser: boolean): Promise<Message | undefined> {
  const pipe = new Pipe({ allowHalfOpen: true });
  let message: Message | undefined;
  let isRefused = false;
  const createConnection = () => pipe as unknown as Socket;
  const outgoing = request({ createConnection, maxHeaderSize: 1 << 20, insecureHTTPParser });
  outgoing.on("error", () => {
    isRefused = true;
  });
  outgoing.on("response", (incoming: IncomingMessage) => {
    let body = "";
    incoming.on("data", (bytes: Buffer) => {
      body += bytes.toString("latin1");
    });
    incoming.on("end", () => {
      message = {
        start: String(incoming.statusCode),
        fields: fieldsOfNode(incoming.rawHeaders),
        body,
      };
    });
    incoming.on("error", () => {
      isRefused = true;
    });
  });
  outgoing.end();
  await turns();
  pipe.push(Buffer.from(input, "latin1"));
  pipe.push(null);
  await turns();
  pipe.destroy();
  return isRefused ? undefined : message;
}

const runs = 1500;

const pieces = [
  ..."\r\n \t:,;\0+-0159aAfF_\x0b\x0c\x1b\x7f\x85\xa0\xe9".split(""),
  "\r\n",
  "\n\n",
  "\r\n\r\n",
  "\r\n ",
  " chunked",
  "chunked,",
  "identity",
  " gzip, chunked",
  " xchunked",
  " chunked, gzip",
  "Content-Length: 3\r\n",
  "content-length:5\r\n",
  "Content-Length : 3\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: identity\r\n",
  "Transfer-Encoding : chunked\r\n",
  "Connection: close\r\n",
  "Connection: keep-alive\r\n",
  "Host: b\r\n",
  "Upgrade: x\r\nConnection: Upgrade\r\n",
  "Expect: 100-continue\r\n",
  "HTTP/1.0",
  "HTTP/1.1",
  "0\r\n\r\n",
  "3\r\nabc\r\n",
  "0x",
  "0\r\n:T: v\r\n",
  "0\r\nT v\r\n",
  ";a=b",
  "GET /next HTTP/1.1\r\nHost: a\r\n\r\n",
];

interface Change {
  readonly at: number;
  /** Moves on to the next begin of a line, where a whole field has its full meaning. */
  readonly isAtLine: boolean;
  readonly removed: number;
  readonly piece: string;
}

const changes = fc.array(
  fc.record<Change>({
    at: fc.nat({ max: 200 }),
    isAtLine: fc.boolean(),
    removed: fc.oneof(fc.constant(0), fc.nat({ max: 6 })),
    piece: fc.oneof(fc.constant(""), fc.constantFrom(...pieces)),
  }),
  { minLength: 1, maxLength: 4 },
);

function changed(text: string, by: readonly Change[]): string {
  return by.reduce((before, { at, isAtLine, removed, piece }) => {
    const anywhere = at % (before.length + 1);
    const place = isAtLine ? before.indexOf("\n", anywhere) + 1 : anywhere;
    return before.slice(0, place) + piece + before.slice(place + removed);
  }, text);
}

const requests = [
  "GET /a?b=c HTTP/1.1\r\nHost: a:80\r\nX-One: 1\r\nEmpty:\r\n\r\n",
  "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
  "PUT http://a/p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n3;x=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: v\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
  "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
  "PROPFIND / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
].map((text) => `${text}GET /after HTTP/1.1\r\nHost: a\r\n\r\n`);

const answers = [
  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-One: 1\r\nEmpty:\r\n\r\nhello",
  "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n0a\r\n0123456789\r\n0\r\nT: v\r\n\r\n",
  "HTTP/1.1 200 OK\r\nX: until the end\r\n\r\nhello\r\n",
  "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
  "HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n",
  "HTTP/1.1 200 OK\nX: bare\nContent-Length: 5\n\nhello",
  "HTTP/1.1 200 OK\r\nX: folded\r\n  line\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
];

for (const isLenient of [false, true]) {
  describe(`beside Node's ${isLenient ? "lenient" : "strict"} parser`, { timeout: 120_000 }, () => {
    test("the valid messages, unchanged, are read alike", async () => {
      for (const text of requests) {
        const ours = ourRequests(text);
        assertSameFraming(text, ours, await nodeRequests(text, isLenient));
        assert.ok(ours.whole.length > 0);
      }
      for (const text of answers) {
        const ours = ourAnswer(text);
        assert.ok(ours !== undefined);
        assert.deepEqual(ours.message, await nodeAnswer(ours.forwarded, isLenient));
      }
    });

    test("requests are cut and read alike, whatever is changed in them", async () => {
      let read = 0;
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...requests), changes, async (text, by) => {
          const input = changed(text, by);
          const ours = ourRequests(input);
          assertSameFraming(input, ours, await nodeRequests(input, isLenient));
          if (ours.whole.length > 0) read++;
        }),
        { numRuns: runs },
      );
      assert.ok(read > 300, `only ${read} were read at all`);
    });

    test("answers are passed on so that Node's client reads what we have read, whatever is changed in them", async () => {
      let read = 0;
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...answers), changes, async (text, by) => {
          const ours = ourAnswer(changed(text, by));
          if (ours === undefined) return;
          const nodes = await nodeAnswer(ours.forwarded, isLenient);
          if (nodes === undefined) return;
          assert.deepEqual(ours.message, nodes, JSON.stringify(ours.forwarded));
          read++;
        }),
        { numRuns: runs },
      );
      assert.ok(read > 300, `only ${read} were read by both`);
    });
  });
}
