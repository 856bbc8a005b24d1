"""What the files of an endpoint's folder are called. Standard library only: runners look for them, too."""

DESIRED = "endpoint.json"
STATUS = "status.json"
KEPT_REQUESTS = "requests"
