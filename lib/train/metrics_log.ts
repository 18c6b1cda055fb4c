/**
 * `metrics.ndjson`: one JSON object a line, appended as a run goes on.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { openAppendFile } from "./append_file.ts";

/** A line of the log: metrics by name; null where one is not defined or not finite. */
export interface MetricsRecord {
  /** Steps taken when it was written. */
  readonly step: number;
  /** Epoch it belongs to, counted from 0. */
  readonly epoch: number;
  /** Metrics and what else is worth keeping, by name. */
  readonly [name: string]: number | string | boolean | null;
}

/** A log being written. */
export interface MetricsLog extends Disposable {
  /**
   * Add a line. Steps must not go back.
   *
   * @throws {InputError} If the file system refuses.
   */
  append(record: MetricsRecord): void;
  /** Release the file; harmless when repeated. */
  close(): void;
}

/**
 * Open a log for appending; it is made where it is missing.
 *
 * A last line that was cut short by a crash is dropped.
 *
 * @param path The file.
 * @param keeps Tells which records stay, for a run that resumes: the first one that does not is dropped with
 * all that follow it; all stay where left out.
 * @throws {InputError} If the file system refuses, or the file is not such a log.
 *
 * @example
 * ```ts
 * import { openMetricsLog, parseMetricsLog } from "swath";
 *
 * const path = await Deno.makeTempFile();
 * {
 *   using log = await openMetricsLog(path);
 *   log.append({ step: 10, epoch: 0, train_loss: 0.7 });
 *   log.append({ step: 20, epoch: 1, train_loss: 0.5 });
 * }
 * (await openMetricsLog(path, ({ step }) => step <= 10)).close();
 * const records = parseMetricsLog(await Deno.readTextFile(path), path);
 * if (records.length !== 1) throw new Error("step 20 should be gone");
 * await Deno.remove(path);
 * ```
 */
export async function openMetricsLog(
  path: string,
  keeps: (record: MetricsRecord) => boolean = () => true,
): Promise<MetricsLog> {
  let lastStep = 0;
  const file = await openAppendFile(path, (existing) => {
    const text = new TextDecoder().decode(existing);
    let kept = 0;
    for (const { record, end } of recordsOf(text, path)) {
      if (!keeps(record)) break;
      lastStep = record.step;
      kept = end;
    }
    return new TextEncoder().encode(text.slice(0, kept)).length;
  });
  return {
    append(record) {
      if (record.step < lastStep) {
        throw new RangeError(`internal: step ${record.step} is logged after step ${lastStep}`);
      }
      lastStep = record.step;
      file.append(new TextEncoder().encode(`${JSON.stringify(record)}\n`));
    },
    close: file.close,
    [Symbol.dispose]: file.close,
  };
}

/**
 * Parse a log.
 *
 * @param text The whole file; a last line that was cut short by a crash is passed over.
 * @param source File that it comes from, for errors.
 * @returns Its records in order.
 * @throws {InputError} If a line is not a JSON object with `step` and `epoch`.
 */
export function parseMetricsLog(text: string, source: string): MetricsRecord[] {
  return Array.from(recordsOf(text, source), ({ record }) => record);
}

/** Whole lines, with the position after each. */
function* recordsOf(
  text: string,
  source: string,
): Generator<{ record: MetricsRecord; end: number }> {
  for (let start = 0, line = 1;; line++) {
    const newline = text.indexOf("\n", start);
    if (newline < 0) return;
    const record = parseRecord(text.slice(start, newline));
    if (record === null) {
      throw new InputError(
        `Cannot read ${
          JSON.stringify(source)
        }: line ${line} is not a JSON object with "step" and "epoch"`,
      );
    }
    start = newline + 1;
    yield { record, end: start };
  }
}

function parseRecord(line: string): MetricsRecord | null {
  try {
    const value = JSON.parse(line);
    return Number.isInteger(value?.step) && Number.isInteger(value?.epoch) ? value : null;
  } catch {
    return null;
  }
}
