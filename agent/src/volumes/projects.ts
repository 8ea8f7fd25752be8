/** Numbers that the files of volumes with a size count for. Pure. */

/** Above those that people give by hand, which begin with 1. */
const FIRST = 0x566f_0000;

/** The lowest that is free. */
export function freeProject(used: readonly number[]): number {
  const taken = new Set(used);
  let project = FIRST;
  while (taken.has(project)) project += 1;
  return project;
}
