import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isHttp2Preface, protocolOf, startsLikeHttp } from "./first-bytes.ts";

describe("the first bytes of a client", () => {
  for (const [bytes, verdict] of [
    ["GET / HTTP/1.1\r\n", "http"],
    ["GET / HTTP/1.0\r\nHost", "http"],
    ["PURGE http://a/ HTTP/1.1\r\n", "http"],
    ["GET / HTTP/1.1\n", "http"],
    [`GET /${"a".repeat(5000)}`, "http"],
    ["G", "unknown"],
    ["GET /a HTTP/1.1", "unknown"],
    ["PING\r\n", "tcp"],
    ["GET key\r\n", "tcp"],
    ["EHLO me\r\n", "tcp"],
    ["PRI * HTTP/2.0\r\n\r\n", "tcp"],
    ["\x16\x03\x01", "tcp"],
    ["\0", "tcp"],
    [" GET", "tcp"],
    ["GET \0", "tcp"],
    ["A".repeat(40), "tcp"],
  ] as const) {
    test(`${JSON.stringify(bytes.slice(0, 24))} mean ${verdict}`, () => {
      assert.equal(protocolOf(Buffer.from(bytes, "latin1")), verdict);
    });
  }

  test("mean the same when they come one by one", () => {
    for (const line of ["GET / HTTP/1.1\r\n", "GET key\r\n"]) {
      for (let length = 1; length < line.length; length++) {
        assert.equal(protocolOf(Buffer.from(line.slice(0, length))), "unknown");
      }
    }
  });

  test("that stop within a line are taken for HTTP only when they begin with one of its methods", () => {
    assert.equal(startsLikeHttp(Buffer.from("GET /slow")), true);
    assert.equal(startsLikeHttp(Buffer.from("DEL")), true);
    assert.equal(startsLikeHttp(Buffer.from("HELLO")), false);
  });

  test("of HTTP/2 are recognized", () => {
    assert.equal(isHttp2Preface(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")), true);
    assert.equal(isHttp2Preface(Buffer.from("GET / HTTP/1.1\r\n")), false);
  });
});
