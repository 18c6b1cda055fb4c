# Makes the files that examples in the help and in the docs speak of: a scene with its truth, other
# labels of three classes, a model, and so on. Files are told apart by their content, not their names.
set -e
swath synth landcover --size 256 --seed 1 -o scene.tif --labels truth.tif
swath synth landcover --size 600 --seed 1 -o granule.tif
mkdir bands && swath synth landcover --size 240 --seed 1 -o "bands/{band}.tif" --native
for copy in train-a train-b 2023 2024; do cp scene.tif $copy.tif; done
swath synth roads --size 64 --seed 1 -o photo.tif && mv photo.tif photo.png
echo '{"type": "Polygon", "coordinates": [[[16.32, 46.93], [16.33, 46.93], [16.33, 46.94], [16.32, 46.93]]]}' > area.geojson
mkdir images annotations
for name in ADE_val_00000001 ADE_val_00000002; do
  tiny png images/$name.png "10 20 30/40 50 60"
  tiny png annotations/$name.png "0 1 2/2 1 0"
done
for id in 2023 2024; do echo "{\"id\": \"$id\", \"files\": \"$id.tif\"}"; done > scenes.ndjson
tiny model model bands=B01,B02,B03,B04,B05,B06,B07,B08,B8A,B09,B10,B11,B12,DEM \
  scale=1e-4,1e-4,1e-4,1e-4,1e-4,1e-4,1e-4,1e-4,1e-4,1e-4,1e-4,1e-4,1e-4,1 \
  classes=water,broadleaf,conifer,shrubland,grassland,cropland,orchard,soil,building,road
tiny model classifier bands=1,2,3 classes=road,vehicle task=SegformerForImageClassification
swath tile scene.tif | swath normalize --fit -o stats.json
row=$(printf '0 1 2 1 %.0s' {1..64})
rows=$(printf "${row% }/%.0s" {1..256})
tiny png labels.tif "${rows%/}"

# Data and runs for train, test, plot and split.
mkdir shards
swath synth landcover --size 64 --seed 2 --count 2 | tee shards/val.tar > shards/test.tar
swath synth landcover --size 64 --seed 4 --count 4 > shards/train-0.tar
cp shards/test.tar shards/test-0.tar
swath tile 2024.tif --labels truth.tif --size 256 > val.tar
cat > train.yaml <<END
train: shards/train-*.tar
val: shards/val.tar
settings: {depths: [1, 1, 1, 1], hidden_sizes: [4, 8, 8, 8], num_attention_heads: [1, 1, 1, 1], decoder_hidden_size: 8}
epochs: 1
END
swath train --config train.yaml --out runs/first --quiet
cp -r runs/first runs/second
mkdir nvidia && cp -r model nvidia/mit-b2

# Zones, for stats and those that take zones as well.
cat > communes.geojson <<END
{"type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": "EPSG:32633"}}, "features": [
{"type": "Feature", "properties": {"code": "57001", "nom": "Aboncourt"}, "geometry": {"type": "Polygon",
  "coordinates": [[[600105, 5199905], [601500, 5199700], [601300, 5198000], [600200, 5198400], [600105, 5199905]]]}},
{"type": "Feature", "properties": {"code": "57002", "nom": "Aboncourt-sur-Seille"}, "geometry": {"type": "Polygon",
  "coordinates": [[[601500, 5199700], [602500, 5199800], [602400, 5197700], [601300, 5198000], [601500, 5199700]]]}}
]}
END
echo '{"water": "#0000ff", "road": "#444444"}' > colors.json
