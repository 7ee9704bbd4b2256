const withoutPods = "a status that is wiped while spec.replicas is 0 is taken for a first deployment";

/** Stories in which a rule is broken today, and why. Each has to fail; one that holds loses its line. */
export const knownFailing: ReadonlyMap<number | string, string> = new Map<number | string, string>([
  [
    "a-preview-service-on-a-superseded-version-does-not-keep-it-for-ever",
    "during an abort the preview Service is not sent on from a superseded version, which so keeps its pods",
  ],
  ["a-status-wiped-while-nobody-is-wanted-gives-no-permission", withoutPods],
  [683, withoutPods],
  [927, withoutPods],
  [1216, withoutPods],
]);
