import {
  active,
  blueGreen,
  condition,
  deploy,
  healthy,
  phase,
  pods,
  podsRecover,
  promote,
  running,
  scenario,
  size,
  status,
} from "./bed/language.ts";

const stuck = pods("v2", { neverReady: true });

scenario(
  "calls an update late after progressDeadlineSeconds, and leaves users where they are",
  async (given, when, then, after) => {
    await given(blueGreen({}, { progressDeadlineSeconds: 60 }), running("v1"), stuck);
    await when(deploy("v2"));
    await after(55, "s");
    await then(phase("Progressing"));
    await after(10, "s");
    await then(
      phase("Degraded", /^ProgressDeadlineExceeded: ReplicaSet ".*" has timed out progressing\.$/),
      condition("Progressing", "False", "ProgressDeadlineExceeded"),
      active("v1"),
      size("v2", 2),
    );
  },
);

scenario("waits ten minutes where no deadline is given", async (given, when, then, after) => {
  await given(blueGreen(), running("v1"), stuck);
  await when(deploy("v2"));
  await after(595, "s");
  await then(phase("Progressing"));
  await after(10, "s");
  await then(phase("Degraded", /^ProgressDeadlineExceeded: /));
});

scenario("a late update that gets there after all is promoted as usual", async (given, when, then, after) => {
  await given(
    blueGreen({ autoPromotionEnabled: false }, { progressDeadlineSeconds: 60 }),
    running("v1"),
    stuck,
  );
  await when(deploy("v2"));
  await after(70, "s");
  await then(phase("Degraded"));
  await when(podsRecover("v2"));
  await then(phase("Paused", "BlueGreenPause"));
  await when(promote());
  await then(active("v2"), healthy);
});

scenario("progressDeadlineAbort aborts a late update", async (given, when, then, after) => {
  await given(
    blueGreen({}, { progressDeadlineSeconds: 60, progressDeadlineAbort: true }),
    running("v1"),
    stuck,
  );
  await when(deploy("v2"));
  await after(65, "s");
  await then(phase("Degraded", /^RolloutAborted: /), status({ abort: true }), active("v1"));
  await after(31, "s");
  await then(size("v2", 0), size("v1", 2));
});

scenario(
  "the deadline does not count while the update waits for promotion",
  async (given, when, then, after) => {
    await given(
      blueGreen(
        { autoPromotionEnabled: false },
        { progressDeadlineSeconds: 60, progressDeadlineAbort: true },
      ),
      running("v1"),
    );
    await when(deploy("v2"));
    await after(2, "h");
    await then(phase("Paused", "BlueGreenPause"));
    await when(promote());
    await then(active("v2"), healthy);
  },
);

scenario("each pod that becomes available extends the deadline", async (given, when, then, after) => {
  await given(
    blueGreen({}, { progressDeadlineSeconds: 60, minReadySeconds: 0 }),
    running("v1"),
    pods("v2", { readyAfterSeconds: 50 }),
  );
  await when(deploy("v2"));
  await after(55, "s");
  await then(active("v2"), healthy);
});

scenario(
  "progressDeadlineAbort leaves the first version alone: there is nothing to go back to",
  async (given, when, then, after) => {
    await given(
      blueGreen({}, { progressDeadlineSeconds: 60, progressDeadlineAbort: true }),
      pods("v1", { neverReady: true }),
    );
    await when(deploy("v1"));
    await after(5, "min");
    await then(phase("Degraded", /^ProgressDeadlineExceeded: /), size("v1", 2), status({ abort: undefined }));
    await when(podsRecover("v1"));
    await then(active("v1"), healthy);
  },
);
