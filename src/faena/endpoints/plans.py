"""What a front is told: `endpoint.json`, made of the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from faena.compute.cores import machine_cores
from faena.endpoints.front_folder import FrontFolder, StagedModel, model_directory
from faena.endpoints.model import Endpoint, Revision, Stage
from faena.endpoints.schemas import KeysView
from faena.scoring import desired


def plan(
    endpoint: Endpoint,
    revisions: Sequence[Revision],
    models: Mapping[int, Sequence[StagedModel]],
    folder: FrontFolder,
    workspace: str,
    keys: Callable[[], KeysView],
    cores: int = 0,
) -> desired.Endpoint | None:
    """None while no revision can be started. `models`: of the revisions, by number. `cores`: of the machine; 0: of this
    one."""
    ready = {
        each.number: each for each in revisions if each.stage is Stage.READY and each.number in endpoint.used
    }
    weights = endpoint.traffic
    if endpoint.wanted is not None and all(number in ready for number in endpoint.wanted):
        weights = endpoint.wanted
    weights = {number: weight for number, weight in weights.items() if number in ready}
    if not weights:
        return None
    settings = endpoint.settings
    limits = settings.limits
    shown = keys() if settings.auth_enabled else None
    return desired.Endpoint(
        name=endpoint.name,
        workspace=workspace,
        host=settings.host,
        port=settings.port,
        last_port=endpoint.port,
        keys=None if shown is None else [shown.primary, shown.secondary],
        limits=desired.Limits(
            body_bytes=limits.body_bytes,
            header_bytes=limits.header_bytes,
            queue=limits.queue,
            connections=limits.connections,
            timeout_s=limits.timeout_seconds,
            init_timeout_s=limits.init_timeout_seconds,
        ),
        revisions=[
            _revision(revision, models.get(number, ()), folder, cores or machine_cores())
            for number, revision in sorted(ready.items())
        ],
        traffic={str(number): float(weight) for number, weight in sorted(weights.items())},
        sticky_header=settings.sticky_header or None,
        shadow=endpoint.shadow if endpoint.shadow in ready else None,
        cors_origins=list(settings.cors_origins),
        keep_requests=settings.keep_requests,
        tls=None if settings.tls is None else desired.Tls(settings.tls.certificate, settings.tls.key),
    )


def _revision(
    revision: Revision, models: Sequence[StagedModel], folder: FrontFolder, cores: int
) -> desired.Revision:
    spec, workers = revision.spec, revision.spec.workers
    app = folder.app(revision.number)
    return desired.Revision(
        id=revision.number,
        python=revision.python or "",
        hold=_hold(revision),
        app=str(app),
        entry=spec.entry or None,
        kind=spec.kind,
        options=spec.options,
        model_dir=model_directory(app, models),
        variables=spec.inherited_variables | spec.environment_variables,
        workers=workers.count,
        threads=workers.threads or max(1, cores // workers.count),
        max_batch_size=workers.max_batch_size,
        max_latency_ms=workers.max_latency_ms,
        max_requests=workers.max_requests,
        max_memory_bytes=workers.max_memory_bytes,
        sample=spec.sample,
        models=[(use.name, str(use.version)) for use in spec.models],
    )


def _hold(revision: Revision) -> str:
    """The lock file beside a built environment's folder, `…/DIGEST/bin/python`; none of one that is used as it is."""
    before, found, _ = (revision.python or "").partition(f"/{revision.lock}/")
    return f"{before}/{revision.lock}.lock" if found else ""
