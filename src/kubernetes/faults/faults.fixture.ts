import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";

/** One request that is to be answered badly. */
export interface Play {
  readonly response: ServerResponse;
  readonly socket: Socket;
  /** Resets the connection, also below TLS. */
  readonly reset: () => void;
  /** Sends the head and a part of the right answer: some events, some lines, half an object. */
  readonly begin: (headers?: Readonly<Record<string, string>>) => void;
  /** The whole right answer as far as it is known now. */
  readonly rightBody: string;
  /** Events that are long over, as lines. */
  readonly formerLines: string;
}

const status = (code: number, more: object = {}): string =>
  JSON.stringify({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    code,
    message: "played",
    ...more,
  });
const line = (type: unknown, object: unknown): string => `${JSON.stringify({ type, object })}\n`;
const json = { "content-type": "application/json" };
const web = "<!doctype html><html><body>Please log in</body></html>";
const webPage = { "content-type": "text/html" };

type Headers = Readonly<Record<string, string>>;

/** A whole answer in good order, with an odd content. */
const answer =
  (code: number, body: string | Buffer, headers: Headers = json) =>
  ({ response }: Play): void => {
    response.writeHead(code, { ...headers }).end(body);
  };

/** These bytes, then the end, a reset, or nothing more. */
const raw =
  (bytes: string | Buffer, then: "end" | "reset" | "silence" = "end") =>
  ({ socket, reset }: Play): void => {
    if (then === "end") socket.end(bytes);
    else socket.write(bytes, () => then === "reset" && reset());
  };

/** Part of the right answer, these bytes as part of the same answer, then the end, a reset, or nothing more. */
const midway =
  (bytes: string | Buffer, then: "end" | "reset" | "silence" = "end", headers: Headers = {}) =>
  ({ begin, response, reset }: Play): void => {
    begin(headers);
    if (then === "end") response.end(bytes);
    else response.write(bytes, () => then === "reset" && reset());
  };

const head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
const endings = ["end", "reset", "silence"] as const;

