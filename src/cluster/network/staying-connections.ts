import type { EndpointSlice } from "../../api/core.ts";
import { stayingConnectionsAnnotation } from "../../api/names.ts";
import { resources } from "../../api/resources.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { unlessGone } from "../../kubernetes/errors.ts";
import { type Clock, type Instant, later } from "../../time/clock.ts";
import type { Sessions } from "./proxy/sessions.ts";

interface PodName {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

// Connections end one by one; nobody needs to know of each.
const secondsBetweenLooks = 5;

/**
 * Notes on each pod that requests have left how many connections have stayed with it. Where none have, and as long as their
 * number is the same, nothing is written.
 */
export class StayingConnections {
  readonly #client: KubernetesClient;
  readonly #clock: Clock;
  readonly #sessions: Sessions;
  readonly #log: (line: string) => void;
  /** Which pod had an address last. */
  readonly #pods = new Map<string, PodName>();
  /** What was written last, by address. */
  readonly #told = new Map<string, number>();
  #nextLookAt: Instant;
  #isWriting = false;

  constructor(client: KubernetesClient, sessions: Sessions, log: (line: string) => void) {
    this.#client = client;
    this.#sessions = sessions;
    this.#clock = sessions.clock;
    this.#log = log;
    this.#nextLookAt = this.#clock.now();
    sessions.onSweep((now) => {
      if (now >= this.#nextLookAt && !this.#isWriting) void this.#look();
    });
  }

  /** Takes note of who is behind the addresses of a slice. */
  know({ metadata, endpoints }: EndpointSlice): void {
    for (const { addresses, targetRef } of endpoints ?? []) {
      const [address] = addresses;
      if (address === undefined || targetRef?.kind !== "Pod" || targetRef.name === undefined) continue;
      const { name, uid = "", namespace = metadata.namespace ?? "" } = targetRef;
      this.#pods.set(address, { namespace, name, uid });
    }
  }

  async #look(): Promise<void> {
    this.#nextLookAt = later(this.#clock.now(), secondsBetweenLooks);
    const staying = this.#sessions.staying();
    this.#isWriting = true;
    try {
      for (const address of new Set([...staying.keys(), ...this.#told.keys()]))
        await this.#tell(address, staying.get(address) ?? 0);
    } catch (error) {
      this.#log(`how many connections stay with their pods could not be written: ${String(error)}`);
    } finally {
      this.#isWriting = false;
    }
  }

  async #tell(address: string, count: number): Promise<void> {
    const pod = this.#pods.get(address);
    if (pod === undefined || (this.#told.get(address) ?? 0) === count) return;
    const { namespace, name, uid } = pod;
    const annotations = { [stayingConnectionsAnnotation]: count === 0 ? null : String(count) };
    const body = { metadata: { uid, annotations } };
    // A pod that is gone, or whose name another one has by now, needs no note.
    await this.#client.patch(resources.pods, namespace, name, { type: "merge", body }).catch(unlessGone);
    if (count === 0) this.#told.delete(address);
    else this.#told.set(address, count);
    if (count > 0) this.#log(`${count} connections stay with pod ${namespace}/${name} until they end`);
  }
}
