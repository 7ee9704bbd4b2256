import { ContainerError } from "../pod-driver.ts";

/** The longest text that Linux passes to a program (MAX_ARG_STRLEN), and about the most of all together. */
const longestText = 128 * 1024;
const longestTogether = 2 * 1024 * 1024;

/** Replaces references in the texts of one container, and refuses what no program could be started with. */
export class Expansion {
  #length = 0;

  /**
   * Replaces `$(NAME)` as Kubernetes does in env, command and args: unknown names stay, `$$(NAME)` is a literal `$(NAME)`.
   * @throws ContainerError as soon as the result is too long: a few short variables that name each other would fill the memory.
   */
  expand(text: string, variables: Readonly<Record<string, string>>): string {
    let length = text.length;
    const expanded = text.replace(/\$\$|\$\(([^)]*)\)/g, (whole, name: string | undefined) => {
      if (name === undefined) return "$";
      const value = Object.hasOwn(variables, name) ? (variables[name] ?? whole) : whole;
      length += value.length - whole.length;
      if (length > longestText) throw tooLong(`$(${name})`, "a text", longestText);
      return value;
    });
    this.#length += expanded.length;
    if (this.#length > longestTogether) throw tooLong(text.slice(0, 40), "texts", longestTogether);
    return expanded;
  }
}

function tooLong(what: string, texts: string, most: number): ContainerError {
  const message = `${what} in env, command or args makes ${texts} of more than ${most} characters, with which no program can be started`;
  return new ContainerError("CreateContainerConfigError", message);
}
