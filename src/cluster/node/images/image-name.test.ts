import assert from "node:assert/strict";
import { test } from "node:test";
import { isImageName } from "./image-name.ts";

const names = [
  "web",
  "web:1",
  "shop/web:v1.2_3",
  "my-org/my__app",
  "docker.io/atulinfracloud/weathersample:v1",
  "localhost:5000/web:latest",
  "[::1]:5000/web",
  `registry.example.com/a/b/c@sha256:${"0".repeat(64)}`,
];
for (const name of names) test(`${name} names an image`, () => assert.ok(isImageName(name)));

const others = [
  "",
  "BAD NAME",
  "Web",
  "web:",
  "web:.x",
  "web:a b",
  "a//b",
  "/web",
  "web/",
  "../web",
  "a..b",
  "web@1",
];
for (const name of others)
  test(`${JSON.stringify(name)} names no image`, () => assert.ok(!isImageName(name)));
