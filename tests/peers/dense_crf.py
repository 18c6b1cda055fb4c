"""pydensecrf, for tests/peers/dense_crf_test.ts: reads a case as JSON, prints the refined probabilities.

The package's source needs Cython < 3 and has to be translated anew for current versions of Python.
"""

import json
import sys

import numpy as np
import pydensecrf.densecrf as dcrf

case = json.load(sys.stdin)
height, width, classes = case["height"], case["width"], case["classes"]
probabilities = np.array(case["probabilities"], dtype=np.float32).reshape(classes, -1)
image = np.array(case["image"], dtype=np.uint8).reshape(height, width, 3)
crf = dcrf.DenseCRF2D(width, height, classes)
crf.setUnaryEnergy(np.ascontiguousarray(-np.log(probabilities)))
crf.addPairwiseGaussian(sxy=case["smoothPixels"], compat=case["smoothWeight"])
crf.addPairwiseBilateral(
    sxy=case["bilateralPixels"], srgb=case["bilateralColor"], rgbim=np.ascontiguousarray(image),
    compat=case["bilateralWeight"],
)
json.dump(np.array(crf.inference(case["iterations"])).flatten().tolist(), sys.stdout)
