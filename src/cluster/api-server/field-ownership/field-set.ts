/**
 * Fields of an object: a tree of path elements as in `metadata.managedFields` (`f:spec`, `k:{"name":"web"}`, `v:"x"`). Never
 * changed after it was made, so that sets share what they have in common.
 */
export interface FieldSet {
  /** Whether what is at this place belongs to the set itself, and not only something within it. */
  readonly isMember: boolean;
  readonly children: ReadonlyMap<string, FieldSet> | undefined;
}

/** A place that belongs to a set, with nothing in it that does. */
export const leaf: FieldSet = { isMember: true, children: undefined };

/** A set of these parts; undefined when it would be empty. */
export function fieldSet(
  isMember: boolean,
  children: ReadonlyMap<string, FieldSet> | undefined,
): FieldSet | undefined {
  if (children !== undefined && children.size > 0) return { isMember, children };
  return isMember ? leaf : undefined;
}

/** The set of what lies at these paths; undefined when there are none. */
export function fieldSetOf(paths: readonly (readonly string[])[]): FieldSet | undefined {
  return paths.reduce<FieldSet | undefined>((set, path) => union(set, pathSet(path)), undefined);
}

function pathSet(path: readonly string[]): FieldSet {
  return path.reduceRight<FieldSet>((inner, element) => fieldWith(element, inner), leaf);
}

function fieldWith(element: string, inner: FieldSet): FieldSet {
  return { isMember: false, children: new Map([[element, inner]]) };
}

export function union(a: FieldSet | undefined, b: FieldSet | undefined): FieldSet | undefined {
  if (a === undefined || a === b) return b;
  if (b === undefined) return a;
  if (b.children === undefined) return a.isMember ? a : { isMember: true, children: a.children };
  const children = new Map(a.children);
  for (const [element, inner] of b.children)
    children.set(element, union(children.get(element), inner) ?? inner);
  return { isMember: a.isMember || b.isMember, children };
}

/** What is in `a` and not in `b`; the very `a` when they have nothing in common. */
export function difference(a: FieldSet | undefined, b: FieldSet | undefined): FieldSet | undefined {
  if (a === undefined || b === undefined) return a;
  let children: Map<string, FieldSet> | undefined;
  if (a.children !== undefined && b.children !== undefined) {
    for (const [element, taken] of b.children) {
      const inner = a.children.get(element);
      if (inner === undefined) continue;
      const rest = difference(inner, taken);
      if (rest === inner) continue;
      children ??= new Map(a.children);
      if (rest === undefined) children.delete(element);
      else children.set(element, rest);
    }
  }
  const isMember = a.isMember && !b.isMember;
  if (children === undefined && isMember === a.isMember) return a;
  return fieldSet(isMember, children ?? a.children);
}

/** `a` without what lies at the members of `b`, and without all that is in them. */
export function without(a: FieldSet | undefined, b: FieldSet | undefined): FieldSet | undefined {
  if (a === undefined || b === undefined) return a;
  if (b.isMember) return undefined;
  if (a.children === undefined || b.children === undefined) return a;
  let children: Map<string, FieldSet> | undefined;
  for (const [element, taken] of b.children) {
    const inner = a.children.get(element);
    const rest = without(inner, taken);
    if (rest === inner) continue;
    children ??= new Map(a.children);
    if (rest === undefined) children.delete(element);
    else children.set(element, rest);
  }
  return children === undefined ? a : fieldSet(a.isMember, children);
}

export function intersection(a: FieldSet | undefined, b: FieldSet | undefined): FieldSet | undefined {
  if (a === undefined || b === undefined || a === b) return a === b ? a : undefined;
  const children = new Map<string, FieldSet>();
  if (a.children !== undefined && b.children !== undefined) {
    for (const [element, inner] of a.children) {
      const both = intersection(inner, b.children.get(element));
      if (both !== undefined) children.set(element, both);
    }
  }
  return fieldSet(a.isMember && b.isMember, children);
}

export function isEqualSet(a: FieldSet | undefined, b: FieldSet | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a.isMember !== b.isMember) return false;
  if ((a.children?.size ?? 0) !== (b.children?.size ?? 0)) return false;
  for (const [element, inner] of a.children ?? [])
    if (!isEqualSet(inner, b.children?.get(element))) return false;
  return true;
}

/** The paths of all members, in the order in which the server tells them: those nearer to the root first. */
export function membersOf(set: FieldSet | undefined): readonly (readonly string[])[] {
  const paths: (readonly string[])[] = [];
  const visit = (one: FieldSet, path: readonly string[]): void => {
    const parts = inOrder(one);
    for (const [element, inner] of parts) if (inner.isMember) paths.push([...path, element]);
    for (const [element, inner] of parts) visit(inner, [...path, element]);
  };
  if (set !== undefined) visit(set, []);
  return paths;
}

/** The parts of a set by their names. */
export function inOrder({ children }: FieldSet): readonly (readonly [string, FieldSet])[] {
  return children === undefined ? [] : [...children].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
