import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { mayBecomeHttp, protocolOf, startsLikeHttp } from "./first-bytes.ts";

describe("the first bytes of a client", () => {
  for (const [bytes, verdict] of [
    ["GET / HTTP/1.1\r\n", "http"],
    ["\r\nGET / HTTP/1.1\r\n", "http"],
    ["GET / HTTP/1.0\r\nHost", "http"],
    ["PURGE http://a/ HTTP/1.1\r\n", "http"],
    ["GET / HTTP/1.1\n", "http"],
    // What only tries to be HTTP is for the parser to refuse, not for a pod to make something of.
    ["GET / HTTP/1.2\r\n", "http"],
    ["GET / HTTP/3\r\n", "http"],
    ["GET /a b HTTP/1.1\r\n", "http"],
    ["GET /\0 HTTP/1.1\r\n", "http"],
    ["GET /\rX HTTP/1.1\r\n", "http"],
    [`GET /${"a".repeat(5000)}`, "http"],
    ["", "unknown"],
    ["\r", "unknown"],
    ["\r\n", "unknown"],
    ["G", "unknown"],
    ["GET /a HTTP/1.1", "unknown"],
    ["GET /a HTTP/1.1\r", "unknown"],
    ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http2"],
    ["PRI * HTTP/2.0", "unknown"],
    ["PING\r\n", "tcp"],
    ["GET key\r\n", "tcp"],
    ["EHLO me\r\n", "tcp"],
    ["SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n", "tcp"],
    ["*1\r\n$4\r\nPING\r\n", "tcp"],
    ["PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\nGET / HTTP/1.1\r\n", "tcp"],
    ["\r\n\r\n\0\r\nQUIT\n", "tcp"],
    ["OPTIONS rtsp://a RTSP/1.0\r\n", "tcp"],
    ["CONNECT\naccept-version:1.2\n\n\0", "tcp"],
    ["AMQP\0\0\x09\x01", "tcp"],
    ["\0\0\0\x08\x04\xd2\x16\x2f", "tcp"],
    ["\x16\x03\x01", "tcp"],
    ["\0", "tcp"],
    [" GET", "tcp"],
    ["GET \0", "tcp"],
    ["A".repeat(40), "tcp"],
    [`A ${"b".repeat(5000)}`, "tcp"],
  ] as const) {
    test(`${JSON.stringify(bytes.slice(0, 24))} mean ${verdict}`, () => {
      assert.equal(protocolOf(Buffer.from(bytes, "latin1")), verdict);
    });
  }

  test("mean the same when they come one by one", () => {
    for (const line of [
      "GET / HTTP/1.1\r\n",
      "GET key\r\n",
      "\r\nGET / HTTP/1.1\r\n",
      "PRI * HTTP/2.0\r\n",
    ]) {
      for (let length = 1; length < line.length; length++) {
        assert.equal(protocolOf(Buffer.from(line.slice(0, length))), "unknown");
      }
    }
  });

  test("that stop within a line are taken for HTTP when they have one of its methods and the begin of a target", () => {
    for (const text of ["GET /slow", "\r\nPOST /", "GET http://a", "OPTIONS *"])
      assert.equal(startsLikeHttp(Buffer.from(text)), true, text);
    for (const text of ["GET ", "DEL", "HELLO", "GET key", ""])
      assert.equal(startsLikeHttp(Buffer.from(text)), false, text);
  });

  test("that are too short may become HTTP as long as they are the begin of a method", () => {
    for (const text of ["", "G", "DEL", "GET ", "PRI * H"])
      assert.equal(mayBecomeHttp(Buffer.from(text)), true, text);
    for (const text of ["HELLO", "X", "GET k", "get "])
      assert.equal(mayBecomeHttp(Buffer.from(text)), false, text);
  });
});
