"""Registers files of the server's own host, or files that were sent: bytes first, then the version in one go."""

from __future__ import annotations

from faena.db import Database
from faena.kernel import ids
from faena.kernel.clock import Clock
from faena.kernel.errors import UserErrorException, WebserviceException
from faena.kernel.file_names import check as check_name
from faena.kernel.lanes import BYTES
from faena.models import service
from faena.models.local_files import MOST_FILES, Source, collect
from faena.models.model import Framework, ModelFile, ModelVersion, check_framework
from faena.models.schemas import LocalRegistration, ModelView, SentFile, SentRegistration
from faena.objects.contract import ObjectFiles
from faena.objects.service import Objects


async def register(
    database: Database,
    objects: Objects,
    clock: Clock,
    name: str,
    request_id: str,
    asked: LocalRegistration | SentRegistration,
) -> ModelView:
    """Take the files where they lie and give them a version; the same request again gives the same version.

    The bytes are shared with the files where the file system can (reflink), else copied: never linked, since their
    owner may write them. Whatever fails, or if the server dies, there is no version.

    Raises WebserviceException for what `faena.models.local_files.collect` refuses and for a file that cannot be read,
    UserErrorException for one that changes meanwhile.
    """
    ids.check_model_name(name)
    framework = Framework(asked.framework, asked.framework_version)
    check_framework(framework)
    before = await database.read(
        lambda read: service.view_of_request(read, name, request_id, None, asked.path)
    )
    if before is not None:
        return before
    if isinstance(asked, SentRegistration):
        files = await _sent(objects, asked.files)
    else:
        sources = await BYTES.run(collect, asked.path, asked.child_paths)
        files = await BYTES.run(_take, objects.files, sources)
    now = clock.now()
    model = ModelVersion(
        name=name,
        version=0,
        run_id=None,
        path=asked.path,
        created_at=now,
        description=asked.description,
        tags=asked.tags,
        properties=asked.properties,
        framework=framework,
        datasets=tuple((use.name, use.id) for use in asked.datasets),
        files=files,
    )
    return await database.write(lambda write: service.add(write, model, request_id))


async def _sent(objects: Objects, files: tuple[SentFile, ...]) -> tuple[ModelFile, ...]:
    names = [check_name(file.path) for file in files]
    tops = {name.partition("/")[0] for name in names}
    if not 1 <= len(files) <= MOST_FILES or len(set(names)) < len(names):
        raise WebserviceException(f"A model has 1 to {MOST_FILES:,} files, each with a name of its own.")
    if len(tops) > 1 or (len(names) > 1 and min(tops) in names):
        raise WebserviceException("A model is one file or one folder of files. Give the files one folder.")
    sizes = await objects.sent(file.digest for file in files)
    named = sorted((file.path, file.digest) for file in files)
    return tuple(ModelFile(path, digest, sizes[digest]) for path, digest in named)


def _take(objects: ObjectFiles, sources: list[Source]) -> tuple[ModelFile, ...]:
    taken = []
    done = objects.put_files([place for _, place in sources])
    for (path, _), found in zip(sources, done, strict=True):
        if isinstance(found, UserErrorException):
            raise WebserviceException(f"{found.message} Nothing was registered.")
        taken.append(ModelFile(path, *found))
    return tuple(taken)
