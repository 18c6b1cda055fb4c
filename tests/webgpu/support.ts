/**
 * Tests on WebGPU, which need a Vulkan driver that VK_ICD_FILENAMES names: a software one will do
 * (see CONTRIBUTING.md). They are skipped, visibly, where there is none.
 */
const reason = missing();

/**
 * A test that computes on WebGPU.
 *
 * @param name What holds.
 * @param body The test.
 */
export function webgpuTest(name: string, body: (context: Deno.TestContext) => Promise<void>): void {
  const note = reason === null ? "" : ` (skipped: ${reason})`;
  Deno.test({ name: name + note, ignore: reason !== null, fn: body });
}

/** What is missing, if anything. */
function missing(): string | null {
  const drivers = Deno.env.get("VK_ICD_FILENAMES");
  if (drivers === undefined) return "VK_ICD_FILENAMES names no Vulkan driver";
  for (const driver of drivers.split(":")) {
    try {
      Deno.statSync(driver);
    } catch {
      return `no Vulkan driver ${driver}`;
    }
  }
  try {
    Deno.dlopen("libvulkan.so.1", {}).close();
  } catch {
    return "no libvulkan.so.1";
  }
  return null;
}
