/** The part of a payload that is of a sweep: its phase diagram. */

export interface SweepPart {
  /** What was chosen, and how many trainings there were. */
  sentences: string[];
  columns: { name: string; values: string[] };
  rows?: { name: string; values: string[] };
  /** One for each place of the diagram, `[row][column]` flattened. */
  cells: SweepCell[];
}

export interface SweepCell {
  row: number;
  column: number;
  /** Mean validation accuracy; null: none. */
  accuracy: number | null;
  works: number;
  stalled: number;
  diverged: number;
  /** Relative link to a page of its run, where there is one. */
  href?: string;
  best?: boolean;
}
