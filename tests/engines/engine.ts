/**
 * Engines that start processes: MPI's launchers and Slurm. Tests that need one are skipped, visibly, where
 * it is missing.
 */
import { delimiter } from "node:path";
import { ROOT } from "../support/shell.ts";

/** Path of a program; null where it is not installed. */
export function findProgram(name: string): string | null {
  for (const folder of (Deno.env.get("PATH") ?? "").split(delimiter).concat("/usr/sbin")) {
    try {
      if (Deno.statSync(`${folder}/${name}`).isFile) return `${folder}/${name}`;
    } catch {
      // Not there.
    }
  }
  return null;
}

/** Say why tests are skipped, where nobody can overlook it. */
export function sayMissing(what: string, why: string): void {
  // deno-lint-ignore no-console
  console.warn(`SKIPPED: ${what}: ${why}`);
}

/** A launcher of MPI processes. */
export interface Launcher {
  readonly name: string;
  /** The command line that starts so many processes. */
  command(processes: number): string[];
}

/** The launchers that are installed. */
export function launchers(): Launcher[] {
  const found: Launcher[] = [];
  const mpich = findProgram("mpiexec.mpich") ?? findProgram("mpiexec.hydra");
  if (mpich !== null) {
    found.push({ name: "MPICH", command: (processes) => [mpich, "-n", `${processes}`] });
  }
  const openMpi = findProgram("mpiexec.openmpi");
  if (openMpi !== null) {
    const options = ["--allow-run-as-root", "--oversubscribe", "--mca", "btl", "self,vader,tcp"];
    found.push({
      name: "Open MPI",
      command: (processes) => [openMpi, ...options, "-n", `${processes}`],
    });
  }
  return found;
}

/** The command line of swath as it is in the source. */
export const SWATH: readonly string[] = [Deno.execPath(), "run", "-A", `${ROOT}/cli/main.ts`];

/** Makes `model`, a network of random weights that takes the bands of synthetic land cover. */
export const TINY_MODEL =
  "tiny model model bands=B01,B02,B03,B04,B05,B06,B07,B08,B8A,B09,B10,B11,B12,DEM " +
  "scale=1e-4,1e-4,1e-4,1e-4,1e-4,1e-4,1e-4,1e-4,1e-4,1e-4,1e-4,1e-4,1e-4,1 " +
  "classes=water,broadleaf,conifer,shrubland,grassland,cropland,orchard,soil,building,road\n";
