"""Scores by torchmetrics and scikit-learn, for tests/peers/metrics_test.ts.

Reads a JSON list of cases {"classes", "ignore", "truth", "prediction"} from standard input and
prints, for each, what both packages say; null stands for NaN.
"""

import json
import math
import sys
import warnings

import numpy as np
import torch
from sklearn import metrics as sk
from torchmetrics.functional import classification as tm

warnings.filterwarnings("ignore")


def plain(value):
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    value = np.asarray(value, dtype=np.float64).tolist()
    if isinstance(value, list):
        return [None if isinstance(v, float) and math.isnan(v) else v for v in value]
    return None if math.isnan(value) else value


def score(case):
    classes, ignore = case["classes"], case["ignore"]
    truth, prediction = np.array(case["truth"]), np.array(case["prediction"])
    kept = truth != ignore
    t, p = truth[kept], prediction[kept]
    labels = list(range(classes))
    options = {"num_classes": classes, "ignore_index": ignore}
    tensors = (torch.tensor(prediction), torch.tensor(truth))
    per_class = {"labels": labels, "average": None, "zero_division": np.nan}
    return {
        "torchmetrics": plain({
            "iou": tm.multiclass_jaccard_index(*tensors, average="none", **options),
            "meanIou": tm.multiclass_jaccard_index(*tensors, average="macro", **options),
            "pixelAccuracy": tm.multiclass_accuracy(*tensors, average="micro", **options),
            "recall": tm.multiclass_accuracy(*tensors, average="none", **options),
            "dice": tm.multiclass_f1_score(*tensors, average="none", **options),
            "meanDice": tm.multiclass_f1_score(*tensors, average="macro", **options),
            "frequencyWeightedIou": tm.multiclass_jaccard_index(*tensors, average="weighted", **options),
            "kappa": tm.multiclass_cohen_kappa(*tensors, **options),
            "matthews": tm.multiclass_matthews_corrcoef(*tensors, **options),
        }),
        "sklearn": plain({
            "confusion": sk.confusion_matrix(t, p, labels=labels).flatten(),
            "iou": sk.jaccard_score(t, p, labels=labels, average=None, zero_division=0),
            "dice": sk.f1_score(t, p, **per_class),
            "precision": sk.precision_score(t, p, **per_class),
            "recall": sk.recall_score(t, p, **per_class),
            "pixelAccuracy": sk.accuracy_score(t, p),
            "meanAccuracy": sk.balanced_accuracy_score(t, p),
            "kappa": sk.cohen_kappa_score(t, p, labels=labels),
            "matthews": sk.matthews_corrcoef(t, p),
        }),
    }


def large():
    """Counts of one class above 2**24, where float32 sums stop."""
    pixels = torch.zeros(2**24 + 2**12 + 1, dtype=torch.long)
    return tm.multiclass_confusion_matrix(pixels, pixels, num_classes=2).flatten().tolist()


cases = json.load(sys.stdin)
json.dump({"cases": [score(case) for case in cases], "large": large()}, sys.stdout)
