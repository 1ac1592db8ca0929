/** One node of a batch system, as far as a request can be checked against it. */
export interface BatchNode {
  readonly name: string;
  /** Slots. */
  readonly np: number;
  /** Bytes. */
  readonly memory: number;
  readonly state: string;
}

/** A batch system below vTorque. */
export interface Engine {
  readonly name: 'embedded' | 'pbs';
  /** Absolute path of its qsub. */
  readonly qsub: string;
  /** Its nodes; undefined when they are not known. */
  nodes(): Promise<readonly BatchNode[] | undefined>;
}
