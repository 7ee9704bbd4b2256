import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ClaimedBlock, claimBlock } from "./address-block.ts";

const free = () => false;

function release(...claims: readonly ClaimedBlock[]): void {
  for (const claim of claims) claim.release();
}

describe("the addresses of a cluster", { skip: process.platform !== "linux" }, () => {
  it("are nobody else's, however many start at once and whatever they would like", async () => {
    const claims = await Promise.all(
      Array.from({ length: 5 }, () => claimBlock({ last: 250, folder: "/same", isInUse: free })),
    );
    assert.equal(new Set(claims.map(({ block }) => block)).size, 5);
    assert.ok(claims.some(({ block }) => block === 250));
    release(...claims);
  });

  it("are the same for a folder each time, and those that the cluster had before", async () => {
    const folder = `/somewhere/${process.pid}`;
    const first = await claimBlock({ last: undefined, folder, isInUse: free });
    release(first);
    const second = await claimBlock({ last: undefined, folder, isInUse: free });
    assert.equal(second.block, first.block);
    const third = await claimBlock({ last: first.block === 9 ? 10 : 9, folder, isInUse: free });
    assert.equal(third.block, first.block === 9 ? 10 : 9);
    release(second, third);
  });

  it("are not those in which somebody listens already", async () => {
    const folder = `/elsewhere/${process.pid}`;
    const first = await claimBlock({ last: undefined, folder, isInUse: free });
    release(first);
    const isInUse = (block: number) => block === first.block;
    const second = await claimBlock({ last: first.block, folder, isInUse });
    assert.notEqual(second.block, first.block);
    release(second);
    await assert.rejects(claimBlock({ last: undefined, folder, isInUse: () => true }), /no block .* is free/);
  });
});
