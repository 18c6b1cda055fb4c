/**
 * The scripts of a job, with its settings and resources filled in.
 *
 * @module
 */
import finishScript from "../../tasks/slurm/finish.sbatch" with { type: "text" };
import mapFinish from "../../tasks/slurm/map_finish.sh" with { type: "text" };
import mapScript from "../../tasks/slurm/map.sbatch" with { type: "text" };
import mapShard from "../../tasks/slurm/map_shard.sh" with { type: "text" };

/** What a job asks Slurm for, as options of `sbatch` without their dashes; null ones are left out. */
export type Resources = Readonly<Record<string, string | number | null>>;

/** Settings of the scripts: texts, and lists that become arrays of bash. */
export type Settings = Readonly<Record<string, string | readonly string[]>>;

/** The scripts by their names. */
export function jobScripts(
  map: Resources,
  finish: Resources,
): Readonly<Record<"map.sbatch" | "finish.sbatch" | "map_shard.sh" | "map_finish.sh", string>> {
  return {
    "map.sbatch": withResources(mapScript, map),
    "finish.sbatch": withResources(finishScript, finish),
    "map_shard.sh": mapShard,
    "map_finish.sh": mapFinish,
  };
}

/** A job script that asks for what it needs. */
function withResources(script: string, resources: Resources): string {
  const lines = Object.entries(resources)
    .flatMap(([name, value]) => value === null ? [] : [`#SBATCH --${name}=${value}\n`]);
  // Slurm reads options up to the first command.
  return script.replace(/(?<=\n)set -/, `${lines.join("")}set -`);
}

/** Settings as bash reads them. */
export function formatSettings(settings: Settings): string {
  return Object.entries(settings).map(([name, value]) =>
    typeof value === "string"
      ? `${name}=${quote(value)}\n`
      : `${name}=(${value.map(quote).join(" ")})\n`
  ).join("");
}

function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
