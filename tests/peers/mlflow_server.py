"""A real MLflow server, and its own client to read back what was logged.

    mlflow_server.py serve PORT FOLDER       runs a server until it is ended
    mlflow_server.py read URI RUN            prints the run as JSON
"""

import hashlib
import json
import os
import sys


def serve(port, folder):
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", port, "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/runs.db", "--artifacts-destination", f"{folder}/artifacts"]
    os.execv(sys.executable, command)


def read(uri, run_id):
    os.environ["MLFLOW_TRACKING_URI"] = uri
    from mlflow.tracking import MlflowClient

    client = MlflowClient()
    run = client.get_run(run_id)
    artifacts = {}

    def walk(path):
        for entry in client.list_artifacts(run_id, path):
            if entry.is_dir:
                walk(entry.path)
            else:
                with open(client.download_artifacts(run_id, entry.path), "rb") as file:
                    artifacts[entry.path] = hashlib.sha256(file.read()).hexdigest()

    walk(None)
    metrics = {
        name: [[metric.step, repr(metric.value)] for metric in client.get_metric_history(run_id, name)]
        for name in run.data.metrics
    }
    experiment = client.get_experiment(run.info.experiment_id)
    print(
        json.dumps(
            {
                "experiment": experiment.name,
                "name": run.info.run_name,
                "status": run.info.status,
                "ended": run.info.end_time is not None,
                "parameters": run.data.params,
                "metrics": metrics,
                "artifacts": artifacts,
            }
        )
    )


{"serve": serve, "read": read}[sys.argv[1]](*sys.argv[2:])
