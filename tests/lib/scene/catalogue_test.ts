import assert from "node:assert/strict";
import { join } from "node:path";
import { InputError, readCatalogue } from "swath";
import { withFolder } from "../raster/support.ts";

const read = (text: string) =>
  withFolder(async (folder) => {
    const path = join(folder, "scenes.ndjson");
    await Deno.writeTextFile(path, text);
    const scenes = await readCatalogue(path);
    return JSON.parse(JSON.stringify(scenes).replaceAll(folder, "FOLDER"));
  });

async function refuses(text: string, message: RegExp): Promise<void> {
  await assert.rejects(read(text), (error) => {
    assert(error instanceof InputError, String(error));
    assert.match(error.message, message);
    return true;
  });
}

Deno.test("a catalogue has a scene a line, with paths beside it", async () => {
  assert.deepEqual(
    await read(
      `{"id": "a", "files": "a.tif"}

      {"id": "b-1", "files": ["s2/B02.tif", "/data/B03.tif", "https://host/B04.tif"], "labels": "b.tif", "date": "2020-07-01", "cloud": 3}\r\n`,
    ),
    [
      { id: "a", files: ["FOLDER/a.tif"], labels: null, date: null },
      {
        id: "b-1",
        files: ["FOLDER/s2/B02.tif", "/data/B03.tif", "https://host/B04.tif"],
        labels: "FOLDER/b.tif",
        date: "2020-07-01",
      },
    ],
  );
});

Deno.test("what is no catalogue is refused, and the line named", async () => {
  await refuses("", /there are no scenes in it/);
  await refuses('{"id": "a", "files": "a"}\n{"id":', /line 2 of ".*": it is not JSON/);
  await refuses('{"id": "a"}', /line 1 .* at "files" expected/);
  await refuses('{"id": "a", "files": []}', /at "files" expected/);
  await refuses(
    '{"id": "../a", "files": "a"}',
    /at "id" expected letters, digits, .* found "..\/a"/,
  );
  await refuses('{"id": "a", "files": "a", "date": "yesterday"}', /expected a date such as/);
  await refuses(
    '{"id": "a", "files": "a"}\n\n{"id": "a", "files": "b"}',
    /line 3 .* its id, "a", is that of line 1 already/,
  );
});
