/**
 * How the processes of one job exchange numbers. Every process calls the same methods in the same order; each
 * call ends when all have made it.
 *
 * @module
 */

/** Numbers that can be added up over processes. */
export type Summable = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** The processes of a job, called ranks, as one of them sees them. */
export interface Communicator {
  /** Number of this process, from 0. */
  readonly rank: number;
  /** Number of processes. */
  readonly size: number;
  /** How many of them run on this machine and share its cores. */
  readonly localSize: number;
  /** What exchanges the numbers, for messages, such as `MPICH 4.0.2`. */
  readonly library: string;
  /**
   * Replace numbers by their sum over all processes.
   *
   * @param data As many numbers in every process; must not be touched until the promise is fulfilled.
   */
  sum(data: Summable): Promise<void>;
  /** Replace numbers by the largest over all processes. */
  max(data: Float64Array<ArrayBuffer>): Promise<void>;
  /** Replace bytes by those of process 0. */
  broadcast(data: Uint8Array<ArrayBuffer>): Promise<void>;
  /**
   * Send each process its part of an array.
   *
   * @param send Parts of equal size, one for each process.
   * @param receive Gets the part that each process has sent to this one, in their order.
   */
  exchange(send: Uint8Array<ArrayBuffer>, receive: Uint8Array<ArrayBuffer>): Promise<void>;
  /**
   * Send every process the same bytes.
   *
   * @param send The bytes, as many in every process.
   * @param receive Gets the bytes of all processes, in their order.
   */
  gather(send: Uint8Array<ArrayBuffer>, receive: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Wait until all processes have come here. */
  barrier(): Promise<void>;
  /** End all processes at once, this one too, with an exit code. */
  abort(exitCode: number): void;
  /** Say that this process is done; every process has to. */
  close(): Promise<void>;
}
