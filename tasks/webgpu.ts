/**
 * Tests on WebGPU: `deno task webgpu [FILE…]`. The Vulkan driver is the one that VK_ICD_FILENAMES names;
 * where that is not set, the one in software that comes with Debian's Chromium, if it is installed.
 *
 * @module
 */
import { existsSync } from "node:fs";

const SWIFTSHADER = "/usr/lib/chromium/vk_swiftshader_icd.json";

const driver = Deno.env.get("VK_ICD_FILENAMES") ?? (existsSync(SWIFTSHADER) ? SWIFTSHADER : null);
const files = Deno.args.length > 0 ? Deno.args : ["tests/webgpu/"];
const { code } = await new Deno.Command(Deno.execPath(), {
  args: ["test", "-A", ...files],
  cwd: new URL("..", import.meta.url),
  env: driver === null ? {} : { VK_ICD_FILENAMES: driver },
}).spawn().status;
Deno.exit(code);
