import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HeadReader } from "./head-reader.ts";
import { MessageFault } from "./message-fault.ts";
import { mendAnswerHead } from "./odd-answer.ts";
import { parseResponseHead } from "./response-head.ts";

/** The head as it would be passed on: as it came where it is well formed, otherwise mended; why not where it is refused. */
function passedOn(text: string): string {
  const reader = new HeadReader({ takesBareLineFeeds: true });
  const state = reader.read(Buffer.from(text, "latin1"), 0);
  if (state !== "complete") return state;
  const { bytes, start, end } = reader;
  if (!(parseResponseHead(bytes, start, end) instanceof MessageFault))
    return bytes.toString("latin1", start, end);
  const mended = mendAnswerHead(bytes, start, end);
  const again = parseResponseHead(mended, 0, mended.length);
  return again instanceof MessageFault ? again.reason : mended.toString("latin1");
}

const asItIs: Readonly<Record<string, string>> = {
  "no reason phrase": "HTTP/1.1 200\r\nA: 1\r\n\r\n",
  "an empty reason phrase": "HTTP/1.1 200 \r\nA: 1\r\n\r\n",
  "letters beyond ASCII": "HTTP/1.1 200 caf\xe9\r\nA: \xfc\xff\r\n\r\n",
  "names with dots and underscores": "HTTP/1.1 200 OK\r\na_b.c!#$%&'*+-^`|~: 1\r\n\r\n",
  "an empty value": "HTTP/1.1 200 OK\r\nA:\r\nB: \t \r\n\r\n",
  "another coding": "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
  "an unknown status": "HTTP/1.1 799 Odd\r\n\r\n",
  "a length with 204": "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
  "HTTP/1.0 that is kept": "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n",
};

const mended: Readonly<Record<string, [string, string]>> = {
  "bare line feeds": [
    "HTTP/1.1 200 OK\nA: 1\r\nContent-Length: 2\n\n",
    "HTTP/1.1 200 OK\r\nA: 1\r\nContent-Length: 2\r\n\r\n",
  ],
  "a bare line feed at the end of the head": [
    "HTTP/1.1 200 OK\r\nA: 1\r\n\n",
    "HTTP/1.1 200 OK\r\nA: 1\r\n\r\n",
  ],
  "a folded line": [
    "HTTP/1.1 200 OK\r\nA: 1\r\n\t 2 \r\n 3\r\nB: 4\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA: 1 2 3\r\nB: 4\r\n\r\n",
  ],
  "white space before a colon": [
    "HTTP/1.1 200 OK\r\nContent-Length \t: 2\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
  ],
  "one length twice": [
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: 1\r\ncontent-length: 2\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA: 1\r\nContent-Length: 2\r\n\r\n",
  ],
  "one length as a list": [
    "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
  ],
  "a length beside no coding": [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
  ],
  "a tab beside the coding": [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding:\tchunked\t\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
  ],
  "the status line of Shoutcast": [
    "ICY 200 OK\r\nicy-br:128\r\n\r\n",
    "HTTP/1.0 200 OK\r\nicy-br:128\r\n\r\n",
  ],
};

const refused: Readonly<Record<string, string>> = {
  "two lengths": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
  "two lengths in a list": "HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\n",
  "a list with nothing in it": "HTTP/1.1 200 OK\r\nContent-Length: 2,\r\n\r\n",
  "a length with a sign": "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n",
  "a folded length": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n 3\r\n\r\n",
  "length and chunks": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
  "length and chunks behind a space":
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding : chunked\r\n\r\n",
  "length and folded chunks":
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding:\r\n chunked\r\n\r\n",
  "chunks twice": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
  "a bare carriage return": "HTTP/1.1 200 OK\r\nA: 1\rContent-Length: 2\r\n\r\n",
  "a carriage return too many": "HTTP/1.1 200 OK\r\nA: 1\r\r\n\r\n",
  "a NUL": "HTTP/1.1 200 OK\nA: \0\n\n",
  "a fold before any field": "HTTP/1.1 200 OK\r\n A: 1\r\n\r\n",
  "a name with a space": "HTTP/1.1 200 OK\nContent Length: 2\n\n",
  "a line without a name": "HTTP/1.1 200 OK\nno colon here\n\n",
  "another version": "HTTP/3 200 OK\n\n",
  "another protocol": "SIP/2.0 200 OK\r\n\r\n",
};

describe("the head of an answer with", () => {
  for (const [what, text] of Object.entries(asItIs)) {
    test(`${what} passes as it is`, () => assert.equal(passedOn(text), text));
  }
  for (const [what, [text, expected]] of Object.entries(mended)) {
    test(`${what} is put right`, () => assert.equal(passedOn(text), expected));
  }
  for (const [what, text] of Object.entries(refused)) {
    test(`${what} is refused`, () => assert.doesNotMatch(passedOn(text), /^HTTP/));
  }
});
