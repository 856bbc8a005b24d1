"""Environment variables of a run that was submitted on another machine: what tells of that one is this one's here."""

from __future__ import annotations

from collections.abc import Mapping

OF_A_MACHINE = frozenset(
    {
        # the way to the network, and whom to trust there
        *("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"),
        *("GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS"),
        # who runs it, and where that person's files are
        *("HOME", "USER", "LOGNAME", "SHELL", "TMPDIR"),
        *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"),
        # where programs and their libraries are, and devices
        *("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "JAVA_HOME"),
        *("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCM_PATH", "ROCM_HOME"),
    }
)
"""Of what `faena.runs.variables` has a submitter's process pass on; the rest is language and time."""
_PREFIXES = ("CUDA_", "CUDNN_", "NCCL_", "NVIDIA_")


def here(passed_on: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """`environ`: of the runner's process."""
    found = {name: value for name, value in passed_on.items() if not is_of_a_machine(name)}
    return found | {name: value for name, value in environ.items() if is_of_a_machine(name)}


def is_of_a_machine(name: str) -> bool:
    return name in OF_A_MACHINE or name.startswith(_PREFIXES)
