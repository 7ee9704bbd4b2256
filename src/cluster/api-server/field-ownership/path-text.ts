/** A path of fields as the server tells people of it: `.spec.containers[name="web"].image`. */
export function pathText(path: readonly string[]): string {
  return path.map(elementText).join("");
}

function elementText(element: string): string {
  const text = element.slice(2);
  switch (element.slice(0, 2)) {
    case "f:":
      return `.${text}`;
    case "k:": {
      const keys = Object.entries(JSON.parse(text) as Record<string, unknown>);
      return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(",")}]`;
    }
    case "v:":
      return `[=${text}]`;
    default:
      return `[${text}]`;
  }
}
