import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { wildcardListenersIn } from "./wildcard-listeners.ts";

const header =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
const rest = "00000000:00000000 00:00000000 00000000  1000        0";

function line(local: string, state: string, inode: string): string {
  return `   0: ${local} 00000000:0000 ${state} ${rest} ${inode} 1 0000000000000000 100 0 0 10 0`;
}

describe("the kernel's table of sockets", () => {
  const mapped = "0000000000000000FFFF000000000000";
  for (const address of ["00000000", "0".repeat(32), mapped]) {
    it(`shows a listener on ${address} as one for all addresses`, () => {
      const table = [header, line(`${address}:1388`, "0A", "638"), ""].join("\n");
      assert.deepEqual(wildcardListenersIn(table), [{ port: 5000, inode: "638" }]);
    });
  }

  it("shows no such listener where an address is given or nobody listens", () => {
    const table = [
      header,
      line("02004E7F:1388", "0A", "1"),
      line("00000000000000000000000001000000:1388", "0A", "2"),
      line("00000000:1388", "01", "3"),
    ];
    assert.deepEqual(wildcardListenersIn(table.join("\n")), []);
  });
});
