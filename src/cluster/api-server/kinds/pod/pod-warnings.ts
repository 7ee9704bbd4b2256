import { type Fields, fieldsIn, fieldsOf, textOf } from "../../json.ts";
import { firstPlaces, repetitions } from "../field-checks.ts";

/** What the server accepts in a pod's spec at `path`, but what hardly means what it says. */
export function podWarnings(spec: Fields, path: string): string[] {
  const grace = spec.terminationGracePeriodSeconds;
  return [
    ...(typeof grace === "number" && grace < 0
      ? [
          `${path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`,
        ]
      : []),
    ...fieldsIn(spec.imagePullSecrets).flatMap(({ name }, index) =>
      textOf(name) === "" ? [`${path}.imagePullSecrets[${index}].name: invalid empty name ""`] : [],
    ),
    ...["initContainers", "containers"].flatMap((list) =>
      fieldsIn(spec[list]).flatMap((container, index) =>
        containerWarnings(container, `${path}.${list}[${index}]`),
      ),
    ),
    ...sharedPortNames(spec, path),
  ];
}

function containerWarnings(container: Fields, path: string): string[] {
  const ports = fieldsIn(container.ports).map(
    ({ containerPort, protocol, hostIP, hostPort }) =>
      `${Number(containerPort)}/${textOf(protocol)}/${textOf(hostIP)}/${Number(hostPort ?? 0)}`,
  );
  const variables = fieldsIn(container.env).map(({ name }) => textOf(name));
  const isHiding = repetitions(variables);
  const { limits, requests } = fieldsOf(container.resources);
  return [
    ...firstPlaces(ports).flatMap((first, index) =>
      first < index
        ? [`${path}.ports[${index}]: duplicate port definition with ${path}.ports[${first}]`]
        : [],
    ),
    ...variables.flatMap((name, index) =>
      isHiding[index]
        ? [
            `${path}.env[${index}]: hides previous definition of "${name}", which may be dropped when using apply`,
          ]
        : [],
    ),
    ...Object.entries({ limits, requests }).flatMap(([list, amounts]) => {
      const bytes = textOf(fieldsOf(amounts).memory);
      return /[num]$/.test(bytes)
        ? [
            `${path}.resources.${list}[memory]: fractional byte value "${bytes}" is invalid, must be an integer`,
          ]
        : [];
    }),
  ];
}

function sharedPortNames(spec: Fields, path: string): string[] {
  const places = new Map<string, { readonly container: number; readonly place: string }>();
  return fieldsIn(spec.containers).flatMap((container, index) =>
    fieldsIn(container.ports).flatMap(({ name }, number) => {
      const text = textOf(name);
      const place = `${path}.containers[${index}].ports[${number}]`;
      const first = places.get(text);
      if (text === "" || first?.container === index) return [];
      if (first === undefined) {
        places.set(text, { container: index, place });
        return [];
      }
      return [
        `${place}: duplicate port name "${text}" with ${first.place}, services and probes that select ports by name will use ${first.place}`,
      ];
    }),
  );
}
