import assert from "node:assert/strict";
import { mpiLauncher } from "../../cli/train/processes.ts";

const launcherIn = (variables: Record<string, string>) =>
  mpiLauncher({ get: (name) => variables[name] });

Deno.test("what has started processes is told by the environment", () => {
  assert.equal(launcherIn({}), null);
  // A job script of Slurm is no step of it.
  assert.equal(launcherIn({ SLURM_NTASKS: "4" }), null);
  assert.deepEqual(launcherIn({ PMI_SIZE: "2", PMI_RANK: "0" }), { family: "mpich", size: 2 });
  assert.deepEqual(launcherIn({ OMPI_COMM_WORLD_SIZE: "4" }), { family: "openmpi", size: 4 });
  const step = { SLURM_STEP_NUM_TASKS: "8" };
  assert.deepEqual(launcherIn({ ...step, PMI_SIZE: "8" }), { family: "mpich", size: 8 });
  assert.deepEqual(launcherIn({ ...step, PMIX_RANK: "3" }), { family: "openmpi", size: 8 });
  assert.deepEqual(launcherIn(step), { family: "mpich", size: 8 });
});
