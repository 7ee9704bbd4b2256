import { writeFileSync } from "node:fs";
import { ImageStore } from "../cluster/node/images/image-store.ts";
import { RegistryServer } from "../cluster/node/images/registry/registry-server.ts";
import { RepositoryStore } from "../cluster/node/images/registry/repository-store.ts";
import type { PartWorld } from "../cluster/supervisor/part.ts";
import type { RunningPart } from "../cluster/supervisor/supervised.ts";
import { type Cancel, later } from "../time/clock.ts";

const collectSeconds = 3600;

/** The registry that docker, buildah, skopeo and helm push to; the node runs what it finds in the same store. */
export function registryPart({ data, registry, clock, log }: PartWorld): RunningPart {
  const images = new ImageStore(data.path);
  const store = new RepositoryStore(images.folder);
  const server = new RegistryServer({ store, onPushed: () => images.announce(), onProblem: log });
  let cancel: Cancel = () => {};
  const collect = (): void => {
    try {
      store.collectGarbage();
    } catch (error) {
      log(
        `what is not needed in the registry stays: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    cancel = clock.at(later(clock.now(), collectSeconds), collect);
  };
  const start = async (): Promise<Readonly<Record<string, string>>> => {
    const port = await server.listen(registry ?? 0).catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(
        `the registry cannot listen on port ${registry}: ${why}; take another with --registry PORT`,
        { cause },
      );
    });
    writeFileSync(store.portFile, String(port));
    collect();
    return { registry: String(port) };
  };
  return {
    ready: start(),
    async stop() {
      cancel();
      await server.close();
    },
  };
}
