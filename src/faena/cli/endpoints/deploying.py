"""`faena deploy`: registered models answer over HTTP."""

from __future__ import annotations

from typing import Any

import rich_click as click

from faena.cli.command import command
from faena.cli.common import json_option, tags_of, told_on_stderr, workspace
from faena.cli.endpoints.asking import body_of
from faena.cli.endpoints.inference import inference_of, inference_options, model_named, name_of


@command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL[:VERSION|@ALIAS]…")
@click.option("--name", help="Its name: 3 to 32 lower-case letters, digits and '-' (default: the model's).")
@inference_options
@click.option("--workers", type=int, help="Processes that score (default: 1).")
@click.option("--port", type=int, help="Port (default: a free one, which is kept).")
@click.option("--host", help="Address at which it listens; 0.0.0.0: all (default: 127.0.0.1).")
@click.option("--certificate", type=click.Path(), help="Its file, as PEM: it is asked by https then.")
@click.option("--key", type=click.Path(), help="The file with the certificate's key.")
@click.option("--auth/--no-auth", default=None, help="Whether a key is asked for (default: yes).")
@click.option("--timeout", type=float, help="Seconds that one request may take (default: 60).")
@click.option("--max-batch-size", type=int, help="Rows that run() gets at once (default: 1).")
@click.option(
    "--sample", metavar="TEXT|@FILE", help="A body that a new revision must answer before it takes over."
)
@click.option(
    "--overwrite", is_flag=True, help="Put it in the place of what NAME serves, without losing a request."
)
@click.option(
    "--percentage", type=int, default=100, help="Of the requests, for the new revision (with --overwrite)."
)
@click.option(
    "--cluster", help="A joined cluster, on a machine of which it answers (default: the server's host)."
)
@click.option("--node", help="The machine of --cluster (default: that with the fewest endpoints).")
@click.option("--keep-requests", type=float, help="Share of requests kept with their answers, such as 0.1.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag; may be repeated.")
@click.option("--wait/--no-wait", default=True, help="Wait until it answers (default: yes).")
@json_option
def deploy(models: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Have registered models answer over HTTP.

    Without --pip, --conda-file, --environment and --user-managed the script gets the packages of the run that made
    the model.
    """
    from faena.cli.endpoints import showing
    from faena.client.endpoints import deploying
    from faena.client.endpoints.webservice import LocalWebservice

    current = workspace()
    chosen = [model_named(current, each) for each in models]
    name = options["name"] or name_of(chosen[0])
    inference = inference_of(current, chosen, options)
    configuration = LocalWebservice.deploy_configuration(
        options["port"],
        host=options["host"],
        ssl_cert_pem_file=options["certificate"],
        ssl_key_pem_file=options["key"],
        auth_enabled=options["auth"],
        workers=options["workers"],
        timeout_seconds=options["timeout"],
        max_batch_size=options["max_batch_size"],
        sample_input=None if options["sample"] is None else body_of(options["sample"]).decode(),
        keep_requests=options["keep_requests"],
        node=options["node"],
        tags=tags_of(options["tags"]) or None,
    )
    with told_on_stderr():
        view = deploying.deploy(
            current,
            name,
            chosen,
            inference,
            configuration,
            onto="any" if options["overwrite"] else "new",
            percentage=options["percentage"],
            target=options["cluster"],
        )
        service = LocalWebservice.of_view(current, view)
        if options["wait"]:
            service.wait_for_deployment(show_output=not as_json)
    showing.service(service, as_json=as_json)


COMMANDS = (deploy,)