/** Everything that can go wrong once a request has been read, by name. */
export const faults: Readonly<Record<string, (play: Play) => void>> = {
  "closes without an answer": ({ socket }) => socket.end(),
  "resets without an answer": ({ reset }) => reset(),
  "is silent": () => {},

  ...Object.fromEntries(
    [
      400, 401, 403, 404, 405, 406, 408, 409, 410, 413, 415, 422, 429, 500, 501, 502, 503, 504, 507, 599,
    ].flatMap((code) => [
      [`${code} with a Status`, answer(code, status(code))],
      [`${code} with a web page`, answer(code, web, webPage)],
      [`${code} with half a Status`, answer(code, status(code).slice(0, 30))],
    ]),
  ),
  "500 with a web page that calls itself JSON": answer(500, web),
  "500 with null": answer(500, "null"),
  "500 with a Status that is none": answer(
    500,
    '{"kind":"Status","message":{},"reason":[],"details":[1],"code":"x"}',
  ),
  "409 with odd details": answer(
    409,
    status(409, { details: { causes: [null, 5], retryAfterSeconds: "soon" } }),
  ),
  "504 with a Status of a version to come": answer(
    504,
    status(504, { details: { causes: [{ reason: "ResourceVersionTooLarge" }] } }),
  ),
  ...Object.fromEntries(
    [
      "0",
      "1",
      "3",
      "86400",
      "-1",
      "soon",
      "",
      "Fri, 31 Dec 1999 23:59:59 GMT",
      "Fri, 31 Dec 2100 23:59:59 GMT",
    ].flatMap((wait) =>
      [429, 503].map((code) => [
        `${code} with Retry-After "${wait}"`,
        answer(code, status(code), { ...json, "retry-after": wait }),
      ]),
    ),
  ),
  "429 with the wait in its Status": answer(429, status(429, { details: { retryAfterSeconds: 2 } })),

  ...Object.fromEntries(
    [300, 301, 302, 303, 307, 308].flatMap((code) => [
      [`${code} to itself`, answer(code, "", { location: "/" })],
      [
        `${code} to a login page`,
        answer(code, web, { ...webPage, location: "https://login.invalid/?next=api" }),
      ],
      [`${code} to nowhere`, answer(code, "")],
    ]),
  ),
  "204 without content": answer(204, ""),
  "206 with a part": answer(206, '{"kind":"PodList"', json),
  "304 not modified": answer(304, ""),

  "information before the answer": ({ response, rightBody }) => {
    response.writeContinue();
    response.writeProcessing();
    response.writeHead(200, json).end(rightBody);
  },
  "nothing but information": raw("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(50)),
  "nothing but information, then silence": raw("HTTP/1.1 102 Processing\r\n\r\n".repeat(5), "silence"),
  "another protocol": raw(
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: SPDY/3.1\r\n\r\n",
    "silence",
  ),

  ...Object.fromEntries(
    endings.flatMap((then) => [
      [`half a head, then ${then}`, raw("HTTP/1.1 200 OK\r\ncontent-ty", then)],
      [`half a status line, then ${then}`, raw("HTTP/1.", then)],
      [`a head without a body, then ${then}`, raw(`${head}content-length: 100\r\n\r\n`, then)],
      [
        `a chunk that is cut, then ${then}`,
        raw(`${head}transfer-encoding: chunked\r\n\r\n40\r\n{"a":`, then),
      ],
      [`half an answer, then ${then}`, midway("", then)],
      [`half a line, then ${then}`, midway('{"type":"ADDED","object":{"metadata":{"na', then)],
      [`half a character, then ${then}`, midway(Buffer.from('{"type":"ADDED ü').subarray(0, -1), then)],
    ]),
  ),
  "garbage for a head": raw(Buffer.from(Array.from({ length: 300 }, (_, at) => (at * 7919) % 256))),
  "garbage for a head, then silence": raw("\u0000\u0001\u0002 hello\r\n\r\n", "silence"),
  "an old HTTP": raw("<html>HTTP/0.9 was like this</html>"),
  "a newer HTTP": raw(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0", "latin1")),
  "the protocol of another service": raw("220 mail.example ESMTP\r\n"),
  "a head without an end": ({ socket }) => {
    socket.write(head);
    for (let count = 0; count < 100; count += 1) socket.write(`x-filler-${count}: ${"a".repeat(1000)}\r\n`);
  },
  "two lengths": raw(`${head}content-length: 2\r\ncontent-length: 4\r\n\r\n{}{}`),
  "a length below nothing": raw(`${head}content-length: -5\r\n\r\n{}`),
  "a length that is no number": raw(`${head}content-length: many\r\n\r\n{}`),
  "a length and chunks": raw(
    `${head}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
  ),
  "more than the length says": raw(`${head}content-length: 2\r\n\r\n{}{"and":"more"}`),
  "a chunk without a size": raw(`${head}transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`),
  "an endless chunk size": raw(`${head}transfer-encoding: chunked\r\n\r\n${"f".repeat(40)}\r\n{}`),
  "chunks with a broken trailer": raw(`${head}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx y z\r\n`),
  "no length at all": raw(`${head}connection: close\r\n\r\n{}`),
  "an unknown transfer encoding": raw(`${head}transfer-encoding: wild\r\n\r\n{}`),

  "packed as it should not be": ({ response, rightBody }) => {
    response.writeHead(200, { ...json, "content-encoding": "br" }).end(rightBody);
  },
  "called packed but plain": ({ response, rightBody }) => {
    response.writeHead(200, { ...json, "content-encoding": "gzip" }).end(rightBody);
  },
  "packed and cut off": ({ response, rightBody }) => {
    const packed = gzipSync(rightBody);
    response
      .writeHead(200, { ...json, "content-encoding": "gzip" })
      .end(packed.subarray(0, packed.length - 10));
  },
  "packed, cut off and reset": ({ response, reset, rightBody }) => {
    const packed = gzipSync(rightBody);
    response.writeHead(200, { ...json, "content-encoding": "gzip" });
    response.write(packed.subarray(0, packed.length >> 1), () => reset());
  },
  "packed, cut off and silent": ({ response, rightBody }) => {
    response.writeHead(200, { ...json, "content-encoding": "GZIP" });
    response.write(gzipSync(rightBody).subarray(0, 20));
  },
  "packed with a wrong sum": ({ response, rightBody }) => {
    const packed = gzipSync(rightBody);
    packed.writeUInt32LE(7, packed.length - 8);
    response.writeHead(200, { ...json, "content-encoding": "gzip" }).end(packed);
  },
  "packed nothing": answer(200, "", { ...json, "content-encoding": "gzip" }),
  "packed in good order": ({ response, rightBody }) => {
    response.writeHead(200, { ...json, "content-encoding": "x-gzip" }).end(gzipSync(rightBody));
  },

  "a web page": answer(200, web, webPage),
  "a web page that calls itself JSON": answer(200, web),
  "the right answer as text": ({ response, rightBody }) => {
    response.writeHead(200, { "content-type": "text/plain" }).end(rightBody);
  },
  "the right answer without a type": ({ response, rightBody }) => {
    response.writeHead(200).end(rightBody);
  },
  ...Object.fromEntries(
    [
      "",
      "null",
      "true",
      "5",
      '"text"',
      "[]",
      "{}",
      "[null]",
      '{"metadata":null}',
      '{"items":{}}',
      "\u0000",
      "\uFEFF{}",
      "{}{}",
      '{"metadata":{"resourceVersion":"1"},"items":[null]}',
      '{"metadata":{"resourceVersion":"1"},"items":[{}]}',
      '{"metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":5}}]}',
      '{"metadata":{"resourceVersion":5},"items":[]}',
      '{"items":[]}',
      '{"metadata":{"resourceVersion":"1","continue":5},"items":[]}',
      "[".repeat(100_000),
    ].map((body, number) => [`the content ${body.slice(0, 60)} (${number})`, answer(200, body)]),
  ),
  "a page that leads to itself": answer(
    200,
    '{"metadata":{"resourceVersion":"1","continue":"again"},"items":[]}',
  ),

  // From here on after a part of the right answer: for lists just another way to be broken.
  ...Object.fromEntries(
    [
      null,
      undefined,
      "gone",
      5,
      [],
      {},
      { code: 410 },
      { kind: "Status" },
      { kind: "Status", code: "410" },
      { kind: "Status", code: 200 },
      { kind: "Status", code: 410, details: "none" },
      {
        kind: "Status",
        code: 410,
        message: { text: "odd" },
        details: { causes: [null, "x", { reason: 5 }] },
      },
      { kind: "Status", code: 429, details: { retryAfterSeconds: 1 } },
      { kind: "Status", code: 403, reason: "Forbidden" },
      { kind: "Status", code: 500, message: "etcdserver: mvcc: required revision has been compacted" },
      { kind: "Status", code: 504, details: { causes: [{ reason: "ResourceVersionTooLarge" }] } },
    ].flatMap((object, number) => [
      [
        `an ERROR event with ${JSON.stringify(object)}, then the end (${number})`,
        midway(line("ERROR", object), "end"),
      ],
      [
        `an ERROR event with ${JSON.stringify(object)}, then nothing (${number})`,
        midway(line("ERROR", object), "silence"),
      ],
    ]),
  ),
  "an ERROR event as all there is": answer(200, line("ERROR", JSON.parse(status(410)))),
  "many ERROR events at once": midway(line("ERROR", JSON.parse(status(410))).repeat(20), "silence"),
  "a reset right after an ERROR event": midway(line("ERROR", JSON.parse(status(410))), "reset"),
  ...Object.fromEntries(
    [
      "null\n",
      "5\n",
      "[]\n",
      '"ADDED"\n',
      "{}\n",
      line("ADDED", null),
      line("ADDED", "x"),
      line("ADDED", {}),
      line("ADDED", []),
      line("ADDED", { metadata: null }),
      line("ADDED", { metadata: {} }),
      line("MODIFIED", { metadata: { name: 5 } }),
      line("DELETED", { metadata: { name: null } }),
      line("added", { metadata: { name: "x" } }),
      line(undefined, { metadata: { name: "x" } }),
      line(5, { metadata: {} }),
      line("BOOKMARK", null),
      line("BOOKMARK", {}),
      line("BOOKMARK", { metadata: {} }),
      web,
      "\n\n\r\n \n",
      "{\n",
      "}{\n",
      "\u0000\n",
      "\uFEFF\n",
    ].flatMap((text, number) => [
      [`in a watch ${JSON.stringify(text.slice(0, 60))}, then the end (${number})`, midway(text, "end")],
      [`in a watch ${JSON.stringify(text.slice(0, 60))}, then nothing (${number})`, midway(text, "silence")],
    ]),
  ),
  "a watch that tells old events again": (play) => midway(play.formerLines.repeat(3), "silence")(play),
  "a watch that tells a byte at a time": ({ response, rightBody }) => {
    response.writeHead(200, json);
    const bytes = Buffer.from(rightBody);
    for (let at = 0; at < bytes.length; at += 1) response.write(bytes.subarray(at, at + 1));
  },
  "a line of several megabytes": midway(
    `{"type":"ADDED","object":{"metadata":{"name":"${"a".repeat(4 << 20)}`,
    "end",
  ),
  "a packed watch that is cut off": ({ response, rightBody }) => {
    const packed = gzipSync(rightBody);
    response
      .writeHead(200, { ...json, "content-encoding": "gzip" })
      .end(packed.subarray(0, packed.length - 4));
  },
};

/** Everything that can go wrong before a request could be read: on a connection, whether TLS is spoken on it or not. */
export const connectionFaults: Readonly<Record<string, (socket: Socket) => void>> = {
  "the connection is closed at once": (socket) => socket.end(),
  "the connection is reset at once": (socket) => socket.resetAndDestroy(),
  "the connection is reset when something comes": (socket) =>
    socket.once("data", () => socket.resetAndDestroy()),
  "the connection is closed when something comes": (socket) => socket.once("data", () => socket.end()),
  "the connection is silent": (socket) => socket.resume(),
  "the connection speaks first": (socket) => socket.end("SSH-2.0-OpenSSH_9.6\r\n"),
  "the connection answers garbage": (socket) =>
    socket.once("data", () => socket.end(Buffer.alloc(600, 0x16))),
  "the connection answers a TLS alert": (socket) =>
    socket.once("data", () => socket.end(Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28]))),
  "the connection answers half a TLS record, then silence": (socket) =>
    socket.once("data", () => socket.write(Buffer.from([0x16, 0x03, 0x03, 0x7f, 0xff, 0x02, 0x00]))),
};
