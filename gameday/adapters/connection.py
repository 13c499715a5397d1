"""From a kubeconfig to an API client: the context is chosen here, the credentials by chaostoolkit-kubernetes."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from gameday.errors import BadInputError

if TYPE_CHECKING:
    from kubernetes.client import ApiClient


def choose_context(wanted: str) -> str:
    """The context that will be used, checked before any library gets to guess.

    Raises:
        BadInputError: There is no kubeconfig, or no such context in it.
    """
    from kubernetes import config

    path = os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    if os.environ.get("CHAOSTOOLKIT_IN_POD") == "true" and not Path(path).exists():
        return "in-cluster"
    try:
        contexts, current = config.list_kube_config_contexts(config_file=path)
    except Exception as error:
        raise BadInputError(
            f"kubeconfig {path}: {error}", "a kubeconfig with a current context", "Set KUBECONFIG to one."
        ) from error
    names = [str(context["name"]) for context in contexts]
    wanted = wanted or os.environ.get("KUBERNETES_CONTEXT", "") or (str(current["name"]) if current else "")
    if wanted not in names:
        raise BadInputError(
            f"context {wanted!r} in {path}",
            f"one of {', '.join(names) or 'no context at all'}",
            "Choose it with --context.",
        )
    return wanted


def connect(context: str) -> "ApiClient":
    """An API client with this project's time-outs; chaostoolkit-kubernetes reads the credentials."""
    from chaosk8s import create_k8s_api_client
    from kubernetes.client import ApiClient

    secrets = {} if context == "in-cluster" else {"KUBERNETES_CONTEXT": context, "KUBERNETES_VERIFY_SSL": "true"}
    try:
        client = create_k8s_api_client(secrets)
    except Exception as error:
        raise BadInputError(
            f"kubeconfig, context {context!r}: {error}", "usable credentials", "Repair the kubeconfig."
        ) from error
    configuration = client.configuration
    configuration.retries = False  # a retry would hide the time that it took
    configuration.connection_pool_maxsize = 16  # one a watch, and some for requests
    return ApiClient(configuration)


def unreachable(context: str, error: Exception) -> BadInputError:
    """The error of an API server that does not answer, with the cause that its text hints at."""
    hint = "Start the cluster, or choose another one with KUBECONFIG or --context."
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        hint = "Python 3.13 refuses a CA certificate without the keyUsage extension: reissue the CA, or correct it."
    return BadInputError(f"context {context!r}: {error}", "an API server that answers", hint)
