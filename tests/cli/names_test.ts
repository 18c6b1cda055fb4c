/**
 * Names and colours of classes on their way: from labels or a model to the stream, the map, tables, charts and
 * pages, each hop by itself.
 */
import assert from "node:assert/strict";
import { runShell } from "../support/shell.ts";

/** The classes, in colours that nothing has by itself. */
const CLASSES = [
  { name: "open water", color: "#123456" },
  { name: "wood", color: "#abcdef" },
] as const;

const SETUP = `
cat > classes.json <<END
${JSON.stringify(CLASSES)}
END
tiny png a.png "10 20 30 40/1 2 3 4/1 2 3 4/5 6 7 8"
tiny png labels.png "0 1 0 1/0 1 0 1/0 1 0 1/0 0 0 255"
swath tile a.png --labels labels.png --classes classes.json > labelled.tar
swath tile a.png --labels labels.png --classes classes.json | tiny predict > mapped.tar
swath stitch -o map.tif < mapped.tar
`;

let prepared: Promise<string> | null = null;

/** A directory with the files, made once. */
function prepare(): Promise<string> {
  return prepared ??= (async () => {
    const directory = await Deno.makeTempDir({ prefix: "swath-names-" });
    globalThis.addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));
    const { code, stderr } = await runShell(`set -e\n${SETUP}`, directory);
    assert.equal(code, 0, stderr);
    return directory;
  })();
}

/** What a script prints in a copy of it. */
async function output(script: string): Promise<string> {
  const files = await prepare();
  const directory = await Deno.makeTempDir({ prefix: "swath-names-" });
  try {
    const { code, stdout, stderr } = await runShell(
      `set -e\ncp -r '${files}'/. .\n${script}`,
      directory,
    );
    assert.equal(code, 0, stderr);
    return stdout;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** What a command prints or writes has all names, and all colours where it has any. */
function hop(name: string, script: string, what: "names" | "names and colours"): void {
  Deno.test(`names travel: ${name}`, async () => {
    const text = await output(script);
    for (const { name, color } of CLASSES) {
      assert.ok(text.includes(name), `${name} in\n${text}`);
      if (what === "names") continue;
      const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
      assert.ok(
        text.includes(color) || text.includes(`rgb(${r}, ${g}, ${b})`),
        `${color} in\n${text.slice(0, 5000)}`,
      );
    }
  });
}

hop("labels to stream", "swath info --json - < labelled.tar", "names and colours");
hop(
  "stream through infer's successors to the map",
  "swath info map.tif --json",
  "names and colours",
);
hop(
  "map to labels of another stream",
  "swath tile a.png --labels map.tif | swath info - --json",
  "names and colours",
);
hop(
  "stream to scores",
  `tiny model model bands=1 classes=a,b
swath infer model --classes classes.json --device cpu < labelled.tar | swath upsample | swath iou`,
  "names and colours",
);
hop("map to scores", "swath iou map.tif labels.png --format json", "names and colours");
hop("map to tables", "swath iou map.tif labels.png --format markdown", "names");
hop("map to a picture", "swath render map.tif -o m.svg >&2 && cat m.svg", "names and colours");
hop(
  "stream to a picture",
  "swath render --show pred -o m.svg < mapped.tar >&2 && cat m.svg",
  "names and colours",
);
hop(
  "scores to a chart",
  "swath iou map.tif labels.png > s.json && swath plot s.json --kind classes -o s.svg && cat s.svg",
  "names and colours",
);
hop("map to a page", "swath report map.tif -o r.html >&2 && cat r.html", "names and colours");
hop(
  "map to QGIS",
  "swath stitch -o q.tif --qml < mapped.tar >&2 && cat q.qml",
  "names and colours",
);
hop(
  "model to stream",
  `tiny model model bands=1 classes=a,b
swath tile a.png | swath infer model --classes classes.json --device cpu | swath info - --json`,
  "names and colours",
);

/** `--classes` and `--palette` override what travels, in every command that shows classes. */
const OVERRIDES: Readonly<Record<string, string>> = {
  tile: "swath tile a.png --labels map.tif OPTIONS | swath info - --json",
  stitch: "swath stitch -o o.tif OPTIONS < mapped.tar && swath info o.tif --json",
  iou: "swath iou map.tif labels.png --format json OPTIONS",
  render: "swath render map.tif -o o.svg OPTIONS && cat o.svg",
  plot:
    "swath iou map.tif labels.png > s.json && swath plot s.json --kind classes OPTIONS -o o.svg && cat o.svg",
  report: "swath report map.tif -o o.html OPTIONS && cat o.html",
};

for (const [verb, command] of Object.entries(OVERRIDES)) {
  Deno.test(`names are overridden: ${verb} --classes`, async () => {
    const text = await output(command.replace("OPTIONS", "--classes lake,grove"));
    for (const name of ["lake", "grove"]) assert.ok(text.includes(name), text.slice(0, 3000));
    assert.ok(!text.includes("open water"));
  });
  if (verb === "tile" || verb === "iou") continue;
  Deno.test(`colours are overridden: ${verb} --palette`, async () => {
    const text = await output(
      `echo '{"WOOD": "#fedcba"}' > p.json\n${command.replace("OPTIONS", "--palette p.json")}`,
    );
    assert.ok(text.includes("#fedcba"), text.slice(0, 3000));
    assert.ok(text.includes("open water"));
  });
}
