import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { it } from "node:test";
import type { Cancel, Instant } from "../../../time/clock.ts";
import { ManualClock } from "../../../time/manual-clock.ts";
import { Sessions } from "../proxy/sessions.ts";
import { UdpListener } from "./udp-listener.ts";

/** Remembers what is to be done next, so that it can be done in between. */
class RememberingClock extends ManualClock {
  next: () => void = () => {};

  override at(at: Instant, run: () => void): Cancel {
    this.next = run;
    return super.at(at, run);
  }
}

async function bound(port: number): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind({ address: "127.0.0.1", port });
  await once(socket, "listening");
  return socket;
}

it("a UDP port is left when nobody wants it, also while it is tried again", async () => {
  const clock = new RememberingClock();
  const other = await bound(0);
  const { port } = other.address() as AddressInfo;
  const refused = Promise.withResolvers<void>();
  const listener = new UdpListener({
    host: "127.0.0.1",
    port,
    sessions: new Sessions(clock),
    route: () => assert.fail("nobody sends"),
    changed: (_state, problem) => problem !== undefined && refused.resolve(),
  });
  await refused.promise;
  await new Promise<void>((resolve) => other.close(() => resolve()));
  clock.next();
  listener.stop();
  (await bound(port)).close();
});
