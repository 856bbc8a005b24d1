"""The types of MLflow's GraphQL: which fields each has, and what they are."""

from __future__ import annotations

from msgspec import Struct

TEXT, LONG, FLOAT, YES, WORD = "String", "LongString", "Float", "Boolean", "Enum"
"""`LONG`: a whole number as text. `WORD`: text, or nothing where it is not told."""


class Kind(Struct, frozen=True):
    name: str
    """One of those above, or of a type's."""
    is_list: bool = False


def _of(kind: str, names: str) -> dict[str, Kind]:
    return {name: Kind(kind) for name in names.split()}


def _many(**names: str) -> dict[str, Kind]:
    return {name: Kind(kind, is_list=True) for name, kind in names.items()}


_PAIR = _of(TEXT, "key value")
_POINT = (
    _of(TEXT, "key runId modelId datasetName datasetDigest")
    | _of(FLOAT, "value")
    | _of(LONG, "timestamp step")
)
_ERROR = _of("ApiError", "apiError")
_PAGE = _of(TEXT, "nextPageToken") | _ERROR

TYPES: dict[str, dict[str, Kind]] = {
    "ApiError": _of(TEXT, "code message helpUrl traceId"),
    "Test": _of(TEXT, "output"),
    "MlflowExperimentTag": _PAIR,
    "MlflowRunTag": _PAIR,
    "MlflowParam": _PAIR,
    "MlflowInputTag": _PAIR,
    "MlflowModelVersionTag": _PAIR,
    "MlflowModelParam": _of(TEXT, "name value"),
    "MlflowModelMetric": _POINT,
    "MlflowMetricExtension": _POINT,
    "MlflowMetricWithRunId": _POINT,
    "MlflowExperiment": _of(TEXT, "experimentId name artifactLocation lifecycleStage workspace")
    | _of(LONG, "lastUpdateTime creationTime")
    | _many(tags="MlflowExperimentTag"),
    "MlflowGetExperimentResponse": _of("MlflowExperiment", "experiment") | _ERROR,
    "MlflowRunInfo": _of(TEXT, "runId runUuid runName experimentId userId artifactUri lifecycleStage")
    | _of(LONG, "startTime endTime")
    | _of(WORD, "status"),
    "MlflowRunData": _many(metrics="MlflowMetricExtension", params="MlflowParam", tags="MlflowRunTag"),
    "MlflowDataset": _of(TEXT, "name digest sourceType source schema profile"),
    "MlflowDatasetInput": _many(tags="MlflowInputTag") | _of("MlflowDataset", "dataset"),
    "MlflowModelInput": _of(TEXT, "modelId"),
    "MlflowModelOutput": _of(TEXT, "modelId") | _of(LONG, "step"),
    "MlflowRunInputs": _many(datasetInputs="MlflowDatasetInput", modelInputs="MlflowModelInput"),
    "MlflowRunOutputs": _many(modelOutputs="MlflowModelOutput"),
    "MlflowRunExtension": _of("MlflowRunInfo", "info")
    | _of("MlflowRunData", "data")
    | _of("MlflowRunInputs", "inputs")
    | _of("MlflowRunOutputs", "outputs")
    | _of("MlflowExperiment", "experiment")
    | _many(modelVersions="MlflowModelVersion"),
    "MlflowGetRunResponse": _of("MlflowRunExtension", "run") | _ERROR,
    "MlflowSearchRunsResponse": _many(runs="MlflowRunExtension") | _PAGE,
    "MlflowFileInfo": _of(TEXT, "path") | _of(YES, "isDir") | _of(LONG, "fileSize"),
    "MlflowListArtifactsResponse": _of(TEXT, "rootUri") | _many(files="MlflowFileInfo") | _PAGE,
    "MlflowGetMetricHistoryBulkIntervalResponse": _many(metrics="MlflowMetricWithRunId") | _ERROR,
    "MlflowDatasetSummary": _of(TEXT, "experimentId name digest context"),
    "MlflowSearchDatasetsResponse": _many(datasetSummaries="MlflowDatasetSummary") | _ERROR,
    "MlflowModelVersion": _of(
        TEXT, "name version userId currentStage description source runId statusMessage runLink modelId"
    )
    | _of(LONG, "creationTimestamp lastUpdatedTimestamp")
    | _of(WORD, "status")
    | _many(
        tags="MlflowModelVersionTag",
        aliases=TEXT,
        modelParams="MlflowModelParam",
        modelMetrics="MlflowModelMetric",
    ),
    "MlflowSearchModelVersionsResponse": _many(modelVersions="MlflowModelVersion") | _PAGE,
}


class Root(Struct, frozen=True):
    """A question: what answers it, and what the answer is."""

    method: str
    path: str
    kind: str


QUERIES = {
    "mlflowGetExperiment": Root("GET", "experiments/get", "MlflowGetExperimentResponse"),
    "mlflowGetRun": Root("GET", "runs/get", "MlflowGetRunResponse"),
    "mlflowListArtifacts": Root("GET", "artifacts/list", "MlflowListArtifactsResponse"),
    "mlflowGetMetricHistoryBulkInterval": Root(
        "GET", "metrics/get-history-bulk-interval", "MlflowGetMetricHistoryBulkIntervalResponse"
    ),
    "mlflowSearchModelVersions": Root("GET", "model-versions/search", "MlflowSearchModelVersionsResponse"),
    "mlflowSearchRuns": Root("POST", "runs/search", "MlflowSearchRunsResponse"),
    "test": Root("", "", "Test"),
}
MUTATIONS = {
    "mlflowSearchDatasets": Root("POST", "experiments/search-datasets", "MlflowSearchDatasetsResponse"),
    "mlflowSearchRuns": QUERIES["mlflowSearchRuns"],
    "testMutation": QUERIES["test"],
}
