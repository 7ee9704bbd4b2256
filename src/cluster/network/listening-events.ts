import type { KubernetesObject, Service } from "../../api/core.ts";
import { resources } from "../../api/resources.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { unlessGone } from "../../kubernetes/errors.ts";
import { EventRecorder, eventWriter, type News } from "../../kubernetes/event-recorder.ts";
import type { Clock } from "../../time/clock.ts";
import { cannotListen } from "./listening-news.ts";

export interface ListeningEventsOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly onProblem: (text: string) => void;
}

interface ToldEvent extends KubernetesObject {
  readonly message?: string;
}

/** Keeps one Event on a Service for each address that cannot be listened on, for as long as that is so. */
export class ListeningEvents {
  readonly #client: KubernetesClient;
  readonly #recorder: EventRecorder;
  /** By uid of the Service: the messages of its Events, those of an earlier process among them. */
  readonly #told = new Map<string, ReadonlySet<string>>();

  constructor({ client, clock, onProblem }: ListeningEventsOptions) {
    this.#client = client;
    const source = { component: "service-proxy" };
    this.#recorder = new EventRecorder({ writer: eventWriter(client), clock, source, onProblem });
  }

  /** Tells what is new and takes back what is over. Throws an `ApiError`. */
  async tell(service: Service, news: readonly News[]): Promise<void> {
    const { uid = "" } = service.metadata;
    const told = this.#told.get(uid) ?? new Set((await this.#eventsOf(service)).map(messageOf));
    const wanted = new Set(news.map(({ message }) => message));
    if ([...told].some((message) => !wanted.has(message))) await this.#takeBack(service, wanted);
    // Objects in lists do not say what they are.
    const about = { ...service, apiVersion: "v1", kind: "Service" };
    for (const one of news) if (!told.has(one.message)) this.#recorder.record(about, one);
    this.#told.set(uid, wanted);
  }

  /** The Service is gone; its Events are left to expire as all do. */
  forget({ metadata: { uid = "" } }: Service): void {
    this.#told.delete(uid);
  }

  /** Writes what is waiting, as long as that works at once. */
  stop(): Promise<void> {
    return this.#recorder.stop();
  }

  async #takeBack(service: Service, wanted: ReadonlySet<string>): Promise<void> {
    for (const event of await this.#eventsOf(service)) {
      const { namespace, name } = event.metadata;
      if (wanted.has(messageOf(event))) continue;
      await this.#client.delete(resources.events, namespace, name).catch(unlessGone);
    }
  }

  async #eventsOf({ metadata: { namespace, uid = "" } }: Service): Promise<readonly ToldEvent[]> {
    const fieldSelector = `involvedObject.uid=${uid},reason=${cannotListen}`;
    const { items } = await this.#client.list<ToldEvent>(resources.events, { namespace, fieldSelector });
    return items;
  }
}

function messageOf({ message = "" }: ToldEvent): string {
  return message;
}
