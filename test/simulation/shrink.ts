import { simulate } from "./simulate.ts";
import { copyName, type Story } from "./story.ts";

/** The shortest story that can be cut out of this one in which the rule is still broken. */
export async function shrink(story: Story, rule: string): Promise<Story> {
  const isStillBroken = async (shorter: Story): Promise<boolean> =>
    (await simulate(shorter)).violations.some((violation) => violation.rule === rule);
  let shortest = story;
  for (let isProgress = true; isProgress; ) {
    isProgress = false;
    for (const shorter of shorterOnes(shortest)) {
      if (!(await isStillBroken(shorter))) continue;
      shortest = shorter;
      isProgress = true;
      break;
    }
  }
  return shortest;
}

/** Stories with less in them, those with much less first. */
function* shorterOnes(story: Story): Generator<Story> {
  const { applications, moments, readyAfterSeconds } = story;
  for (const { name } of applications) {
    // A copy is none without what it was copied from.
    if (applications.length > 1 && !(name === "web" && applications.some((one) => one.name === copyName)))
      yield {
        ...story,
        applications: applications.filter((one) => one.name !== name),
        moments: moments.filter(({ to }) => to !== name),
      };
  }
  for (let length = Math.floor(moments.length / 2); length >= 1; length = Math.floor(length / 2))
    for (let at = 0; at < moments.length; at += length)
      yield { ...story, moments: moments.toSpliced(at, length) };
  for (const [at, application] of applications.entries()) {
    const { strategy, spec } = application;
    for (const field of Object.keys(strategy).filter((one) => one !== "activeService"))
      yield {
        ...story,
        applications: applications.with(at, { ...application, strategy: without(strategy, field) }),
      };
    for (const field of Object.keys(spec).filter((one) => one !== "replicas"))
      yield { ...story, applications: applications.with(at, { ...application, spec: without(spec, field) }) };
  }
  for (const [version, seconds] of Object.entries(readyAfterSeconds))
    if (seconds > 0) yield { ...story, readyAfterSeconds: { ...readyAfterSeconds, [version]: 0 } };
  if (story.routesAfterSeconds > 0) yield { ...story, routesAfterSeconds: 0 };
  for (const [at, moment] of moments.entries())
    if (moment.afterSeconds > 1)
      yield { ...story, moments: moments.with(at, { ...moment, afterSeconds: 1 }) };
}

function without<T extends object>(fields: T, field: string): T {
  // All fields of a strategy and a spec may be missing.
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name !== field)) as T;
}
