"""A script with MLflow's own client, which says in a file of each call that returned that it did.

`python mlflow_script.py CONFIRM RELEASE`, with MLflow's variables; it ends once RELEASE is there.
"""

import os
import sys
from pathlib import Path

import mlflow
from mlflow import MlflowClient


def main() -> None:
    confirm = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    release = Path(sys.argv[2])

    def say(what: str, value: object) -> None:
        os.write(confirm, f"{what} {value}\n".encode())

    client = MlflowClient()
    with mlflow.start_run() as run:
        say("run", run.info.run_id)
        name = f"model-{run.info.run_id}"
        client.create_registered_model(name)
        number = 0
        while number < 20 or not release.exists():
            number += 1
            mlflow.log_metric("n", number, step=number)
            say("point", number)
            if number % 10 == 0:
                mlflow.log_param(f"p{number}", number)
                say("parameter", number)
                mlflow.set_tag("count", str(number))
                say("tag", number)
                mlflow.log_text(f"{number} " * 500, f"texts/{number}.txt")
                say("file", number)
            if number % 20 == 0:
                made = client.create_model_version(name, f"runs:/{run.info.run_id}/texts")
                say("version", made.version)
    say("end", number)


if __name__ == "__main__":
    main()
