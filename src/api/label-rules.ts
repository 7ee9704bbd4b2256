// What Kubernetes asks of labels and of what selects by them, in the API server's own words.

const subdomain = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const qualifiedName = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const labelValue = `(${qualifiedName})?`;

const whole = (pattern: string): RegExp => new RegExp(`^${pattern}$`);
const patterns = {
  subdomain: whole(subdomain),
  qualifiedName: whole(qualifiedName),
  labelValue: whole(labelValue),
};

const characters =
  "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const nameExamples = `(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${qualifiedName}')`;

/** What is wrong with a DNS subdomain name; empty when nothing is. */
export function subdomainProblems(name: string): readonly string[] {
  if (name.length > 253) return ["must be no more than 253 characters"];
  if (patterns.subdomain.test(name)) return [];
  return [
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and " +
      `end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${subdomain}')`,
  ];
}

/** What is wrong with a label's or annotation's key. */
export function qualifiedNameProblems(key: string): string[] {
  const parts = key.split("/");
  if (parts.length > 2) {
    const form = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
    return [`a qualified name must ${characters} ${nameExamples} ${form}`];
  }
  const problems: string[] = [];
  const name = parts.at(-1) ?? "";
  const prefix = parts.length === 2 ? parts[0] : undefined;
  if (prefix === "") problems.push("prefix part must be non-empty");
  else if (prefix !== undefined)
    problems.push(...subdomainProblems(prefix).map((text) => `prefix part ${text}`));
  if (name === "") problems.push("name part must be non-empty");
  else if (name.length > 63) problems.push("name part must be no more than 63 characters");
  if (!patterns.qualifiedName.test(name)) problems.push(`name part must ${characters} ${nameExamples}`);
  return problems;
}

/** What is wrong with a label's value. */
export function labelValueProblems(value: string): string[] {
  const problems: string[] = [];
  if (value.length > 63) problems.push("must be no more than 63 characters");
  if (!patterns.labelValue.test(value)) {
    const examples = `(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '${labelValue}')`;
    problems.push(`a valid label must be an empty string or ${characters} ${examples}`);
  }
  return problems;
}

/** Something wrong in a selector: where, of which kind, the value that is wrong, and why. */
export interface SelectorProblem {
  readonly at: string;
  readonly is: "invalid" | "required" | "forbidden";
  readonly value?: string;
  readonly why: string;
}

/** What is wrong with a selector's `matchLabels`; `field` is the selector's own path. */
export function matchLabelProblems(
  labels: Readonly<Record<string, string>>,
  field: string,
): readonly SelectorProblem[] {
  const at = `${field}.matchLabels`;
  return Object.entries(labels).flatMap(([key, value]) => [
    ...qualifiedNameProblems(key).map((why) => ({ at, is: "invalid" as const, value: key, why })),
    ...labelValueProblems(value).map((why) => ({ at, is: "invalid" as const, value, why })),
  ]);
}

/** What is wrong with a selector's `matchExpressions`. */
export function expressionProblems(
  expressions: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[],
  field: string,
): readonly SelectorProblem[] {
  return expressions.flatMap(({ key, operator, values = [] }, index) => {
    const at = `${field}.matchExpressions[${index}]`;
    return [
      ...operatorProblems(operator, values.length, at),
      ...qualifiedNameProblems(key).map((why) => ({
        at: `${at}.key`,
        is: "invalid" as const,
        value: key,
        why,
      })),
      ...values.flatMap((value, n) =>
        labelValueProblems(value).map((why) => ({
          at: `${at}.values[${n}]`,
          is: "invalid" as const,
          value,
          why,
        })),
      ),
    ];
  });
}

function operatorProblems(operator: string, values: number, at: string): readonly SelectorProblem[] {
  switch (operator) {
    case "In":
    case "NotIn": {
      const why = "must be specified when `operator` is 'In' or 'NotIn'";
      return values > 0 ? [] : [{ at: `${at}.values`, is: "required", why }];
    }
    case "Exists":
    case "DoesNotExist": {
      const why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
      return values === 0 ? [] : [{ at: `${at}.values`, is: "forbidden", why }];
    }
    default:
      return [{ at: `${at}.operator`, is: "invalid", value: operator, why: "not a valid selector operator" }];
  }
}
