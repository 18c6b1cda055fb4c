# Makes demo/run/best, where `deno task demo` leaves its model: one that has learnt nothing, which is
# enough to run the commands of the docs.
set -e
mkdir -p demo/run
tiny model demo/run/best bands=B01,B02,B03,B04,B05,B06,B07,B08,B8A,B09,B10,B11,B12,DEM \
  scale=1e-4,1e-4,1e-4,1e-4,1e-4,1e-4,1e-4,1e-4,1e-4,1e-4,1e-4,1e-4,1e-4,1 \
  classes='water,broadleaf forest,conifer forest,shrubland,grassland,cropland,orchard,bare soil,building,road'
