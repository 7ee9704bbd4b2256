import {
  active,
  another,
  applyRollout,
  blueGreen,
  deleteRollout,
  deploy,
  gone,
  healthy,
  logged,
  pods,
  promote,
  running,
  scenario,
  seenBy,
  status,
  stripDefinition,
  takeOverName,
  unmanaged,
  writesFail,
} from "./bed/language.ts";

scenario(
  "a deleted Rollout takes its ReplicaSets and pods along and lets go of its Services",
  async (given, when, then) => {
    await given(blueGreen(), running("v1"));
    await when(deleteRollout());
    await then(gone, unmanaged("web"), unmanaged("web-preview"));
  },
);

scenario(
  "a Rollout that is deleted in the middle of an update leaves nothing behind",
  async (given, when, then, after) => {
    await given(blueGreen(), another("api"), running("v1"), pods("v2", { readyAfterSeconds: 10 }));
    await when(deploy("v2"), deleteRollout());
    await after(1, "min");
    await then(gone, unmanaged("web"), unmanaged("web-preview"), seenBy("api", active("v1"), healthy));
  },
);

scenario("a Rollout that is deleted and applied again starts anew", async (given, when, then) => {
  await given(blueGreen(), running("v1"));
  await when(deleteRollout(), applyRollout("v2"));
  await then(active("v2"), healthy);
});

scenario(
  "a definition that has lost its status subresource changes nothing but that it is said",
  async (given, when, then, after) => {
    await given(blueGreen({ autoPromotionEnabled: false }), running("v1"));
    await when(stripDefinition(), deploy("v2"));
    await after(1, "min");
    await then(active("v1"), logged("has no status subresource"));
    await when(promote());
    await after(1, "min");
    await then(active("v2"), healthy);
  },
);

scenario("a name that is taken by another ReplicaSet is stepped around", async (given, when, then) => {
  await given(blueGreen(), running("v1"));
  await when(takeOverName("v2"), deploy("v2"));
  await then(active("v2"), healthy, status({ collisionCount: 1 }));
});

for (const failure of ["conflict", "server error", "lost before", "lost after"] as const)
  scenario(
    `a taken name is stepped around in the next attempt when that fails: ${failure}`,
    async (given, when, then, after) => {
      await given(blueGreen(), running("v1"));
      await when(takeOverName("v2"), writesFail(/^PATCH .*\/rollouts\/web\/status$/, failure), deploy("v2"));
      await after(5, "s");
      await then(active("v2"), healthy);
    },
  );
