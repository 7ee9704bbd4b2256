import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { listenersAt, listenersIn } from "./listeners.ts";

const header =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
const rest = "00000000:00000000 00:00000000 00000000  1000        0";

function line(local: string, state: string, inode: string): string {
  return `   0: ${local} 00000000:0000 ${state} ${rest} ${inode} 1 0000000000000000 100 0 0 10 0`;
}

describe("the kernel's table of sockets", () => {
  const mapped = "0000000000000000FFFF0000";
  const all = [
    ["00000000", 4],
    ["0".repeat(32), 6],
    [`${mapped}00000000`, 6],
  ] as const;
  for (const [address, family] of all) {
    it(`shows a listener on ${address} as one for all addresses`, () => {
      const table = [header, line(`${address}:1388`, "0A", "638"), ""].join("\n");
      assert.deepEqual(listenersIn(table), [{ address: "*", port: 5000, inode: "638", family }]);
    });
  }

  it("shows the address of a listener that has one, in either form", () => {
    const table = [header, line("0200A27F:1388", "0A", "1"), line(`${mapped}0200A27F:1389`, "0A", "2")];
    assert.deepEqual(listenersIn(table.join("\n")), [
      { address: "127.162.0.2", port: 5000, inode: "1", family: 4 },
      { address: "127.162.0.2", port: 5001, inode: "2", family: 6 },
    ]);
  });

  it("shows none where an IPv4 client finds nobody, or nobody listens", () => {
    const table = [
      header,
      line("00000000000000000000000001000000:1388", "0A", "2"),
      line("00000000:1388", "01", "3"),
    ];
    assert.deepEqual(listenersIn(table.join("\n")), []);
  });
});

describe("who takes a connection", () => {
  const at = (address: string, family: 4 | 6, inode: string) => ({ address, port: 5000, family, inode });
  const exact = at("127.9.0.2", 4, "1");
  const other = at("127.9.0.3", 4, "2");
  const four = at("*", 4, "3");
  const six = at("*", 6, "4");
  const found = (...all: readonly (typeof exact)[]) =>
    listenersAt(all, "127.9.0.2", 5000).map(({ inode }) => inode);

  it("is who listens on that address, before who listens on all", () => {
    assert.deepEqual(found(six, four, other, exact), ["1"]);
    assert.deepEqual(found(six, four, other), ["3"]);
    assert.deepEqual(found(six, other), ["4"]);
    assert.deepEqual(found(other, { ...exact, port: 5001 }), []);
  });
});
